"""Which pairs an epoch holds: the noisy pairs rate, and how it is met."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.table import PairSource

Match = Literal['undersample', 'draw', 'fixed-size', 'fixed-steps']
MATCHES: tuple[Match, ...] = ('undersample', 'draw', 'fixed-size', 'fixed-steps')
UNKNOWNS = ('error', 'drop', 'clean')

# One stream of random numbers for each purpose, so that none depends on how much another draws.
_SUBSET_CLEAN, _SUBSET_NOISY, _PASS_CLEAN, _PASS_NOISY, _ORDER, _COIN = range(6)


@dataclass(frozen=True)
class PairPolicy:
    """How noisy pretraining pairs are chosen; the same object for every data set.

    Subsets are prefixes of one seeded permutation for each stratum, so they are fixed by the seed and nested
    over rates.

    Attributes:
        rate: The noisy pairs rate r_pairs in [0, 1] (paper, section IV); None takes every pair once.
        match: How the rate is met. ``undersample`` keeps all of one stratum and as many of the other as the
            rate needs (paper, xBD); ``draw`` tosses a coin at each load (paper, VTS); ``fixed-size`` takes
            the same number of pairs at every rate; ``fixed-steps`` takes the under-sampled set, repeated up
            to the same number of steps at every rate.
        mere_exposure: Replace each noisy pair by its later image twice (paper, section V-C).
        unknown: What to do with pairs whose noise is unknown when a rate is asked for: ``error``, ``drop``
            them, or take them as ``clean``.
        size: Pairs in an epoch for ``fixed-size`` (default: the smaller stratum, the largest size that every
            rate can have) and ``fixed-steps`` (default: the number of clean pairs), and optionally for ``draw``.
        seed: Seed of the subsets.
    """

    rate: float | None = None
    match: Match = 'undersample'
    mere_exposure: bool = False
    unknown: Literal['error', 'drop', 'clean'] = 'error'
    size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments once, where they enter."""
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError(f'PairPolicy.rate is {self.rate}; the noisy pairs rate must lie in [0, 1].')
        if self.match not in MATCHES:
            raise ValueError(f'PairPolicy.match is {self.match!r}; choose one of {MATCHES}.')
        if self.unknown not in UNKNOWNS:
            raise ValueError(f'PairPolicy.unknown is {self.unknown!r}; choose one of {UNKNOWNS}.')
        if self.size is not None and self.size < 1:
            raise ValueError(f'PairPolicy.size is {self.size}; an epoch needs at least one pair.')


@dataclass(frozen=True)
class _Strata:
    """The two strata a policy draws from; unknown pairs are counted into ``clean`` where allowed."""

    source: PairSource
    clean: int
    noisy: int
    unknown_as_clean: bool

    def keys(self, noisy: NDArray[np.bool_], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows ``(location, earlier, later)`` of mixed strata, in order."""
        rows = np.empty((len(ranks), 3), dtype=np.int64)
        known = self.source.count('clean')
        unknown = ~noisy & (ranks >= known)
        for stratum, chosen, shift in (
            ('noisy', noisy, 0),
            ('clean', ~noisy & ~unknown, 0),
            ('unknown', unknown, known),
        ):
            if chosen.any():
                rows[chosen] = self.source.keys(stratum, ranks[chosen] - shift)
        return rows


def epoch_size(source: PairSource, policy: PairPolicy) -> int:
    """Number of pairs in an epoch."""
    return sum(_epoch_counts(_strata(source, policy), policy))


def epoch_pairs(
    source: PairSource, policy: PairPolicy, *, seed: int, epoch: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Draw the pairs of an epoch, in order: a function of its arguments alone.

    Args:
        source: The pairs to choose from.
        policy: The rate and how it is met.
        seed: Seed of the order (the subsets have their own, ``policy.seed``).
        epoch: Number of the epoch, from 0.

    Returns:
        Rows ``(location, earlier, later)``, shape [n, 3], and which of them are mere-exposure pairs, [n].

    Raises:
        ValueError: If the rate cannot be met, or noise is unknown and ``policy.unknown`` is ``'error'``.
    """
    strata = _strata(source, policy)
    if policy.match == 'draw' and policy.rate is not None:
        noisy, ranks = _coin_epoch(strata, policy, seed, epoch)
    else:
        noisy, ranks = _counted_epoch(strata, policy, seed, epoch)
    return strata.keys(noisy, ranks), noisy & policy.mere_exposure


def _strata(source: PairSource, policy: PairPolicy) -> _Strata:
    clean, noisy, unknown = (source.count(stratum) for stratum in ('clean', 'noisy', 'unknown'))
    if clean + noisy + unknown == 0:
        raise ValueError('There are no pairs to draw from: the data set is empty, or no location has two dates.')
    if policy.rate is None:
        if policy.mere_exposure and unknown and policy.unknown == 'error':
            raise ValueError(_unknown_message(unknown, 'mere_exposure'))
        return _Strata(source, clean + (0 if policy.unknown == 'drop' else unknown), noisy, True)
    if unknown and policy.unknown == 'error':
        raise ValueError(_unknown_message(unknown, f'rate={policy.rate}'))
    as_clean = policy.unknown == 'clean'
    strata = _Strata(source, clean + (unknown if as_clean else 0), noisy, as_clean)
    if policy.rate > 0 and strata.noisy == 0:
        raise ValueError(f'PairPolicy.rate is {policy.rate}, but none of the {clean} known pairs is noisy. Use rate 0.')
    if policy.rate < 1 and strata.clean == 0:
        raise ValueError(f'PairPolicy.rate is {policy.rate}, but all {noisy} known pairs are noisy. Use rate 1.')
    return strata


def _unknown_message(unknown: int, wanted: str) -> str:
    return (
        f'{unknown} pairs have unknown noise, so {wanted} cannot be met. Give polygons or a change raster, '
        "or set PairPolicy.unknown to 'drop' or 'clean'."
    )


def _undersampled(clean: int, noisy: int, rate: float) -> tuple[int, int]:
    """Sizes (clean, noisy) of the largest set with this rate: one stratum whole (paper, section IV-A)."""
    if rate in (0, 1):
        return (clean, 0) if rate == 0 else (0, noisy)
    if rate * clean <= (1 - rate) * noisy:
        return clean, round(clean * rate / (1 - rate))
    return round(noisy * (1 - rate) / rate), noisy


def _subset_sizes(strata: _Strata, policy: PairPolicy) -> tuple[int, int]:
    """Sizes (clean, noisy) of the subsets that may be seen at all."""
    if policy.rate is None or policy.match == 'draw':
        return strata.clean, strata.noisy
    if policy.match != 'fixed-size':
        return _undersampled(strata.clean, strata.noisy, policy.rate)
    size = policy.size if policy.size is not None else min(strata.clean, strata.noisy) or max(strata.clean, strata.noisy)
    noisy = round(policy.rate * size)
    for name, wanted, there in (('noisy', noisy, strata.noisy), ('clean', size - noisy, strata.clean)):
        if wanted > there:
            raise ValueError(
                f'PairPolicy.size is {size}: rate {policy.rate} needs {wanted} {name} pairs and there are {there}. '
                f'Every rate can be met up to size {min(strata.clean, strata.noisy)}.'
            )
    return size - noisy, noisy


def _epoch_counts(strata: _Strata, policy: PairPolicy) -> tuple[int, int]:
    """Pairs (clean, noisy) in an epoch; for ``draw`` only the sum is fixed."""
    if policy.match == 'draw' and policy.rate is not None:
        return policy.size or (strata.clean if strata.source.coupled else strata.clean + strata.noisy), 0
    if policy.match == 'fixed-steps' and policy.rate is not None:
        steps = policy.size or strata.clean or strata.noisy
        noisy = round(policy.rate * steps)
        return steps - noisy, noisy
    return _subset_sizes(strata, policy)


def _counted_epoch(
    strata: _Strata, policy: PairPolicy, seed: int, epoch: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """An epoch with a fixed number of each stratum, in random order."""
    sizes = _subset_sizes(strata, policy)
    counts = _epoch_counts(strata, policy)
    subsets = [
        _rng(policy.seed, stream).permutation(total)[:size]
        for stream, total, size in zip((_SUBSET_CLEAN, _SUBSET_NOISY), (strata.clean, strata.noisy), sizes, strict=True)
    ]
    ranks = [
        subset[_passes(len(subset), count, seed, epoch, stream)]
        for subset, count, stream in zip(subsets, counts, (_PASS_CLEAN, _PASS_NOISY), strict=True)
    ]
    order = _rng(seed, _ORDER, epoch).permutation(sum(counts))
    noisy = np.repeat([False, True], counts)[order]
    return noisy, np.concatenate(ranks)[order]


def _coin_epoch(
    strata: _Strata, policy: PairPolicy, seed: int, epoch: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """An epoch with a coin for each load; where strata are coupled, each location is visited once."""
    size = sum(_epoch_counts(strata, policy))
    noisy = _rng(seed, _COIN, epoch).random(size) < policy.rate
    if strata.source.coupled:
        return noisy, _passes(strata.clean, size, seed, epoch, _PASS_CLEAN)
    ranks = np.empty(size, dtype=np.int64)
    for chosen, total, stream in ((~noisy, strata.clean, _PASS_CLEAN), (noisy, strata.noisy, _PASS_NOISY)):
        count = int(chosen.sum())
        if count:
            passes = [_rng(seed, stream, epoch, turn).permutation(total) for turn in range(-(-count // total))]
            ranks[chosen] = np.concatenate(passes)[:count]
    return noisy, ranks


def _passes(total: int, count: int, seed: int, epoch: int, stream: int) -> NDArray[np.int64]:
    """Positions ``epoch * count`` to ``(epoch + 1) * count`` of an endless row of permutations of ``range(total)``."""
    if count == 0:
        return np.empty(0, dtype=np.int64)
    start = epoch * count
    first, last = start // total, (start + count - 1) // total
    rows = np.concatenate([_rng(seed, stream, turn).permutation(total) for turn in range(first, last + 1)])
    return rows[start - first * total :][:count]


def _rng(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([part & 0xFFFFFFFFFFFFFFFF for part in key]))
