"""The order of pairs in an epoch, shared out over ranks and resumable."""

from collections.abc import Iterator

import numpy as np
import torch.distributed
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from geo_noisy.errors import check_kind
from geo_noisy.pairs.epoch import Epoch
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.permutation import random_words, stream_key
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.source import PairSource
from geo_noisy.samplers.epochs import EpochSampler

_DRAW_STREAM = 100
_CHUNK = 16_384  # pairs looked up at once: large enough for numpy, small enough to start at once


class PairSampler(EpochSampler[PairKey]):
    """Yields pair keys by a policy: a function of (seed, epoch) alone.

    Rank r of w takes the positions r, r + w, ... of the epoch (the last few are left out where the epoch
    does not divide by w, as ranks must take equal steps). Pairs are looked up a chunk at a time, in time
    and memory that do not grow with the number of pairs. A sample's own randomness comes from its key's
    ``draw``, a function of (seed, epoch, position), so the number of workers or ranks changes nothing.

    In a plain PyTorch loop each new iteration is the next epoch; ``set_epoch`` chooses another one.

    Example:
        >>> from geo_noisy.datasets import VTSPairs
        >>> pairs = VTSPairs(size_px=32, cells=4, count=8, r_img=0.25)
        >>> sampler = PairSampler(pairs.pairs(), policy=PairPolicy(rate=0.5, match='fixed-size'))
        >>> keys = list(sampler)
        >>> len(keys), float(sum(pairs[key]['noisy'] for key in keys))  # half of the pairs are noisy
        (8, 4.0)
    """

    def __init__(
        self,
        source: PairSource,
        *,
        policy: PairPolicy | None = None,
        seed: int = 0,
        shuffle: bool = True,
        length: int | None = None,
        weights: ArrayLike | None = None,
        rank: int | None = None,
        world_size: int | None = None,
    ) -> None:
        """Initialise a new PairSampler.

        Args:
            source: The pairs to choose from: ``dataset.pairs()``, or a ``PairIndex``.
            policy: The noisy pairs rate and how it is met; every pair once by default.
            seed: Seed of order and draws.
            shuffle: False keeps epoch 0 for ever, sorted by location: fixed order, fixed views (validation).
            length: Pairs in an epoch over all ranks, instead of the policy's own size. Epochs go on where
                the one before stopped, so all pairs are seen in the end.
            weights: A weight for each location of the source; pairs are then drawn with replacement, a
                location as often as its weight says, however many dates it has.
            rank: Rank of this process; taken from ``torch.distributed`` by default.
            world_size: Number of processes; taken from ``torch.distributed`` by default.

        Raises:
            TypeError: If the source is a data set, or anything else that cannot count its pairs, or ``policy`` is no
                ``PairPolicy``.
            ValueError: If the policy cannot be met by the source, ``length`` is below 1, weights do not
                fit, or rank lies outside the world.
        """
        if not all(hasattr(source, name) for name in ('coupled', 'count', 'keys')):
            raise TypeError(
                f'{type(source).__name__} cannot count its pairs: give `dataset.pairs()` of a pair data set, or a '
                'PairIndex (`split` and `select` take parts of it). Subset and ConcatDataset of torch know no pairs.'
            )
        distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
        rank = rank if rank is not None else (torch.distributed.get_rank() if distributed else 0)
        world_size = world_size or (torch.distributed.get_world_size() if distributed else 1)
        if length is not None and length < 1:
            raise ValueError(f'length is {length}; an epoch needs at least one pair.')
        if not 0 <= rank < world_size:
            raise ValueError(f'rank is {rank}; it must lie in [0, {world_size - 1}] (world_size - 1).')
        self.source = source
        self.policy = policy or PairPolicy()
        check_kind(self.policy, PairPolicy, 'policy')
        self.seed = seed
        self.length = length
        self.weights = None if weights is None else np.asarray(weights, dtype=np.float64)
        size = len(self._epoch(0))
        if size < world_size:
            raise ValueError(f'An epoch of {size} pairs cannot be shared out over {world_size} ranks.')
        super().__init__(samples=size // world_size, seed=seed, shuffle=shuffle, rank=rank, world_size=world_size)

    def keys(self, epoch: int, start: int) -> Iterator[PairKey]:
        """Keys of this rank's share of an epoch."""
        drawn = self._epoch(epoch)
        return self._chunks(drawn, start) if self.shuffle else self._sorted(drawn, start)

    def plot(self, *, pairs: int = 1000) -> Figure:
        """Draw how the next epoch is made up: kinds of pairs, visits of locations; of an index also windows and gaps.

        Args:
            pairs: How many of the epoch's first pairs to look at.
        """
        from geo_noisy.samplers.plot import plot_drawn

        drawn = self._epoch(self.epoch if self.shuffle else 0)
        positions = np.arange(min(pairs, len(drawn)))
        rows, exposure = drawn.pairs(positions)
        return plot_drawn(self.source, rows, drawn.noisy(positions), exposure)

    def _epoch(self, epoch: int) -> Epoch:
        return Epoch(self.source, self.policy, seed=self.seed, epoch=epoch, length=self.length, weights=self.weights)

    def _chunks(self, drawn: Epoch, start: int) -> Iterator[PairKey]:
        """Keys in random order, looked up a chunk at a time."""
        for first in range(start, len(self), _CHUNK):
            mine = np.arange(first, min(first + _CHUNK, len(self))) * self.num_replicas + self.rank
            yield from _keys(*drawn.pairs(mine), self._draws(mine, drawn.epoch))

    def _sorted(self, drawn: Epoch, start: int) -> Iterator[PairKey]:
        """Keys sorted by location and date."""
        rows, exposure = drawn.pairs(np.arange(len(drawn)))
        order = np.lexsort(rows.T[::-1])
        mine = np.arange(start, len(self)) * self.num_replicas + self.rank
        return _keys(rows[order[mine]], exposure[order[mine]], self._draws(mine, 0))

    def _draws(self, positions: NDArray[np.int64], epoch: int) -> NDArray[np.int64]:
        words = random_words(positions, stream_key(self.seed, _DRAW_STREAM, epoch))
        return (words >> np.uint64(1)).astype(np.int64)


def _keys(rows: NDArray[np.int64], exposure: NDArray[np.bool_], draws: NDArray[np.int64]) -> Iterator[PairKey]:
    columns = (*rows.T.tolist(), exposure.tolist(), draws.tolist())
    return map(PairKey._make, zip(*columns, strict=True))
