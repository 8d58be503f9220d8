"""A loader that goes on in mid-epoch after a stop."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from torchgeo.datasets.utils import Sample


@runtime_checkable
class ResumableSampler(Protocol):
    """A sampler whose order is a function of (seed, epoch), and that can leave out what was consumed."""

    epoch: int

    def skip(self, samples: int, /) -> None:
        """Leave out the first samples of the next iteration."""


class ResumableLoader(DataLoader[Sample]):
    """A ``DataLoader`` with the state that Lightning stores in mid-epoch checkpoints.

    The state counts the batches handed out, not those that workers have prefetched.
    """

    def __init__(
        self,
        dataset: Dataset[Sample],
        *,
        sampler: Sampler[Any],
        batch_size: int,
        num_workers: int = 0,
        drop_last: bool = False,
    ) -> None:
        """Initialise a new ResumableLoader.

        Args:
            dataset: Data set that the sampler's keys belong to.
            sampler: Order of an epoch; a :class:`ResumableSampler` where the loader is to be resumed.
            batch_size: Samples in a batch.
            num_workers: Number of worker processes.
            drop_last: Whether to leave out a last batch that is not full.

        Raises:
            ValueError: If an epoch would hold no batch.
        """
        super().__init__(
            dataset,
            sampler=sampler,
            batch_size=batch_size,
            num_workers=num_workers,
            drop_last=drop_last,
            persistent_workers=num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # of its own: worker seeds must not move the global generator
        )
        if len(self) == 0:
            raise ValueError(
                f'batch_size is {batch_size}, but an epoch holds only {len(sampler)} samples.'  # type: ignore[arg-type]
                ' Choose a smaller batch, or more pairs.'
            )
        self._handed_out = 0
        self._resume_at = 0

    def __iter__(self) -> Iterator[Sample]:  # type: ignore[override]  # a generator serves as the iterator
        """Iterate over the batches, from where a restored state says."""
        self._handed_out, self._resume_at = self._resume_at, 0
        if self._handed_out and isinstance(self.sampler, ResumableSampler):
            self.sampler.skip(self._handed_out * (self.batch_size or 1))
        for batch in super().__iter__():
            self._handed_out += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Batches of this epoch that were handed out, and their size."""
        return {'batches': self._resume_at or self._handed_out, 'batch_size': self.batch_size or 1}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on after the batches that were handed out before.

        Raises:
            ValueError: If they were of another size, so that their end lies nowhere between ours.
        """
        if state['batch_size'] != self.batch_size:
            raise ValueError(
                f'The checkpoint was made with batch_size {state["batch_size"]}, and this run has {self.batch_size}: '
                'resume with the same, or start anew from the weights.'
            )
        self._resume_at = state['batches'] % len(self)


def plain_loader(loader: ResumableLoader) -> DataLoader[Sample]:
    """The same batches from torch's own class, which is all that Lightning takes for prediction."""
    return DataLoader(
        loader.dataset, batch_size=loader.batch_size, sampler=loader.sampler, num_workers=loader.num_workers
    )


class KeyedSampler(Sampler[tuple[int, int]]):
    """Indices of a data set with a draw for each, as a function of (seed, epoch)."""

    def __init__(self, size: int, *, seed: int = 0, shuffle: bool = True, rank: int = 0, world_size: int = 1) -> None:
        """Initialise a new KeyedSampler.

        Args:
            size: Number of samples of the data set.
            seed: Seed of order and draws.
            shuffle: False keeps the order of the data set, and one draw for each sample.
            rank: Rank of this process: it takes the positions rank, rank + world_size, ...
            world_size: Number of processes.
        """
        self.size, self.seed, self.shuffle = size, seed, shuffle
        self.rank, self.world_size = rank, world_size
        self.epoch = 0
        self._start = 0

    def __len__(self) -> int:
        """Number of samples of this rank: equal shares in training, every sample in evaluation."""
        return self.size // self.world_size if self.shuffle else len(range(self.rank, self.size, self.world_size))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws."""
        self.epoch = epoch

    def skip(self, samples: int) -> None:
        """Leave out the first samples of the next iteration."""
        self._start = samples

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over pairs (index, draw)."""
        epoch = self.epoch if self.shuffle else 0
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, epoch]))
        order = rng.permutation(self.size) if self.shuffle else np.arange(self.size)
        draws = rng.integers(0, 2**63 - 1, size=self.size, dtype=np.int64)
        first = self.rank + self._start * self.world_size
        mine = slice(first, self.rank + len(self) * self.world_size, self.world_size)
        self._start = 0
        return zip(order[mine].tolist(), draws[mine].tolist(), strict=True)


class KeyedDataset(Dataset[Sample]):
    """A data set seen through keys (index, draw): the sample with its ``draw`` added."""

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
        """Look up a sample and add its draw, [] int64."""
        index, draw = key
        return self.dataset[index] | {'draw': torch.tensor(draw)}
