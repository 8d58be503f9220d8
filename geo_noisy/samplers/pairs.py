"""The order of pairs in an epoch, shared out over ranks and resumable."""

from collections.abc import Iterator

import numpy as np
import torch.distributed
from torch.utils.data import Sampler

from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.policy import PairPolicy, epoch_pairs, epoch_size
from geo_noisy.pairs.table import PairSource

_DRAW_STREAM = 100


class PairSampler(Sampler[PairKey]):
    """Yields pair keys by a policy: a function of (seed, epoch) alone.

    The global order of an epoch is worked out at once; rank r of w takes its positions r, r + w, ...
    (the last few are left out where the epoch does not divide by w, as ranks must take equal steps). A
    sample's own randomness comes from its key's ``draw``, a function of (seed, epoch, position), so the
    number of workers or ranks changes nothing.

    Set ``use_distributed_sampler: false`` on the trainer: Lightning would otherwise wrap it.
    """

    def __init__(
        self,
        source: PairSource,
        *,
        policy: PairPolicy | None = None,
        seed: int = 0,
        shuffle: bool = True,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        """Initialise a new PairSampler.

        Args:
            source: The pairs to choose from: ``dataset.pairs()``.
            policy: The noisy pairs rate and how it is met; every pair once by default.
            seed: Seed of order and draws.
            shuffle: False keeps epoch 0 for ever, sorted by location: fixed order, fixed views (validation).
            rank: Rank of this process; taken from ``torch.distributed`` by default.
            world_size: Number of processes; taken from ``torch.distributed`` by default.

        Raises:
            ValueError: If the policy cannot be met by the source, or rank lies outside the world.
        """
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        self.source = source
        self.policy = policy or PairPolicy()
        self.seed = seed
        self.shuffle = shuffle
        self.rank = rank if rank is not None else (torch.distributed.get_rank() if distributed else 0)
        self.world_size = world_size or (torch.distributed.get_world_size() if distributed else 1)
        if not 0 <= self.rank < self.world_size:
            raise ValueError(f'rank is {self.rank}; it must lie in [0, {self.world_size - 1}] (world_size - 1).')
        self.epoch = 0
        self._start = 0
        self._size = epoch_size(source, self.policy)
        if self._size < self.world_size:
            raise ValueError(f'An epoch of {self._size} pairs cannot be shared out over {self.world_size} ranks.')

    def __len__(self) -> int:
        """Number of pairs of this rank in an epoch."""
        return self._size // self.world_size

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration draws (Lightning calls this)."""
        self.epoch = epoch

    def skip(self, pairs: int) -> None:
        """Leave out the first pairs of the next iteration: those that a run trained on before it stopped."""
        self._start = pairs

    def __iter__(self) -> Iterator[PairKey]:
        """Iterate over this rank's share of the epoch."""
        epoch = self.epoch if self.shuffle else 0
        rows, exposure = epoch_pairs(self.source, self.policy, seed=self.seed, epoch=epoch)
        if not self.shuffle:
            order = np.lexsort(rows.T[::-1])
            rows, exposure = rows[order], exposure[order]
        draws = np.random.default_rng(np.random.SeedSequence([self.seed, _DRAW_STREAM, epoch])).integers(
            0, 2**63 - 1, size=len(rows), dtype=np.int64
        )
        mine = slice(self.rank, len(self) * self.world_size, self.world_size)
        start, self._start = self._start, 0
        columns = (*rows[mine][start:].T.tolist(), exposure[mine][start:].tolist(), draws[mine][start:].tolist())
        return map(PairKey._make, zip(*columns, strict=True))
