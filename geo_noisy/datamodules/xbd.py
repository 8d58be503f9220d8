"""xBD for pretraining and for the probe."""

from collections.abc import Sequence
from pathlib import Path

from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.datasets.xbd.base import OnError, Split
from geo_noisy.datasets.xbd.masks import XBDLabels
from geo_noisy.datasets.xbd.pairs import XBDPairs, XBDSegmentation
from geo_noisy.datasets.xbd.splits import XBDSplit
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
        tile_px: int = 512,
        labels: XBDLabels | None = None,
        splits: XBDSplit | None = None,
        folders: Sequence[str] = ('train', 'tier3'),
        min_noise: float = 0.0,
        on_error: OnError = 'refuse',
        cache_dir: Path | None = None,
        tile_cache: Path | None = None,
        seed: int = 0,
        stack_dates: bool = False,
    ) -> None:
        """Initialise a new XBDPairsDataModule.

        Args:
            root: Folder that holds ``train`` and ``tier3``, or several such folders.
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The noisy pairs rate r_pairs and how it is met; every pair once by default.
            tile_px: Side of a tile, a divisor of 1024.
            labels: How labels become masks.
            splits: How tiles are shared out over training and validation; the paper's split by default.
            folders: Folders that are shared out.
            min_noise: Pairs with more noise than this are noisy.
            on_error: ``refuse`` bad files, or ``drop`` the image pairs that have any and warn with their number.
            cache_dir: Where the index is kept; ``~/.cache/geo-noisy/xbd`` by default.
            tile_cache: Keep decoded tiles in this folder (8 MiB an image pair); by default nothing is written.
            seed: Seed of order, views and query roles.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.
        """
        super().__init__(
            XBDPairs,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            policy=policy,
            seed=seed,
            stack_dates=stack_dates,
        )
        self.root, self.folders, self.tile_px, self.min_noise = root, folders, tile_px, min_noise
        self.labels, self.splits, self.on_error = labels, splits, on_error
        self.cache_dir, self.tile_cache = cache_dir, tile_cache

    def prepare_data(self) -> None:
        """Build the index once, in one process."""
        self.build_dataset('train')

    def build_dataset(self, split: Split) -> XBDPairs:  # type: ignore[override]  # names are checked by the data set
        """Build the pairs of 'train', 'val', 'test' or 'hold'."""
        return XBDPairs(
            self.root,
            split=split,
            tile_px=self.tile_px,
            labels=self.labels,
            splits=self.splits,
            folders=self.folders,
            min_noise=self.min_noise,
            on_error=self.on_error,
            cache_dir=self.cache_dir,
            tile_cache=self.tile_cache,
        )


class XBDSegmentationDataModule(LabelledDataModule):
    """The downstream task of xBD: damage classes from the post-disaster tile, tested on the official test set."""

    def __init__(
        self,
        root: Path | Sequence[Path] = Path('data/xbd'),
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        label_fraction: float = 1.0,
        tile_px: int = 512,
        labels: XBDLabels | None = None,
        splits: XBDSplit | None = None,
        folders: Sequence[str] = ('train', 'tier3'),
        test_split: Split = 'test',
        on_error: OnError = 'refuse',
        cache_dir: Path | None = None,
        tile_cache: Path | None = None,
        seed: int = 0,
    ) -> None:
        """Initialise a new XBDSegmentationDataModule.

        Args:
            root: Folder that holds ``train``, ``tier3`` and ``test``, or several such folders.
            batch_size: Tiles in a training batch.
            eval_batch_size: Tiles in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            label_fraction: Share of the training tiles that is used, in (0, 1].
            tile_px: Side of a tile, a divisor of 1024.
            labels: How labels become masks.
            splits: How tiles are shared out over training and validation; the paper's split by default.
            folders: Folders that are shared out.
            test_split: What is tested on: ``test`` or ``hold``, the official sets, or ``val``.
            on_error: ``refuse`` bad files, or ``drop`` the image pairs that have any and warn with their number.
            cache_dir: Where the index is kept; ``~/.cache/geo-noisy/xbd`` by default.
            tile_cache: Keep decoded tiles in this folder (8 MiB an image pair); by default nothing is written.
            seed: Seed of order, views and the choice of labels.
        """
        super().__init__(
            XBDSegmentation,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            label_fraction=label_fraction,
            seed=seed,
        )
        self.root, self.folders, self.tile_px, self.test_split = root, folders, tile_px, test_split
        self.labels, self.splits, self.on_error = labels, splits, on_error
        self.cache_dir, self.tile_cache = cache_dir, tile_cache

    def build_dataset(self, split: Split) -> XBDSegmentation:  # type: ignore[override]  # as above
        """Build the tiles of 'train', 'val' or 'test'."""
        return XBDSegmentation(
            self.root,
            split=self.test_split if split == 'test' else split,
            tile_px=self.tile_px,
            labels=self.labels,
            splits=self.splits,
            folders=self.folders,
            on_error=self.on_error,
            cache_dir=self.cache_dir,
            tile_cache=self.tile_cache,
        )
