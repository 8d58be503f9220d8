"""The pairs of a data set, by stratum: what a pair policy chooses from."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

STRATA = ('clean', 'noisy', 'unknown')


class PairSource(Protocol):
    """Anything that can count its clean, noisy and unknown pairs and name them by rank."""

    @property
    def coupled(self) -> bool:
        """Whether a location has one clean pair, and at most one noisy one in its place (VTS).

        An epoch of ``draw`` then visits as many pairs as there are locations, and where every location has both, each
        location once: the pairs of one rank lie at the same location.
        """
        ...

    def count(self, stratum: str) -> int:
        """Number of pairs in ``'clean'``, ``'noisy'`` or ``'unknown'``."""
        ...

    def keys(self, stratum: str, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows ``(location, earlier, later)``, shape [n, 3], of the pairs with these ranks in a stratum."""
        ...


@dataclass(frozen=True)
class PairTable:
    """Pairs held as rows ``(location, earlier, later)``, one array [n, 3] of int64 for each stratum.

    Attributes:
        clean: Pairs without noise.
        noisy: Noisy pairs.
        unknown: Pairs of unknown noise.
        coupled: See :attr:`PairSource.coupled`.
    """

    clean: NDArray[np.int64]
    noisy: NDArray[np.int64]
    unknown: NDArray[np.int64]
    coupled: bool = False

    @classmethod
    def from_flags(cls, keys: NDArray[np.int64], noisy: NDArray[np.int8]) -> 'PairTable':
        """Sort pairs into strata by their flag.

        Args:
            keys: Rows ``(location, earlier, later)``, shape [n, 3].
            noisy: 1 noisy, 0 clean, -1 unknown; shape [n].
        """
        return cls(keys[noisy == 0], keys[noisy == 1], keys[noisy == -1])

    def count(self, stratum: str) -> int:
        """Number of pairs in a stratum."""
        return len(getattr(self, stratum))

    def keys(self, stratum: str, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows ``(location, earlier, later)`` of the pairs with these ranks in a stratum."""
        return np.asarray(getattr(self, stratum)[ranks])

    def spans(self, stratum: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Locations [m] that have pairs in a stratum, and where their ranks start [m + 1].

        Raises:
            ValueError: If the rows of a location do not stand together.
        """
        column = getattr(self, stratum)[:, 0]
        starts = np.flatnonzero(np.r_[True, column[1:] != column[:-1]]) if len(column) else np.empty(0, np.int64)
        locations = column[starts]
        if len(np.unique(locations)) < len(locations):
            raise ValueError(f'The {stratum} pairs of a location do not stand together; sort the rows by location.')
        return locations, np.append(starts, len(column))
