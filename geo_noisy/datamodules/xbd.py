"""xBD for pretraining and for the probe."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.datasets.xbd.base import Split
from geo_noisy.datasets.xbd.pairs import XBDPairs
from geo_noisy.datasets.xbd.segmentation import XBDSegmentation
from geo_noisy.pairs.policy import PairPolicy


class XBDPairsDataModule(PairDataModule):
    """Pairs of xBD tiles (paper, section IV-A); validation takes the clean tiles of the validation split."""

    def __init__(
        self,
        root: Path | Sequence[Path] = Path('data/xbd'),
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        policy: PairPolicy | None = None,
        seed: int | None = None,
        stack_dates: bool = False,
        predict_split: str = 'val',
        **dataset: Any,
    ) -> None:
        """Initialise a new XBDPairsDataModule.

        Args:
            root: Folder that holds ``train`` and ``tier3``, or several such folders.
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The noisy pairs rate r_pairs and how it is met; every pair once by default.
            seed: Seed of order, views and query roles; ``seed_everything`` by default.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.
            predict_split: Split that ``predict`` goes over: ``train``, ``val`` or what else the data set has.
            **dataset: Arguments of :class:`~geo_noisy.datasets.XBDPairs`.
        """
        super().__init__(
            XBDPairs,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            policy=policy,
            seed=seed,
            stack_dates=stack_dates,
            predict_split=predict_split,
        )
        self.root = root
        self.options = dataset

    def prepare_data(self) -> None:
        """Build the index once, in one process."""
        self.build_dataset('train')

    def build_dataset(self, split: Split) -> XBDPairs:  # type: ignore[override]  # names are checked by the data set
        """Build the pairs of 'train', 'val', 'test' or 'hold'."""
        return XBDPairs(self.root, split=split, **self.options)


class XBDSegmentationDataModule(LabelledDataModule):
    """The downstream task of xBD: damage classes from the post-disaster tile, tested on the official test set."""

    def __init__(
        self,
        root: Path | Sequence[Path] = Path('data/xbd'),
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        label_fraction: float = 1.0,
        test_split: Split = 'test',
        seed: int | None = None,
        predict_split: str = 'test',
        **dataset: Any,
    ) -> None:
        """Initialise a new XBDSegmentationDataModule.

        Args:
            root: Folder that holds ``train``, ``tier3`` and ``test``, or several such folders.
            batch_size: Tiles in a training batch.
            eval_batch_size: Tiles in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            label_fraction: Share of the training tiles that is used, in (0, 1].
            test_split: What is tested on: ``test`` or ``hold``, the official sets, or ``val``.
            seed: Seed of order, views and the choice of labels; ``seed_everything`` by default.
            predict_split: Split that ``predict`` goes over: ``train``, ``val``, ``test`` or what else the data set has.
            **dataset: Arguments of :class:`~geo_noisy.datasets.XBDSegmentation`.
        """
        super().__init__(
            XBDSegmentation,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            label_fraction=label_fraction,
            seed=seed,
            predict_split=predict_split,
        )
        self.root, self.test_split = root, test_split
        self.options = dataset

    def build_dataset(self, split: Split) -> XBDSegmentation:  # type: ignore[override]  # as above
        """Build the tiles of 'train', 'val' or 'test'."""
        return XBDSegmentation(self.root, split=self.test_split if split == 'test' else split, **self.options)
