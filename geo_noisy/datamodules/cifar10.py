"""CIFAR-10 for pretraining with false positives, and for the linear classifier."""

from pathlib import Path
from typing import Any, cast

from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule, noise_free
from geo_noisy.datasets.cifar10.files import download_cifar10, has_cifar10
from geo_noisy.datasets.cifar10.images import CIFAR10, CIFAR10Pairs, Split
from geo_noisy.pairs.policy import PairPolicy


class _CIFAR10Files:
    """Where the files are, and how they get there."""

    root: Path
    download: bool

    def prepare_data(self) -> None:
        """Download CIFAR-10, where asked to."""
        if self.download and not has_cifar10(self.root):
            download_cifar10(self.root)


class CIFAR10PairsDataModule(_CIFAR10Files, PairDataModule):
    """Pairs of CIFAR-10 images of which a share is false (paper, Fig. 1)."""

    def __init__(
        self,
        root: str | Path = Path('data/cifar10'),
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        policy: PairPolicy | None = None,
        train_count: int | None = None,
        dataset_seed: int = 0,
        seed: int | None = None,
        download: bool = False,
        stack_dates: bool = False,
        predict_split: str = 'val',
        **dataset: Any,
    ) -> None:
        """Initialise a new CIFAR10PairsDataModule.

        Args:
            root: Folder of CIFAR-10, see :class:`~geo_noisy.datasets.CIFAR10`.
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The share of false pairs and how it is met; ``draw`` at rate 0 by default.
            train_count: Training images; all by default.
            dataset_seed: Seed of the split and of the false partners.
            seed: Seed of order, views and query roles; ``seed_everything`` by default.
            download: Whether to download CIFAR-10 into ``root``.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.
            predict_split: Split that ``predict`` goes over: ``train``, ``val`` or what else the data set has.
            **dataset: Arguments of :class:`~geo_noisy.datasets.CIFAR10Pairs`.
        """
        super().__init__(
            CIFAR10Pairs,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            policy=policy or PairPolicy(rate=0.0, match='draw'),
            seed=seed,
            stack_dates=stack_dates,
            predict_split=predict_split,
        )
        self.root, self.download, self.dataset_seed = Path(root), download, dataset_seed
        self.train_count = train_count
        self.options = dataset

    def band_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each band, from 256 training images: the same at any rate."""
        return self.sampled_statistics(noise_free)

    def build_dataset(self, split: str) -> CIFAR10Pairs:
        """Build the pairs of 'train' or 'val'."""
        return CIFAR10Pairs(
            self.root,
            split=cast(Split, split),
            count=self.train_count if split == 'train' else None,
            seed=self.dataset_seed,
            **self.options,
        )


class CIFAR10DataModule(_CIFAR10Files, LabelledDataModule):
    """CIFAR-10 for the linear classifier."""

    def __init__(
        self,
        root: str | Path = Path('data/cifar10'),
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        label_fraction: float = 1.0,
        train_count: int | None = None,
        test_count: int | None = None,
        dataset_seed: int = 0,
        seed: int | None = None,
        predict_split: str = 'test',
        download: bool = False,
        **dataset: Any,
    ) -> None:
        """Initialise a new CIFAR10DataModule.

        Args:
            root: Folder of CIFAR-10, see :class:`~geo_noisy.datasets.CIFAR10`.
            batch_size: Images in a training batch.
            eval_batch_size: Images in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            label_fraction: Share of the training images that is used, in (0, 1].
            train_count: Training images; all by default.
            test_count: Test images; all by default.
            dataset_seed: Seed of the split.
            seed: Seed of order, views and the choice of labels; ``seed_everything`` by default.
            predict_split: Split that ``predict`` goes over: ``train``, ``val``, ``test`` or what else the data set has.
            download: Whether to download CIFAR-10 into ``root``.
            **dataset: Arguments of :class:`~geo_noisy.datasets.CIFAR10`.
        """
        super().__init__(
            CIFAR10,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            label_fraction=label_fraction,
            seed=seed,
            predict_split=predict_split,
        )
        self.root, self.download, self.dataset_seed = Path(root), download, dataset_seed
        self.options = dataset
        self.counts = {'train': train_count, 'val': None, 'test': test_count}

    def band_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each band, from 256 training images."""
        return self.sampled_statistics()

    def build_dataset(self, split: str) -> CIFAR10:
        """Build the images of 'train', 'val' or 'test'."""
        return CIFAR10(
            self.root,
            split=cast(Split, split),
            count=self.counts[split],
            seed=self.dataset_seed,
            **self.options,
        )
