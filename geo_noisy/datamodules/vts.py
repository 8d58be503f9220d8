"""VTS for pretraining and for the probe."""

from typing import cast

from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule, noise_free
from geo_noisy.datasets.vts.base import Split
from geo_noisy.datasets.vts.pairs import VTSPairs
from geo_noisy.datasets.vts.segmentation import SegmentationNoise, VTSSegmentation
from geo_noisy.pairs.policy import PairPolicy


class VTSPairsDataModule(PairDataModule):
    """Pairs of VTS images (paper, section IV-B)."""

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        policy: PairPolicy | None = None,
        r_img: float = 0.5,
        size_px: int = 256,
        cells: int = 20,
        train_count: int = 6000,
        val_count: int = 3600,
        categories: tuple[str, str] | None = None,
        noise_category: str | None = None,
        dataset_seed: int = 0,
        seed: int = 0,
        download: bool = False,
        in_memory: bool = False,
        stack_dates: bool = False,
    ) -> None:
        """Initialise a new VTSPairsDataModule.

        Args:
            root: Folder with ``images/<category>/*.jpg`` (DTD); the embedded textures by default.
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The noisy pairs rate r_pairs and how it is met; ``draw`` at rate 0 by default.
            r_img: Per-image noise: share of the cells that the noisy partner replaces, in [0, 1].
            size_px: Side of the images.
            cells: Voronoi cells in an image, an even number.
            train_count: Training images.
            val_count: Validation images.
            categories: Texture categories of the two classes; the data set's own by default.
            noise_category: Texture category of the noise; the data set's own by default.
            dataset_seed: Seed of the images.
            seed: Seed of order, views and query roles.
            download: Whether to download DTD into ``root``.
            in_memory: Whether to make all images at the start and keep them.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.
        """
        super().__init__(
            VTSPairs,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            policy=policy or PairPolicy(rate=0.0, match='draw'),
            seed=seed,
            stack_dates=stack_dates,
        )
        self.root, self.r_img, self.size_px, self.cells = root, r_img, size_px, cells
        self.counts = {'train': train_count, 'val': val_count}
        self.categories, self.noise_category = categories, noise_category
        self.dataset_seed, self.download, self.in_memory = dataset_seed, download, in_memory

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
            self.root,
            split=cast(Split, split),
            download=self.download,
            size_px=self.size_px,
            cells=self.cells,
            count=self.counts[split],
            categories=self.categories,
            noise_category=self.noise_category,
            r_img=self.r_img,
            seed=self.dataset_seed,
            in_memory=self.in_memory,
        )


class VTSSegmentationDataModule(LabelledDataModule):
    """The downstream task of VTS: the textures of the cells, with noise cells as a class of their own."""

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        noise: SegmentationNoise = 'half',
        label_fraction: float = 1.0,
        size_px: int = 256,
        cells: int = 20,
        train_count: int = 6000,
        val_count: int = 3600,
        test_count: int = 2400,
        categories: tuple[str, str] | None = None,
        noise_category: str | None = None,
        dataset_seed: int = 0,
        seed: int = 0,
        download: bool = False,
        in_memory: bool = False,
    ) -> None:
        """Initialise a new VTSSegmentationDataModule.

        Args:
            root: Folder with ``images/<category>/*.jpg`` (DTD); the embedded textures by default.
            batch_size: Images in a training batch.
            eval_batch_size: Images in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            noise: Which images hold noise cells, see :class:`~geo_noisy.datasets.VTSSegmentation`.
            label_fraction: Share of the training images that is used, in (0, 1].
            size_px: Side of the images.
            cells: Voronoi cells in an image, an even number.
            train_count: Training images.
            val_count: Validation images.
            test_count: Test images.
            categories: Texture categories of the two classes; the data set's own by default.
            noise_category: Texture category of the noise; the data set's own by default.
            dataset_seed: Seed of the images.
            seed: Seed of order, views and the choice of labels.
            download: Whether to download DTD into ``root``.
            in_memory: Whether to make all images at the start and keep them.
        """
        super().__init__(
            VTSSegmentation,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            label_fraction=label_fraction,
            seed=seed,
        )
        self.root, self.noise, self.size_px, self.cells = root, noise, size_px, cells
        self.counts = {'train': train_count, 'val': val_count, 'test': test_count}
        self.categories, self.noise_category = categories, noise_category
        self.dataset_seed, self.download, self.in_memory = dataset_seed, download, in_memory

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
            self.root,
            split=cast(Split, split),
            download=self.download,
            size_px=self.size_px,
            cells=self.cells,
            count=self.counts[split],
            categories=self.categories,
            noise_category=self.noise_category,
            noise=self.noise,
            seed=self.dataset_seed,
            in_memory=self.in_memory,
        )
