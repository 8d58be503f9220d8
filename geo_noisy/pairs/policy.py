"""Which pairs an epoch holds: the noisy pairs rate, and how it is met."""

from dataclasses import dataclass
from typing import Literal, get_args

Match = Literal['undersample', 'draw', 'fixed-size', 'fixed-steps']
Unknown = Literal['error', 'drop', 'clean']


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

    Example:
        >>> PairPolicy(rate=0.25, match='draw').mere_exposure  # a quarter of the loads are noisy pairs
        False
        >>> PairPolicy(rate=25)
        Traceback (most recent call last):
        ValueError: PairPolicy.rate is 25; the noisy pairs rate must lie in [0, 1].
    """

    rate: float | None = None
    match: Match = 'undersample'
    mere_exposure: bool = False
    unknown: Unknown = 'error'
    size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments once, where they enter."""
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise ValueError(f'PairPolicy.rate is {self.rate}; the noisy pairs rate must lie in [0, 1].')
        if self.match not in get_args(Match):
            raise ValueError(f'PairPolicy.match is {self.match!r}; choose one of {get_args(Match)}.')
        if self.unknown not in get_args(Unknown):
            raise ValueError(f'PairPolicy.unknown is {self.unknown!r}; choose one of {get_args(Unknown)}.')
        if self.size is not None and self.size < 1:
            raise ValueError(f'PairPolicy.size is {self.size}; an epoch needs at least one pair.')
