"""Data modules for pretraining on pairs and for segmentation; a data set is one method in a subclass."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from torchgeo.datamodules import BaseDataModule
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules.features import FeatureStore, Storage
from geo_noisy.datamodules.loader import KeyedDataset, KeyedSampler, ResumableLoader, plain_loader
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.table import PairSource
from geo_noisy.samplers.pairs import PairSampler


class PairDataset(Protocol):
    """What a pair data set offers: a look-up by key, and its pairs by stratum."""

    def pairs(self) -> PairSource:
        """Clean, noisy and unknown pairs."""
        ...

    def __getitem__(self, key: PairKey) -> Sample:
        """The pair sample of a key."""
        ...

    def __len__(self) -> int:
        """Number of locations."""
        ...


class LabelledDataset(Protocol):
    """What a data set of a downstream task offers beside its samples."""

    def class_counts(self) -> NDArray[np.int64]:
        """Pixels, or images, of each class over the split."""
        ...

    def __getitem__(self, index: int) -> Sample:
        """A sample with ``image`` [C, H, W], and ``mask`` [H, W] or ``label`` []."""
        ...

    def __len__(self) -> int:
        """Number of samples."""
        ...


class Scale:
    """Takes a batch from sensor units to [0, 1] on its device."""

    def __init__(self, scale: float, *, stack_dates: bool = False) -> None:
        """Initialise a new Scale.

        Args:
            scale: Sensor value that becomes 1.
            stack_dates: Whether to give the two dates as [B, 2C, H, W], as TorchGeo's own tasks want them.
        """
        self.scale, self.stack_dates = scale, stack_dates

    def __call__(self, batch: Sample) -> Sample:
        """Scale ``image``; batches of encoder features pass as they are."""
        if 'image' not in batch:
            return batch
        image = batch['image'].float() / self.scale
        return batch | {'image': image.flatten(1, 2) if self.stack_dates and image.ndim == 5 else image}


class GeoNoisyDataModule(BaseDataModule):
    """What both kinds of data module share: scaling on the device, loaders that resume."""

    def __init__(
        self,
        dataset_class: type[Any],
        *,
        batch_size: int,
        eval_batch_size: int | None,
        num_workers: int,
        scale: float,
        seed: int,
        stack_dates: bool = False,
    ) -> None:
        """Initialise a new GeoNoisyDataModule.

        Args:
            dataset_class: Class of the data set.
            batch_size: Samples in a training batch.
            eval_batch_size: Samples in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            scale: Sensor value that becomes 1.
            seed: Seed of order and draws.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.
        """
        super().__init__(dataset_class, batch_size=batch_size, num_workers=num_workers)
        if not scale > 0:
            raise ValueError(f'scale is {scale}; it is the sensor value that becomes 1, and must be above 0.')
        self.std = torch.tensor(scale)
        self.aug = Scale(scale, stack_dates=stack_dates)
        self.eval_batch_size = eval_batch_size or batch_size
        self.seed = seed

    @abstractmethod
    def build_dataset(self, split: str) -> Any:
        """Build the data set of a split: 'train', 'val' or 'test'."""

    def band_statistics(self) -> tuple[Sequence[float], Sequence[float]] | None:
        """Mean and standard deviation of each band over the training split, in [0, 1] units, where known."""
        return None

    def ranks(self) -> tuple[int, int]:
        """Rank of this process and number of processes.

        Raises:
            ValueError: If Lightning would share out the samples a second time.
        """
        if self.trainer is None:
            return 0, 1
        if self.trainer.world_size > 1 and self.trainer._accelerator_connector.use_distributed_sampler:
            raise ValueError(
                f'With {self.trainer.world_size} processes set trainer.use_distributed_sampler to false: the samplers '
                'here share out an epoch themselves, and Lightning would do so again.'
            )
        return self.trainer.global_rank, self.trainer.world_size


def sample_statistics(
    dataset: Any, scale: float, *, samples: int = 256, key: Callable[[int], Any] = int
) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each band over evenly spread samples of a data set.

    Args:
        dataset: Data set whose samples hold ``image`` [..., C, H, W].
        scale: Sensor value that becomes 1.
        samples: Samples to read.
        key: From the number of a sample to its key.

    Returns:
        Means and deviations, in [0, 1] units.
    """
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(samples, len(dataset))).astype(int))
    total, squares, count = torch.zeros(()), torch.zeros(()), 0
    for index in chosen.tolist():
        bands = (dataset[key(index)]['image'].double() / scale).movedim(-3, 0).flatten(1)
        total, squares, count = total + bands.sum(dim=1), squares + (bands**2).sum(dim=1), count + bands.shape[1]
    mean = total / count
    deviation = (squares / count - mean**2).clamp(min=1e-8).sqrt()
    return mean.tolist(), deviation.tolist()


class PairDataModule(GeoNoisyDataModule):
    """Pairs for contrastive pretraining, chosen by a policy; validation on clean pairs with fixed views."""

    def __init__(
        self,
        dataset_class: type[Any],
        *,
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        policy: PairPolicy | None = None,
        scale: float = 255.0,
        seed: int = 0,
        stack_dates: bool = False,
    ) -> None:
        """Initialise a new PairDataModule.

        Args:
            dataset_class: Class of the pair data set.
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The noisy pairs rate and how it is met.
            scale: Sensor value that becomes 1.
            seed: Seed of order, views and query roles.
            stack_dates: Whether to give the two dates as [B, 2C, H, W], as TorchGeo's own tasks want them.
        """
        super().__init__(
            dataset_class,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            scale=scale,
            seed=seed,
            stack_dates=stack_dates,
        )
        self.policy = policy or PairPolicy()

    def setup(self, stage: str) -> None:
        """Build the data sets of a stage: 'fit', 'validate' or 'predict'."""
        if stage == 'fit':
            self.train_dataset = self.build_dataset('train')
        if stage in ('fit', 'validate', 'predict'):
            self.val_dataset = self.build_dataset('val')

    def train_dataloader(self) -> ResumableLoader:
        """Pairs in the order of the policy."""
        return self._loader(self._valid_attribute('train_dataset'), self.policy, self.batch_size, train=True)

    def val_dataloader(self) -> ResumableLoader:
        """The clean pairs of the validation split, in fixed order with fixed draws."""
        return self._loader(
            self._valid_attribute('val_dataset'), self.validation_policy(), self.eval_batch_size, train=False
        )

    def predict_dataloader(self) -> DataLoader[Sample]:
        """Every pair of the validation split once, in fixed order."""
        dataset = self._valid_attribute('val_dataset')
        return plain_loader(self._loader(dataset, PairPolicy(), self.eval_batch_size, train=False))

    def training_locations(self) -> int:
        """Number of places that an epoch of training can show."""
        dataset = self._valid_attribute('train_dataset')
        return min(len(dataset), len(PairSampler(dataset.pairs(), policy=self.policy, rank=0, world_size=1)))

    def validation_policy(self) -> PairPolicy:
        """Clean pairs alone, the same at every training rate."""
        return PairPolicy(rate=0.0, unknown='drop')

    def _loader(self, dataset: Any, policy: PairPolicy, batch_size: int, *, train: bool) -> ResumableLoader:
        rank, world_size = self.ranks()
        sampler = PairSampler(
            dataset.pairs(), policy=policy, seed=self.seed, shuffle=train, rank=rank, world_size=world_size
        )
        return ResumableLoader(
            dataset, sampler=sampler, batch_size=batch_size, num_workers=self.num_workers, drop_last=train
        )


class LabelledDataModule(GeoNoisyDataModule):
    """Images with masks or labels for a probe, or the encoder's features of them."""

    def __init__(
        self,
        dataset_class: type[Any],
        *,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        label_fraction: float = 1.0,
        scale: float = 255.0,
        seed: int = 0,
    ) -> None:
        """Initialise a new LabelledDataModule.

        Args:
            dataset_class: Class of the segmentation data set.
            batch_size: Images in a training batch.
            eval_batch_size: Images in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            label_fraction: Share of the training images that is used, in (0, 1]; nested over fractions.
            scale: Sensor value that becomes 1.
            seed: Seed of order, views and the choice of labels.

        Raises:
            ValueError: If the fraction lies outside (0, 1].
        """
        super().__init__(
            dataset_class,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            scale=scale,
            seed=seed,
        )
        if not 0 < label_fraction <= 1:
            raise ValueError(f'label_fraction is {label_fraction}; it must lie in (0, 1].')
        self.label_fraction = label_fraction
        self._features: dict[str, FeatureStore] = {}

    def setup(self, stage: str) -> None:
        """Build the data sets of a stage: 'fit', 'validate', 'test' or 'predict'."""
        self._features.clear()  # they belong to an encoder that may have gone
        if stage == 'fit':
            self.train_dataset = self._labelled(self.build_dataset('train'))
        if stage in ('fit', 'validate'):
            self.val_dataset = self.build_dataset('val')
        if stage in ('test', 'predict'):
            self.test_dataset = self.build_dataset('test')
            self.predict_dataset = self.test_dataset

    def _labelled(self, dataset: Any) -> Any:
        """The seeded share of a training set whose labels are used."""
        if self.label_fraction == 1:
            return dataset
        count = max(1, round(self.label_fraction * len(dataset)))
        order = np.random.default_rng(np.random.SeedSequence([self.seed, 1])).permutation(len(dataset))
        return Subset(dataset, order[:count].tolist())

    def class_counts(self) -> NDArray[np.int64]:
        """Pixels, or images, of each class over the training images that are used."""
        dataset = self._valid_attribute('train_dataset')
        if not isinstance(dataset, Subset):
            return np.asarray(dataset.class_counts())
        classes = len(dataset.dataset.class_counts())  # type: ignore[attr-defined]
        counts = np.zeros(classes, dtype=np.int64)
        for k in range(len(dataset)):
            sample = dataset[k]
            target = sample['mask'] if 'mask' in sample else sample['label']
            counts += np.bincount(target[target < classes].flatten().numpy(), minlength=classes)
        return counts

    def cache_features(
        self,
        splits: Sequence[str],
        encode: Callable[[Tensor], Tensor],
        *,
        storage: Storage,
        device: torch.device,
        folder: Path | None = None,
    ) -> None:
        """Work out the encoder's features of whole splits once; loaders then give them in place of images.

        Args:
            splits: Which of 'train', 'val', 'test'.
            encode: From scaled images [B, C, H, W] to features [B, D, h, w].
            storage: 'memory', or 'disk' for memory-mapped files.
            device: Where to encode.
            folder: Where to keep the features, or take them from; by default they are this run's alone.
        """
        for split in splits:
            loader = self._raw_loader(split, self.eval_batch_size)
            self._features[split] = FeatureStore.build(
                loader,
                lambda image: encode(self.aug({'image': image})['image']),
                split,
                storage=storage,
                device=device,
                folder=folder,
            )

    def for_each_training_batch(self, step: Callable[[Tensor], Any], *, device: torch.device) -> None:
        """Pass the scaled images [B, C, H, W] of the training split through a step, once and in order."""
        for batch in self._raw_loader('train', self.batch_size):
            step(self.aug({'image': batch['image'].to(device)})['image'])

    def train_dataloader(self) -> ResumableLoader:
        """Training images or features, shuffled by (seed, epoch)."""
        return self._loader('train', self.batch_size, shuffle=True)

    def val_dataloader(self) -> ResumableLoader:
        """Validation images or features."""
        return self._loader('val', self.eval_batch_size, shuffle=False)

    def test_dataloader(self) -> ResumableLoader:
        """Test images or features."""
        return self._loader('test', self.eval_batch_size, shuffle=False)

    def predict_dataloader(self) -> DataLoader[Sample]:
        """Test images, for prediction."""
        return plain_loader(self._loader('predict', self.eval_batch_size, shuffle=False))

    def _raw_loader(self, split: str, batch_size: int) -> ResumableLoader:
        """The images of a whole split in order, on every rank, whether or not their features are cached."""
        self._features.pop(split, None)
        return self._loader(split, batch_size, shuffle=False, ranks=(0, 1))

    def _loader(
        self, split: str, batch_size: int, *, shuffle: bool, ranks: tuple[int, int] | None = None
    ) -> ResumableLoader:
        rank, world_size = ranks or self.ranks()
        stored = self._features.get(split)
        dataset: Dataset[Sample] = stored or self._valid_attribute(f'{split}_dataset')
        sampler = KeyedSampler(
            len(dataset),  # type: ignore[arg-type]  # map-style data sets have a length
            seed=self.seed,
            shuffle=shuffle,
            rank=rank,
            world_size=world_size,
        )
        return ResumableLoader(
            KeyedDataset(dataset),
            sampler=sampler,
            batch_size=min(batch_size, len(sampler)),
            num_workers=0 if stored else self.num_workers,
            drop_last=shuffle,
        )
