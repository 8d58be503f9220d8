"""What all samplers of this package share: epochs that follow one another, shares for ranks, a start in mid-epoch."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import TypeVar

from torch.utils.data import DistributedSampler

Key = TypeVar('Key', covariant=True)


class EpochSampler(DistributedSampler[Key]):
    """Yields keys in an order that is a function of (seed, epoch) alone.

    In a plain PyTorch loop each new iteration is the next epoch, from 0. ``set_epoch`` chooses the epoch of the next
    iteration; those after it go on from there. Lightning calls it, and leaves a ``DistributedSampler`` as it is.
    """

    def __init__(self, *, samples: int, seed: int, shuffle: bool, rank: int, world_size: int) -> None:
        """Initialise a new EpochSampler.

        Args:
            samples: Keys of this rank in an epoch.
            seed: Seed of order and draws.
            shuffle: False gives epoch 0 for ever.
            rank: Rank of this process.
            world_size: Number of processes.
        """
        everyone = range(samples * world_size)  # all that torch asks of a data set here is its length
        super().__init__(everyone, num_replicas=world_size, rank=rank, shuffle=shuffle, seed=seed)  # type: ignore[arg-type]
        self._start = 0

    @abstractmethod
    def keys(self, epoch: int, start: int) -> Iterator[Key]:
        """Keys of this rank in an epoch, but for the first ``start``."""

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws."""
        self.epoch = epoch

    def skip(self, samples: int) -> None:
        """Leave out the first samples of the next iteration: those that a run trained on before it stopped."""
        self._start = samples

    def __iter__(self) -> Iterator[Key]:
        """Iterate over this rank's share of an epoch."""
        # A generator: an epoch counts when its first key is asked for, as loaders make iterators that they never use.
        epoch, start = self.epoch if self.shuffle else 0, self._start
        self.epoch, self._start = self.epoch + 1, 0
        yield from self.keys(epoch, start)
