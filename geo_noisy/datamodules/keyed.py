"""Data sets seen through keys, and through keys that stay the same."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, SequentialSampler
from torchgeo.datasets.utils import Sample


class KeyedDataset(Dataset[Sample]):
    """A data set seen through keys (index, draw): the sample with its ``index`` and ``draw`` added."""

    def __init__(self, dataset: Dataset[Sample]) -> None:
        """Initialise a new KeyedDataset.

        Args:
            dataset: Any map-style data set of sample dicts.
        """
        self.dataset = dataset

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.dataset)  # type: ignore[arg-type]  # map-style data sets have a length

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        """Look up a sample and add its number in the data set and its draw, both [] int64."""
        index, draw = key
        return self.dataset[index] | {'index': torch.tensor(index), 'draw': torch.tensor(draw)}


class FixedKeys(Dataset[Sample]):
    """Samples of a data set whose keys were chosen once, for ``overfit_batches``."""

    def __init__(self, dataset: Any, keys: Sequence[Any]) -> None:
        """Initialise a new FixedKeys.

        Args:
            dataset: Gives the sample of a key.
            keys: The keys, in order.
        """
        self.dataset, self.keys = dataset, keys

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.keys)

    def __getitem__(self, index: int) -> Sample:
        """The sample of a key."""
        sample: Sample = self.dataset[self.keys[index]]
        return sample


class FixedOrder(SequentialSampler):
    """A data set in its own order in every epoch. Lightning leaves a ``SequentialSampler`` as it is."""

    epoch = 0
    _start = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the number of the next epoch."""
        self.epoch = epoch

    def skip(self, samples: int) -> None:
        """Leave out the first samples of the next iteration."""
        self._start = samples

    def __iter__(self) -> Iterator[int]:
        """Iterate over the indices."""
        start, self._start = self._start, 0
        self.epoch += 1
        yield from range(start, len(self))
