"""Draws of pairs by weights of their locations, in constant time for each draw."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.source import PairSource
from geo_noisy.pairs.strata import Strata


@runtime_checkable
class SpannedSource(PairSource, Protocol):
    """A source whose pairs of one location and stratum have consecutive ranks."""

    def spans(self, stratum: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Locations [m] that have pairs in a stratum, and where their ranks start [m + 1]."""
        ...


class WeightedDraw:
    """Draws ranks such that a location's chance is its weight, however many dates it has.

    Within a location every pair of the stratum is as likely as any other. Draws are with replacement.
    """

    def __init__(self, strata: Strata, weights: NDArray[np.float64], *, stratum: str) -> None:
        """Initialise a new WeightedDraw.

        Args:
            strata: The strata to draw from.
            weights: A weight >= 0 for each location of the source; shape [locations].
            stratum: ``'clean'`` (with the unknown pairs where they count as clean), ``'noisy'``, or ``'all'``:
                the clean ranks, then the noisy ones.

        Raises:
            TypeError: If the source cannot say where the ranks of a location start.
            ValueError: If weights are negative, do not fit, or leave nothing to draw.
        """
        parts = _spans(strata, stratum)
        locations = np.concatenate([part[0] for part in parts])
        self._starts = np.concatenate([part[1] for part in parts])
        self._counts = np.concatenate([part[2] for part in parts])
        if len(locations) and locations.max() >= len(weights):
            raise ValueError(
                f'{len(weights)} weights were given for {locations.max() + 1} locations; give one for each.'
            )
        if not np.isfinite(weights).all() or (weights < 0).any():
            raise ValueError('Weights of locations must be finite and not negative.')
        pairs = np.bincount(locations, weights=self._counts, minlength=len(weights))
        self._edges = np.cumsum(weights[locations] * self._counts / pairs[locations])
        if len(self._edges) == 0 or self._edges[-1] <= 0:
            raise ValueError(f'No location with {stratum} pairs has a weight above 0.')

    def ranks(self, chances: NDArray[np.float64], parts: NDArray[np.float64]) -> NDArray[np.int64]:
        """Ranks for two uniform numbers each: one chooses the location, one its pair."""
        span = np.searchsorted(self._edges, chances * self._edges[-1], side='right')
        return np.asarray(self._starts[span] + (parts * self._counts[span]).astype(np.int64))


def _spans(strata: Strata, stratum: str) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """(locations, first rank, number of ranks) of the source's strata that make up this one."""
    source = strata.source
    if not isinstance(source, SpannedSource):
        raise TypeError(f'Weights need a source with spans(); {type(source).__name__} has none. Use a PairIndex.')
    known = source.count('clean')
    wanted = [('clean', 0)] if stratum != 'noisy' else []
    if stratum != 'noisy' and strata.clean > known:
        wanted.append(('unknown', known))
    if stratum != 'clean':
        wanted.append(('noisy', strata.clean if stratum == 'all' else 0))
    parts = []
    for name, shift in wanted:
        locations, starts = source.spans(name)
        parts.append((locations, starts[:-1] + shift, np.diff(starts)))
    return parts
