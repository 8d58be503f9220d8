"""What all data modules share: scaling on the device, band statistics, ranks."""

import os
from abc import abstractmethod
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler
from torchgeo.datamodules import BaseDataModule
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules.keyed import FixedKeys, FixedOrder
from geo_noisy.datamodules.loader import ResumableLoader, build_loader
from geo_noisy.datamodules.sampled import sample_statistics
from geo_noisy.datamodules.settings import plain_settings, warn_of_changes

# Options that change nothing about what is trained on.
FREE_OPTIONS = {'cache_dir', 'download', 'eval_batch_size', 'in_memory', 'num_workers', 'predict_split', 'tile_cache'}


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
        seed: int | None,
        stack_dates: bool = False,
    ) -> None:
        """Initialise a new GeoNoisyDataModule.

        Args:
            dataset_class: Class of the data set.
            batch_size: Samples in a training batch.
            eval_batch_size: Samples in a validation or test batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            scale: Sensor value that becomes 1.
            seed: Seed of order and draws; that of ``seed_everything`` by default, 0 where nobody has called it.
            stack_dates: Whether to give pairs as [B, 2C, H, W], as TorchGeo's own tasks want them.

        Raises:
            ValueError: If a number is out of its range.
        """
        super().__init__(dataset_class, batch_size=batch_size, num_workers=num_workers)
        if not 0 < scale < float('inf'):
            raise ValueError(
                f'scale is {scale}; it is the sensor value that becomes 1, and must be above 0, and finite.'
            )
        for name, count in (('batch_size', batch_size), ('eval_batch_size', eval_batch_size or batch_size)):
            if count < 1:
                raise ValueError(f'{name} is {count}; a batch holds at least one sample.')
        if seed is None:
            seed = int(os.environ.get('PL_GLOBAL_SEED', '0'))  # where Lightning's seed_everything leaves it
        if seed < 0:
            raise ValueError(f'seed is {seed}; use 0 or more.')
        self.std = torch.tensor(scale)
        self.aug = Scale(scale, stack_dates=stack_dates)
        self.eval_batch_size = eval_batch_size or batch_size
        self.seed = seed
        self._restored: dict[str, Any] | None = None

    @abstractmethod
    def build_dataset(self, split: str) -> Any:
        """Build the data set of a split: 'train', 'val' or 'test'."""

    def band_statistics(self) -> tuple[Sequence[float], Sequence[float]] | None:
        """Mean and standard deviation of each band over the training split, in [0, 1] units, where known."""
        return None

    def describe(self) -> dict[str, Any]:
        """What a checkpoint keeps of the images and where they come from, in plain values.

        ``scale`` is the sensor value that became 1; subclasses add ``bands`` and what else they know.
        """
        return {'scale': float(self.std)}

    def sampled_statistics(self, key: Callable[[int], Any] = int) -> tuple[list[float], list[float]]:
        """Band statistics from 256 training samples.

        Args:
            key: From the number of a sample to its key.
        """
        return sample_statistics(self.train_dataset or self.build_dataset('train'), float(self.std), key=key)

    def ranks(self) -> tuple[int, int]:
        """Rank of this process and number of processes."""
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)

    def keyed_loader(
        self, dataset: Dataset[Sample], sampler: Sampler[Any], *, batch_size: int, num_workers: int, train: bool
    ) -> ResumableLoader:
        """A loader over a sampler's keys; with ``overfit_batches`` over the first keys of epoch 0, again and again."""
        overfit: float | int = getattr(self.trainer, 'overfit_batches', 0)
        if overfit:
            wanted = None if isinstance(overfit, float) else overfit * batch_size  # Lightning takes a share itself
            dataset = FixedKeys(dataset, list(islice(sampler, wanted)))
            sampler = FixedOrder(dataset)
        return build_loader(dataset, sampler=sampler, batch_size=batch_size, num_workers=num_workers, drop_last=train)

    def resumed(self, loader: ResumableLoader) -> ResumableLoader:
        """Tell a training loader where to start: where the checkpoint of the run stopped, or the loader before it."""
        if self.trainer is None:
            return loader
        loader.trainer = self.trainer
        before = self.trainer.train_dataloader
        if isinstance(before, ResumableLoader):  # reload_dataloaders_every_n_epochs
            loader.load_state_dict(before.state_dict())
        elif self._restored is not None:
            warn_of_changes(self._restored['settings'], self.settings(), of='data module')
            loader.load_state_dict(self._restored['loader'])
        return loader

    def settings(self) -> dict[str, Any]:
        """The options that decide what is trained on, in plain values under dotted names."""
        public = {name: value for name, value in vars(self).items() if not name.startswith('_')}
        return {
            name: value for name, value in plain_settings(public).items() if name.split('.')[-1] not in FREE_OPTIONS
        }

    def state_dict(self) -> dict[str, Any]:
        """Where training stands, and what it was set to.

        Lightning keeps a loader's state as well, but restores it too late where something (a schedule that asks for
        the number of steps) has made the loader before.
        """
        loader = None if self.trainer is None else self.trainer.train_dataloader
        if not isinstance(loader, ResumableLoader):
            return {}
        return {'loader': loader.state_dict(), 'settings': self.settings()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep where training stood for the next training loader."""
        self._restored = state_dict
