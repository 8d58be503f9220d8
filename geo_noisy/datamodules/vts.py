"""VTS for pretraining and for the probe."""

from typing import Any, cast

from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule, noise_free
from geo_noisy.datasets.vts.base import Split
from geo_noisy.datasets.vts.pairs import VTSPairs
from geo_noisy.datasets.vts.segmentation import VTSSegmentation
from geo_noisy.pairs.policy import PairPolicy


class VTSPairsDataModule(PairDataModule):
    """Pairs of VTS images (paper, section IV-B)."""

    def __init__(
        self,
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        policy: PairPolicy | None = None,
        train_count: int = 6000,
        val_count: int = 3600,
        dataset_seed: int = 0,
        seed: int | None = None,
        download: bool = False,
        stack_dates: bool = False,
        predict_split: str = 'val',
        **dataset: Any,
    ) -> None:
        """Initialise a new VTSPairsDataModule.

        Args:
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The noisy pairs rate r_pairs and how it is met; ``draw`` at rate 0 by default.
            train_count: Training images.
            val_count: Validation images.
            dataset_seed: Seed of the images.
            seed: Seed of order, views and query roles; ``seed_everything`` by default.
            download: Whether to download DTD into ``root``.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.
            predict_split: Split that ``predict`` goes over: ``train``, ``val`` or what else the data set has.
            **dataset: Arguments of :class:`~geo_noisy.datasets.VTSPairs`.
        """
        super().__init__(
            VTSPairs,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            policy=policy or PairPolicy(rate=0.0, match='draw'),
            seed=seed,
            stack_dates=stack_dates,
            predict_split=predict_split,
        )
        self.counts = {'train': train_count, 'val': val_count}
        self.dataset_seed, self.download = dataset_seed, download
        self.options = dataset

    def prepare_data(self) -> None:
        """Download DTD, where asked to."""
        if self.download:
            self.build_dataset('train')

    def band_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each band, from 256 noise-free training images: the same at any noise."""
        return self.sampled_statistics(noise_free)

    def build_dataset(self, split: str) -> VTSPairs:
        """Build the pairs of 'train' or 'val'."""
        return VTSPairs(
            split=cast(Split, split),
            count=self.counts[split],
            seed=self.dataset_seed,
            download=self.download,
            **self.options,
        )


class VTSSegmentationDataModule(LabelledDataModule):
    """The downstream task of VTS: the textures of the cells, with noise cells as a class of their own."""

    def __init__(
        self,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        label_fraction: float = 1.0,
        train_count: int = 6000,
        val_count: int = 3600,
        test_count: int = 2400,
        dataset_seed: int = 0,
        seed: int | None = None,
        predict_split: str = 'test',
        download: bool = False,
        **dataset: Any,
    ) -> None:
        """Initialise a new VTSSegmentationDataModule.

        Args:
            batch_size: Images in a training batch.
            eval_batch_size: Images in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            label_fraction: Share of the training images that is used, in (0, 1].
            train_count: Training images.
            val_count: Validation images.
            test_count: Test images.
            dataset_seed: Seed of the images.
            seed: Seed of order, views and the choice of labels; ``seed_everything`` by default.
            predict_split: Split that ``predict`` goes over: ``train``, ``val``, ``test`` or what else the data set has.
            download: Whether to download DTD into ``root``.
            **dataset: Arguments of :class:`~geo_noisy.datasets.VTSSegmentation`.
        """
        super().__init__(
            VTSSegmentation,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            label_fraction=label_fraction,
            seed=seed,
            predict_split=predict_split,
        )
        self.counts = {'train': train_count, 'val': val_count, 'test': test_count}
        self.dataset_seed, self.download = dataset_seed, download
        self.options = dataset

    def prepare_data(self) -> None:
        """Download DTD, where asked to."""
        if self.download:
            self.build_dataset('train')

    def band_statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each band, from 256 training images."""
        return self.sampled_statistics()

    def build_dataset(self, split: str) -> VTSSegmentation:
        """Build the images of 'train', 'val' or 'test'."""
        return VTSSegmentation(
            split=cast(Split, split),
            count=self.counts[split],
            seed=self.dataset_seed,
            download=self.download,
            **self.options,
        )
