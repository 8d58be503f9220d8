"""Images with masks or labels for a probe; a data set is one method in a subclass."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Subset
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules.base import GeoNoisyDataModule
from geo_noisy.datamodules.keyed import KeyedDataset
from geo_noisy.datamodules.loader import ResumableLoader, build_loader
from geo_noisy.samplers.keyed import KeyedSampler


class LabelledDataModule(GeoNoisyDataModule):
    """Images with masks or labels for a probe, or the encoder's features of them.

    ``build_dataset`` gives a data set of samples with ``image`` [C, H, W], and ``mask`` [H, W] or ``label`` []. Its
    ``class_counts()`` says how many pixels, or images, of each class there are, [classes] int64.
    """

    def __init__(
        self,
        dataset_class: type[Any],
        *,
        batch_size: int = 32,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        label_fraction: float = 1.0,
        scale: float = 255.0,
        seed: int | None = None,
        predict_split: str = 'test',
    ) -> None:
        """Initialise a new LabelledDataModule.

        Args:
            dataset_class: Class of the segmentation data set.
            batch_size: Images in a training batch.
            eval_batch_size: Images in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            label_fraction: Share of the training images that is used, in (0, 1]; nested over fractions.
            scale: Sensor value that becomes 1.
            seed: Seed of order, views and the choice of labels; ``seed_everything`` by default.
            predict_split: Split that ``predict`` goes over: ``train``, ``val``, ``test`` or what else the data set has.

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
        self.label_fraction, self.predict_split = label_fraction, predict_split
        self._features: dict[str, Dataset[Sample]] = {}

    def setup(self, stage: str) -> None:
        """Build the data sets of a stage: 'fit', 'validate', 'test' or 'predict'."""
        self._restored = None
        self._features.clear()  # they belong to an encoder that may have gone
        if stage == 'fit':
            self.train_dataset = self._labelled(self.build_dataset('train'))
        if stage in ('fit', 'validate'):
            self.val_dataset = self.build_dataset('val')
        if stage == 'test':
            self.test_dataset = self.build_dataset('test')
        if stage == 'predict':
            self.predict_dataset = self.build_dataset(self.predict_split)

    def _labelled(self, dataset: Any) -> Any:
        """The seeded share of a training set whose labels are used."""
        if self.label_fraction == 1:
            return dataset
        count = max(1, round(self.label_fraction * len(dataset)))
        order = np.random.default_rng(np.random.SeedSequence([self.seed, 1])).permutation(len(dataset))
        return Subset(dataset, order[:count].tolist())

    def class_names(self) -> Sequence[str] | None:
        """Names of the classes in the order of their numbers, where the data says them; None where the user does."""
        return None

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
            counts += np.bincount(target[(target >= 0) & (target < classes)].flatten().numpy(), minlength=classes)
        return counts

    def replace(self, split: str, samples: Dataset[Sample]) -> None:
        """Let the loaders of a split give other samples in place of its images (an encoder's features of them).

        Args:
            split: 'train', 'val' or 'test'.
            samples: As many samples, in the same order.
        """
        self._features[split] = samples

    def image_loader(self, split: str, *, batch_size: int | None = None) -> ResumableLoader:
        """The images of a whole split in order, on every rank, in sensor units, whatever else its loaders give."""
        self._features.pop(split, None)
        dataset = self._valid_attribute(f'{split}_dataset')
        return build_loader(
            KeyedDataset(dataset),
            sampler=KeyedSampler(len(dataset), seed=self.seed, shuffle=False),
            batch_size=min(batch_size or self.eval_batch_size, len(dataset)),
            num_workers=self.num_workers,
        )

    def train_dataloader(self) -> ResumableLoader:
        """Training images or features, shuffled by (seed, epoch)."""
        return self.resumed(self._loader('train', self.batch_size, shuffle=True))

    def val_dataloader(self) -> ResumableLoader:
        """Validation images or features."""
        return self._loader('val', self.eval_batch_size, shuffle=False)

    def test_dataloader(self) -> ResumableLoader:
        """Test images or features."""
        return self._loader('test', self.eval_batch_size, shuffle=False)

    def predict_dataloader(self) -> ResumableLoader:
        """Images of the split that is predicted on."""
        return self._loader('predict', self.eval_batch_size, shuffle=False)

    def _loader(self, split: str, batch_size: int, *, shuffle: bool) -> ResumableLoader:
        rank, world_size = self.ranks()
        stored = self._features.get(split)
        dataset: Any = stored or self._valid_attribute(f'{split}_dataset')
        sampler = KeyedSampler(len(dataset), seed=self.seed, shuffle=shuffle, rank=rank, world_size=world_size)
        return self.keyed_loader(
            KeyedDataset(dataset),
            sampler,
            batch_size=min(batch_size, len(sampler)),
            num_workers=0 if stored else self.num_workers,
            train=shuffle,
        )
