"""What all data modules share: scaling on the device, band statistics, ranks."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torchgeo.datamodules import BaseDataModule
from torchgeo.datasets.utils import Sample

from geo_noisy.regions.band_statistics import BandMoments


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

    def sampled_statistics(self, key: Callable[[int], Any] = int) -> tuple[list[float], list[float]]:
        """Band statistics from 256 training samples.

        Args:
            key: From the number of a sample to its key.
        """
        return sample_statistics(self.train_dataset or self.build_dataset('train'), float(self.std), key=key)

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
    moments = BandMoments()
    for index in chosen.tolist():
        moments.add((dataset[key(index)]['image'].double() / scale).movedim(-3, 0).flatten(1).numpy())
    return moments.mean().tolist(), moments.std(least_variance=1e-8).tolist()
