"""Indices with a draw for each, for data sets that are no pairs."""

from collections.abc import Iterator

import numpy as np

from geo_noisy.samplers.epochs import EpochSampler


class KeyedSampler(EpochSampler[tuple[int, int]]):
    """Indices of a data set with a draw for each, as a function of (seed, epoch)."""

    def __init__(self, size: int, *, seed: int = 0, shuffle: bool = True, rank: int = 0, world_size: int = 1) -> None:
        """Initialise a new KeyedSampler.

        Args:
            size: Number of samples of the data set.
            seed: Seed of order and draws.
            shuffle: False keeps the order of the data set, and one draw for each sample.
            rank: Rank of this process: it takes the positions rank, rank + world_size, ...; equal shares in training,
                every sample in evaluation.
            world_size: Number of processes.
        """
        share = size // world_size if shuffle else len(range(rank, size, world_size))
        super().__init__(samples=share, seed=seed, shuffle=shuffle, rank=rank, world_size=world_size)
        self.size = size

    def keys(self, epoch: int, start: int) -> Iterator[tuple[int, int]]:
        """Pairs (index, draw)."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, epoch]))
        order = rng.permutation(self.size) if self.shuffle else np.arange(self.size)
        draws = rng.integers(0, 2**63 - 1, size=self.size, dtype=np.int64)
        first = self.rank + start * self.num_replicas
        mine = slice(first, self.rank + len(self) * self.num_replicas, self.num_replicas)
        return zip(order[mine].tolist(), draws[mine].tolist(), strict=True)
