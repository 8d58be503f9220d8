"""The ways in which an epoch meets a noisy pairs rate: one small class each.

To add one: a subclass here, its name in :data:`MATCHES` and in :data:`~geo_noisy.pairs.policy.Match`, and a test.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.permutation import permute, stream_key, uniforms
from geo_noisy.pairs.policy import Match, PairPolicy
from geo_noisy.pairs.strata import Strata
from geo_noisy.pairs.weights import WeightedDraw

# One stream of random numbers for each purpose, so that none depends on how much another draws.
_SUBSET_CLEAN, _SUBSET_NOISY, _PASS_CLEAN, _PASS_NOISY, _ORDER, _COIN, _PASS_ALL, _PLACE, _PART = range(9)

Ints = NDArray[np.int64]
Drawn = tuple[NDArray[np.bool_], Ints]
"""For each position whether the pair is noisy, and its rank in its stratum."""


class Matching(ABC):
    """Which pair stands at which position of an epoch."""

    takes_weights = False

    def __init__(
        self,
        strata: Strata,
        policy: PairPolicy,
        *,
        seed: int,
        epoch: int,
        length: int | None,
        weights: NDArray[np.float64] | None,
    ) -> None:
        """Initialise a new Matching.

        Args:
            strata: The strata to draw from.
            policy: The rate, and the size where it has one.
            seed: Seed of the order.
            epoch: Number of the epoch.
            length: Pairs in the epoch, instead of the policy's own size.
            weights: A weight for each location, [locations].

        Raises:
            ValueError: If weights are given to a way that draws without replacement.
        """
        if weights is not None and not self.takes_weights:
            raise ValueError(
                f'Weights draw with replacement, and match={policy.match!r} takes a fixed set of pairs. '
                "Use match='draw' or rate=None."
            )
        self.strata, self.policy, self.seed, self.epoch, self.length = strata, policy, seed, epoch, length
        self.weights = weights
        self._draws: dict[str, WeightedDraw] = {}

    @abstractmethod
    def __len__(self) -> int:
        """Number of pairs in the epoch."""

    @abstractmethod
    def draw(self, positions: Ints) -> Drawn:
        """Look up the pairs at some positions, each in [0, len(self)); shape [n]."""

    def key(self, stream: int, *more: int) -> int:
        """Key of a stream of random numbers, from the seed of the order."""
        return stream_key(self.seed, stream, *more)

    def passes(self, positions: Ints, total: int, count: int, stream: int) -> Ints:
        """Positions of an endless row of permutations of ``range(total)``, of which an epoch takes ``count``."""
        if len(positions) == 0:
            return positions
        along = positions + self.epoch * count
        return permute(along % total, total, self.key(stream), along // total)

    def weighted(self, weights: NDArray[np.float64], positions: Ints, stratum: str) -> Ints:
        """Ranks in a stratum, drawn with replacement by the weights of their locations."""
        if stratum not in self._draws:
            self._draws[stratum] = WeightedDraw(self.strata, weights, stratum=stratum)
        chances = uniforms(positions, self.key(_PLACE, self.epoch))
        return self._draws[stratum].ranks(chances, uniforms(positions, self.key(_PART, self.epoch)))


class EveryPair(Matching):
    """Every pair once, whatever its stratum (``rate=None``): ranks run over the clean pairs, then the noisy ones."""

    takes_weights = True

    def __len__(self) -> int:
        """All pairs, or the length asked for."""
        return self.length or self.strata.clean + self.strata.noisy

    def draw(self, positions: Ints) -> Drawn:
        """Look up the pairs at some positions."""
        clean, total = self.strata.clean, self.strata.clean + self.strata.noisy
        if self.weights is not None:
            ranks = self.weighted(self.weights, positions, 'all')
        else:
            ranks = self.passes(positions, total, len(self), _PASS_ALL)
        noisy = ranks >= clean
        return noisy, np.where(noisy, ranks - clean, ranks)


class CoinDraw(Matching):
    """A coin for each load (paper, section IV-B: VTS); where strata are coupled, each location is visited once."""

    takes_weights = True

    def __len__(self) -> int:
        """As many as there are locations where strata are coupled, as there are pairs otherwise."""
        coupled = self.strata.source.coupled
        return self.length or self.policy.size or self.strata.clean + (0 if coupled else self.strata.noisy)

    def draw(self, positions: Ints) -> Drawn:
        """Look up the pairs at some positions."""
        noisy = self._coins(positions)
        if self._shared_ranks:
            if self.weights is not None:
                return noisy, self.weighted(self.weights, positions, 'clean')
            return noisy, self.passes(positions, self.strata.clean, len(self), _PASS_CLEAN)
        ranks = np.empty(len(positions), dtype=np.int64)
        for chosen, stratum in ((~noisy, 'clean'), (noisy, 'noisy')):
            if chosen.any():
                ranks[chosen] = self._ranks_of(positions[chosen], stratum)
        return noisy, ranks

    @property
    def _shared_ranks(self) -> bool:
        """Whether one rank names the clean and the noisy pair of one location."""
        return self.strata.source.coupled and self.strata.clean == self.strata.noisy

    def _ranks_of(self, positions: Ints, stratum: str) -> Ints:
        """Ranks in one stratum, at positions whose coin fell on its side."""
        if self.weights is not None:
            return self.weighted(self.weights, positions, stratum)
        total, stream = (self.strata.clean, _PASS_CLEAN) if stratum == 'clean' else (self.strata.noisy, _PASS_NOISY)
        turn = self._turns[positions]
        return permute(turn % total, total, self.key(stream, self.epoch), turn // total)

    def _coins(self, positions: Ints) -> NDArray[np.bool_]:
        rate = 0.0 if self.policy.rate is None else self.policy.rate
        return uniforms(positions, self.key(_COIN, self.epoch)) < rate

    @cached_property
    def _turns(self) -> Ints:
        """How many earlier positions of the epoch fell on the same side of the coin; shape [len(self)]."""
        noisy = self._coins(np.arange(len(self)))
        before = np.cumsum(noisy)
        return np.where(noisy, before - 1, np.arange(len(self)) - before)


class UnderSample(Matching):
    """All of one stratum, and as many of the other as the rate needs (paper, section IV-A: xBD), in random order."""

    def __len__(self) -> int:
        """Size of the set, or the length asked for."""
        return sum(self.counts)

    def draw(self, positions: Ints) -> Drawn:
        """Look up the pairs at some positions."""
        clean = self.counts[0]
        order = permute(positions, len(self), self.key(_ORDER, self.epoch))
        noisy = order >= clean
        ranks = np.empty(len(positions), dtype=np.int64)
        for chosen, stratum, shift in ((~noisy, 0, 0), (noisy, 1, clean)):
            ranks[chosen] = self._subset_ranks(order[chosen] - shift, stratum)
        return noisy, ranks

    @cached_property
    def subsets(self) -> tuple[int, int]:
        """Clean and noisy pairs that may be seen at all."""
        clean, noisy, rate = self.strata.clean, self.strata.noisy, self.rate
        if rate in (0, 1):
            return (clean, 0) if rate == 0 else (0, noisy)
        if rate * clean <= (1 - rate) * noisy:
            return clean, round(clean * rate / (1 - rate))
        return round(noisy * (1 - rate) / rate), noisy

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Clean and noisy pairs in an epoch."""
        return self.subsets if self.length is None else self.shares(self.length)

    @property
    def rate(self) -> float:
        """The noisy pairs rate."""
        return self.policy.rate or 0.0

    def shares(self, length: int) -> tuple[int, int]:
        """Clean and noisy pairs of a whole at the rate."""
        noisy = round(self.rate * length)
        return length - noisy, noisy

    def _subset_ranks(self, positions: Ints, stratum: int) -> Ints:
        """Ranks in a stratum (0 clean, 1 noisy), taken from the prefix of its one seeded permutation."""
        total = (self.strata.clean, self.strata.noisy)[stratum]
        stream = (_PASS_CLEAN, _PASS_NOISY)[stratum]
        within = self.passes(positions, self.subsets[stratum], self.counts[stratum], stream)
        return permute(within, total, stream_key(self.policy.seed, (_SUBSET_CLEAN, _SUBSET_NOISY)[stratum]))


class FixedSize(UnderSample):
    """The same number of pairs at every rate: a control beside under-sampling, whose size the rate changes."""

    @cached_property
    def subsets(self) -> tuple[int, int]:
        """Clean and noisy pairs of the size asked for; the smaller stratum by default, which every rate can have.

        Raises:
            ValueError: If there are not so many pairs in a stratum.
        """
        smaller, larger = sorted((self.strata.clean, self.strata.noisy))
        size = self.policy.size if self.policy.size is not None else smaller or larger
        clean, noisy = self.shares(size)
        for name, wanted, there in (('noisy', noisy, self.strata.noisy), ('clean', clean, self.strata.clean)):
            if wanted > there:
                raise ValueError(
                    f'PairPolicy.size is {size}: rate {self.rate} needs {wanted} {name} pairs and there are {there}. '
                    f'Every rate can be met up to size {smaller}.'
                )
        return clean, noisy


class FixedSteps(UnderSample):
    """The under-sampled set, repeated up to the same number of steps at every rate."""

    @cached_property
    def counts(self) -> tuple[int, int]:
        """Clean and noisy pairs in an epoch; as many as there are clean pairs by default."""
        return self.shares(self.length or self.policy.size or self.strata.clean or self.strata.noisy)


MATCHES: Mapping[Match, type[Matching]] = {
    'undersample': UnderSample,
    'draw': CoinDraw,
    'fixed-size': FixedSize,
    'fixed-steps': FixedSteps,
}


def matching(policy: PairPolicy) -> type[Matching]:
    """The way in which a policy meets its rate."""
    return EveryPair if policy.rate is None else MATCHES[policy.match]
