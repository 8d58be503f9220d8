"""Labels of a region for a probe, over the windows of a file that ``geo-noisy index`` writes."""

from functools import cached_property
from typing import Any, Literal, cast

from lightning.pytorch.utilities import rank_zero_info

from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.region_index import read_region, selection_of
from geo_noisy.datasets.region_segmentation import RegionSegmentation
from geo_noisy.regions.describe_index import describe_index
from geo_noisy.regions.labels.options import RegionLabels
from geo_noisy.regions.labels.read import LabelReader
from geo_noisy.regions.pair_index import PairIndex


class RegionSegmentationDataModule(LabelledDataModule):
    """The downstream task of a region: classes from rasters or polygons, with splits on separate blocks of ground."""

    def __init__(
        self,
        index: str,
        labels: RegionLabels,
        root: str | None = None,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        label_fraction: float = 1.0,
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
        predict_split: str = 'test',
        **dataset: Any,
    ) -> None:
        """Initialise a new RegionSegmentationDataModule.

        Args:
            index: GeoParquet file written by ``geo-noisy index``.
            labels: Where the labels lie, and what they mean.
            root: Folder that the images moved to.
            batch_size: Windows in a training batch.
            eval_batch_size: Windows in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            label_fraction: Share of the training windows that is used, in (0, 1].
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
            seed: Seed of order, views and the choice of labels; ``seed_everything`` by default.
            predict_split: Split that ``predict`` goes over: ``train``, ``val`` or ``test``.
            **dataset: Arguments of :class:`~geo_noisy.datasets.RegionSegmentation`.
        """
        super().__init__(
            RegionSegmentation,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            label_fraction=label_fraction,
            scale=scale,
            seed=seed,
            predict_split=predict_split,
        )
        self.index_path, self.root, self.labels = index, root, labels
        self.selection = selection_of(roi=roi, toi=toi, months=months, sensors=sensors)
        self.blocks: dict[str, Any] = {'shares': shares, 'block_px': block_px, 'margin_px': margin_px}
        self.split_seed = split_seed
        self.options = dataset

    @cached_property
    def region(self) -> PairIndex:
        """All windows, with splits and band statistics."""
        return read_region(
            self.index_path,
            root=self.root,
            selection=self.selection,
            blocks=self.blocks,
            seed=self.split_seed,
            remote=self.options.get('remote', False),
        )

    @cached_property
    def label_reader(self) -> LabelReader:
        """What reads the labels, with the classes of the whole region."""
        return LabelReader(self.region, self.labels)

    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return self.label_reader.names

    def band_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each band over the training split of the index, in [0, 1] units."""
        found, scale = self.region.statistics, float(self.std)
        assert found is not None  # read_region measures them
        chosen = [number - 1 for number in self.region.band_numbers(self.options.get('bands'))]
        return [found.mean[band] / scale for band in chosen], [found.std[band] / scale for band in chosen]

    def describe(self) -> dict[str, Any]:
        """What a checkpoint keeps: also bands, units, pixel size and dates."""
        return super().describe() | describe_index(self.region, bands=self.options.get('bands'))

    def build_dataset(self, split: str) -> RegionSegmentation:
        """Build the windows of 'train', 'val' or 'test' that have labels, and tell what there is."""
        name = cast(Literal['train', 'val', 'test'], split)
        dataset = RegionSegmentation(self.region, self.label_reader, split=name, **self.options)
        rank_zero_info(dataset.summary())
        return dataset
