"""Pairs over any region, from the file that ``geo-noisy index`` writes."""

from typing import Any, Literal, cast

import numpy as np

from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.datamodules.region_index import read_region, selection_of
from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.regions.describe_index import describe_index
from geo_noisy.regions.pair_index import PairIndex


class TemporalPairsDataModule(PairDataModule):
    """Temporal pairs of a region, with training and validation on separate blocks of ground."""

    def __init__(
        self,
        index: str,
        root: str | None = None,
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        policy: PairPolicy | None = None,
        length: int | None = None,
        val_length: int | None = 2048,
        weights_column: str | None = None,
        scale: float = 255.0,
        roi: tuple[float, float, float, float] | None = None,
        toi: tuple[str, str] | None = None,
        months: list[int] | None = None,
        sensors: list[str] | None = None,
        shares: tuple[float, float, float] = (0.7, 0.15, 0.15),
        block_px: int | None = None,
        margin_px: int = 0,
        split_seed: int = 0,
        seed: int | None = None,
        stack_dates: bool = False,
        predict_split: str = 'val',
        **dataset: Any,
    ) -> None:
        """Initialise a new TemporalPairsDataModule.

        Args:
            index: GeoParquet file written by ``geo-noisy index``.
            root: Folder that the images moved to.
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The noisy pairs rate and how it is met; every pair once by default.
            length: Pairs in an epoch, for indices with very many.
            val_length: Most pairs in a validation epoch: a fixed choice of the clean ones (of all, where noise is
                unknown everywhere).
            weights_column: Column of ``index`` with a weight for each location, e.g. ``pairs_noisy``.
            scale: Sensor value that becomes 1: 255 for bytes, 10000 for Sentinel-2.
            roi: Region of interest as (left, bottom, right, top) in the CRS of the index; windows that lie whole inside
                are used.
            toi: First and last date of interest.
            months: Months (1 to 12) that dates must lie in.
            sensors: Sensors that dates must come from.
            shares: Shares of train, validation and test, where the index has no splits.
            block_px: Side of the blocks that are split; eight windows by default.
            margin_px: Smallest distance of windows of two splits.
            split_seed: Seed of the choice of blocks and of the windows that band statistics come from.
            seed: Seed of order, views and query roles; ``seed_everything`` by default.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.
            predict_split: Split that ``predict`` goes over: ``train``, ``val`` or what else the data set has.
            **dataset: Arguments of :class:`~geo_noisy.datasets.TemporalPairs`.
        """
        super().__init__(
            TemporalPairs,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            policy=policy,
            scale=scale,
            seed=seed,
            stack_dates=stack_dates,
            predict_split=predict_split,
        )
        self.index_path, self.root, self.length, self.val_length = index, root, length, val_length
        self.weights_column = weights_column
        self.options = dataset
        self.selection = selection_of(roi=roi, toi=toi, months=months, sensors=sensors)
        self.blocks: dict[str, Any] = {'shares': shares, 'block_px': block_px, 'margin_px': margin_px}
        self.split_seed = split_seed
        self._pairs: PairIndex | None = None

    @property
    def pair_index(self) -> PairIndex:
        """All pairs, with splits and band statistics."""
        if self._pairs is None:
            self._pairs = read_region(
                self.index_path,
                root=self.root,
                selection=self.selection,
                blocks=self.blocks,
                seed=self.split_seed,
                remote=self.options.get('remote', False),
            )
        return self._pairs

    def band_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each band over the training split, in [0, 1] units."""
        mean, std = self._pairs_of(self.pair_index).band_statistics() or ([], [])
        scale = float(self.std)
        return [value / scale for value in mean], [value / scale for value in std]

    def describe(self) -> dict[str, Any]:
        """What a checkpoint keeps: also bands, units, pixel size and dates."""
        return super().describe() | describe_index(self.pair_index, bands=self.options.get('bands'))

    def build_dataset(self, split: str) -> TemporalPairs:
        """Build the pairs of 'train', 'val' or 'test'."""
        name = cast(Literal['train', 'val', 'test'], split)
        return self._pairs_of(self.pair_index.split(name))

    def validation_policy(self) -> PairPolicy:
        """Clean pairs alone; where no noise is known at all, every pair stands for clean."""
        pairs = self._valid_attribute('val_dataset').pairs()
        unknown_only = pairs.count('clean') == 0 and pairs.count('noisy') == 0
        return PairPolicy(rate=0.0, unknown='clean' if unknown_only else 'drop')

    def sampler_options(self, dataset: Any, *, train: bool) -> dict[str, Any]:
        """Pairs in an epoch, and weights of the locations in training."""
        if not train:
            return {'length': self._validation_length(dataset.pairs())}
        if self.weights_column is None:
            return {'length': self.length}
        if self.weights_column not in dataset.index.columns:
            raise ValueError(
                f'weights_column is {self.weights_column!r}; the index has {", ".join(dataset.index.columns)}.'
            )
        return {'length': self.length, 'weights': dataset.index[self.weights_column].to_numpy(dtype=np.float64)}

    def _pairs_of(self, index: PairIndex) -> TemporalPairs:
        return TemporalPairs(index, **self.options)

    def _validation_length(self, pairs: PairIndex) -> int | None:
        if self.val_length is not None and self.val_length < 1:
            raise ValueError(f'val_length is {self.val_length}; an epoch needs at least one pair.')
        there = pairs.count('clean') or pairs.count('unknown')
        return None if self.val_length is None else min(self.val_length, there)
