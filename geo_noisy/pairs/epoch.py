"""Which pairs an epoch holds, and in which order: a function of (seed, epoch), looked up position by position."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.permutation import permute, stream_key, uniforms
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.source import PairSource
from geo_noisy.pairs.strata import epoch_counts, strata_of, subset_sizes
from geo_noisy.pairs.weights import WeightedDraw

# One stream of random numbers for each purpose, so that none depends on how much another draws.
_SUBSET_CLEAN, _SUBSET_NOISY, _PASS_CLEAN, _PASS_NOISY, _ORDER, _COIN, _PASS_ALL, _PLACE, _PART = range(9)

Drawn = tuple[NDArray[np.bool_], NDArray[np.int64]]
"""For each position whether the pair is noisy, and its rank in its stratum."""


class Epoch:
    """The pairs of one epoch. Any position can be asked for at once, so ranks and resumed runs do no extra work."""

    def __init__(
        self,
        source: PairSource,
        policy: PairPolicy,
        *,
        seed: int,
        epoch: int,
        length: int | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """Initialise a new Epoch.

        Args:
            source: The pairs to choose from.
            policy: The rate and how it is met.
            seed: Seed of the order (the subsets have their own, ``policy.seed``).
            epoch: Number of the epoch, from 0.
            length: Pairs in an epoch instead of the policy's own size; the next epoch goes on where this
                one stops, until every pair was seen as often as any other.
            weights: A weight for each location; pairs are then drawn with replacement. Shape [locations].

        Raises:
            ValueError: If the policy cannot be met, noise is unknown and ``policy.unknown`` is ``'error'``,
                or weights are given to a policy that draws without replacement.
        """
        if weights is not None and policy.rate is not None and policy.match != 'draw':
            raise ValueError(
                f'Weights draw with replacement, and match={policy.match!r} takes a fixed set of pairs. '
                "Use match='draw' or rate=None."
            )
        self.policy, self.seed, self.epoch = policy, seed, epoch
        self._strata = strata_of(source, policy)
        self._subsets = subset_sizes(self._strata, policy)
        self._counts = epoch_counts(self._strata, policy, length)
        self._weights = None if weights is None else np.asarray(weights, dtype=np.float64)
        self._draws: dict[str, WeightedDraw] = {}

    def __len__(self) -> int:
        """Number of pairs in the epoch."""
        return sum(self._counts)

    def pairs(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Look up the pairs at some positions of the epoch.

        Args:
            positions: Where to look, each in [0, len(self)); shape [n].

        Returns:
            Rows ``(location, earlier, later)``, shape [n, 3], and which of them are mere-exposure pairs, [n].
        """
        if self.policy.rate is None:
            noisy, ranks = self._as_it_comes(positions)
        elif self.policy.match == 'draw':
            noisy, ranks = self._by_coin(positions)
        else:
            noisy, ranks = self._counted(positions)
        return self._strata.keys(noisy, ranks), noisy & self.policy.mere_exposure

    def _as_it_comes(self, positions: NDArray[np.int64]) -> Drawn:
        """Every pair once, whatever its stratum: ranks run over the clean pairs, then the noisy ones."""
        clean, total = self._strata.clean, self._strata.clean + self._strata.noisy
        if self._weights is not None:
            ranks = self._weighted(positions, 'all')
        else:
            ranks = self._passes(positions, total, len(self), _PASS_ALL)
        noisy = ranks >= clean
        return noisy, np.where(noisy, ranks - clean, ranks)

    def _counted(self, positions: NDArray[np.int64]) -> Drawn:
        """A fixed number of each stratum, in random order."""
        clean = self._counts[0]
        order = permute(positions, len(self), stream_key(self.seed, _ORDER, self.epoch))
        noisy = order >= clean
        ranks = np.empty(len(positions), dtype=np.int64)
        for chosen, stratum, shift in ((~noisy, 0, 0), (noisy, 1, clean)):
            ranks[chosen] = self._subset_ranks(order[chosen] - shift, stratum)
        return noisy, ranks

    def _subset_ranks(self, positions: NDArray[np.int64], stratum: int) -> NDArray[np.int64]:
        """Ranks in a stratum (0 clean, 1 noisy), taken from the prefix of its one seeded permutation."""
        total = (self._strata.clean, self._strata.noisy)[stratum]
        stream = (_PASS_CLEAN, _PASS_NOISY)[stratum]
        within = self._passes(positions, self._subsets[stratum], self._counts[stratum], stream)
        return permute(within, total, stream_key(self.policy.seed, (_SUBSET_CLEAN, _SUBSET_NOISY)[stratum]))

    def _by_coin(self, positions: NDArray[np.int64]) -> Drawn:
        """A coin for each load; where strata are coupled, each location is visited once."""
        noisy = self._coins(positions)
        if self._strata.source.coupled or self._weights is not None:
            return noisy, self._coin_ranks(positions, noisy)
        ranks = np.empty(len(positions), dtype=np.int64)
        for chosen, total, stream in (
            (~noisy, self._strata.clean, _PASS_CLEAN),
            (noisy, self._strata.noisy, _PASS_NOISY),
        ):
            turn = self._turns[positions[chosen]]
            if turn.size:
                ranks[chosen] = permute(turn % total, total, stream_key(self.seed, stream, self.epoch), turn // total)
        return noisy, ranks

    def _coin_ranks(self, positions: NDArray[np.int64], noisy: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Ranks that need no count of the coins before: coupled strata, or draws by weight."""
        if self._weights is None:
            return self._passes(positions, self._strata.clean, len(self), _PASS_CLEAN)
        if self._strata.source.coupled:
            return self._weighted(positions, 'clean')
        ranks = np.empty(len(positions), dtype=np.int64)
        for chosen, stratum in ((~noisy, 'clean'), (noisy, 'noisy')):
            if chosen.any():
                ranks[chosen] = self._weighted(positions[chosen], stratum)
        return ranks

    def _coins(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        rate = 0.0 if self.policy.rate is None else self.policy.rate
        return uniforms(positions, stream_key(self.seed, _COIN, self.epoch)) < rate

    @cached_property
    def _turns(self) -> NDArray[np.int64]:
        """How many earlier positions of the epoch fell on the same side of the coin; shape [len(self)]."""
        noisy = self._coins(np.arange(len(self)))
        before = np.cumsum(noisy)
        return np.where(noisy, before - 1, np.arange(len(self)) - before)

    def _passes(self, positions: NDArray[np.int64], total: int, count: int, stream: int) -> NDArray[np.int64]:
        """Positions of an endless row of permutations of ``range(total)``, of which an epoch takes ``count``."""
        if len(positions) == 0:
            return positions
        along = positions + self.epoch * count
        return permute(along % total, total, stream_key(self.seed, stream), along // total)

    def _weighted(self, positions: NDArray[np.int64], stratum: str) -> NDArray[np.int64]:
        if self._weights is None:
            raise RuntimeError('Weighted draws were asked for without weights.')
        if stratum not in self._draws:
            self._draws[stratum] = WeightedDraw(self._strata, self._weights, stratum=stratum)
        chances = uniforms(positions, stream_key(self.seed, _PLACE, self.epoch))
        return self._draws[stratum].ranks(chances, uniforms(positions, stream_key(self.seed, _PART, self.epoch)))
