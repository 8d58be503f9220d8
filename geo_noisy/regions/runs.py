"""The pairs of one stratum as runs, so that no pair has a row of its own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.ragged import expand, offsets_of

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """Pairs of one earlier date with consecutive later dates; a location of k dates has at most k - 1 without events.

    Attributes:
        location: Location of each run, sorted, [n].
        earlier: Its earlier date, [n].
        later: Its first later date, [n].
        starts: Rank of its first pair, and at the end the number of pairs, [n + 1].
    """

    location: NDArray[np.int32]
    earlier: NDArray[np.int32]
    later: NDArray[np.int32]
    starts: Ints

    @classmethod
    def of(cls, location: Ints, earlier: Ints, later: Ints, lengths: Ints) -> 'Runs':
        """Sort runs by location and date, without the empty ones."""
        order = np.lexsort((later, earlier, location))
        order = order[lengths[order] > 0]
        first, second, third = (column[order].astype(np.int32) for column in (location, earlier, later))
        return cls(first, second, third, offsets_of(lengths[order]))

    def count(self) -> int:
        """Number of pairs."""
        return int(self.starts[-1])

    def keys(self, ranks: Ints) -> Ints:
        """Rows ``(location, earlier, later)`` of the pairs with these ranks, shape [n, 3]."""
        run = np.searchsorted(self.starts, ranks, side='right') - 1
        return np.column_stack([self.location[run], self.earlier[run], self.later[run] + (ranks - self.starts[run])])

    def spans(self) -> tuple[Ints, Ints]:
        """Locations [m] that have pairs, and where their ranks start [m + 1]."""
        if len(self.location) == 0:
            return np.empty(0, dtype=np.int64), np.zeros(1, dtype=np.int64)
        first = np.flatnonzero(np.r_[True, np.diff(self.location) != 0])
        return self.location[first].astype(np.int64), np.append(self.starts[first], self.starts[-1])

    def counts(self, locations: int) -> Ints:
        """Number of pairs of each location, shape [locations]."""
        totals = np.zeros(locations, dtype=np.int64)
        np.add.at(totals, self.location, np.diff(self.starts))
        return totals


@dataclass(frozen=True)
class Allowed:
    """For each date of each location, the range of later dates it may pair with.

    Attributes:
        location: Location of each date, [d].
        position: Position of the date in its location, [d].
        first: First later date of its pairs, [d].
        lengths: How many, [d].
    """

    location: Ints
    position: Ints
    first: Ints
    lengths: Ints


def allowed_ranges(times: Ints, offsets: Ints, *, min_gap_s: int, max_gap_s: int | None) -> Allowed:
    """Work out which later dates each date may pair with.

    A location with a single date pairs with itself; whether such locations are kept is decided before.

    Args:
        times: Times of all dates in seconds, sorted within each location, [d].
        offsets: Where the dates of each location start, [n + 1].
        min_gap_s: Smallest gap.
        max_gap_s: Largest gap; None for no limit.
    """
    lengths = np.diff(offsets)
    location = np.repeat(np.arange(len(lengths)), lengths)
    # One sorted axis for all locations: each gets a stretch longer than any gap that is looked for.
    low, high = (int(times.min()), int(times.max())) if len(times) else (0, 0)
    span = high - low + 1
    axis = times - low + location * (2 * span)
    index = np.arange(len(times))
    first = np.maximum(np.searchsorted(axis, axis + min(min_gap_s, span), side='left'), index + 1)
    stop = offsets[location + 1]
    if max_gap_s is not None:
        stop = np.minimum(stop, np.searchsorted(axis, axis + min(max_gap_s, span), side='right'))
    first = np.minimum(first, offsets[location + 1])
    single = lengths[location] == 1
    first, stop = np.where(single, index, first), np.where(single, index + 1, stop)
    start = offsets[location]
    return Allowed(location, index - start, first - start, np.maximum(stop - first, 0))


def compress(location: Ints, earlier: Ints, later: Ints) -> Runs:
    """Runs of pairs given one by one, sorted by location, earlier and later date."""
    if len(location) == 0:
        return Runs.of(location, earlier, later, location)
    breaks = (np.diff(location) != 0) | (np.diff(earlier) != 0) | (np.diff(later) != 1)
    first = np.flatnonzero(np.r_[True, breaks])
    return Runs.of(location[first], earlier[first], later[first], np.diff(np.append(first, len(location))))


def spell_out(allowed: Allowed, dates: Ints) -> Ints:
    """Rows ``(location, earlier, later)`` of all pairs of some dates, shape [n, 3]."""
    lengths = allowed.lengths[dates]
    later = expand(allowed.first[dates], lengths)
    return np.column_stack(
        [np.repeat(allowed.location[dates], lengths), np.repeat(allowed.position[dates], lengths), later]
    )


def join(parts: list[Runs]) -> Runs:
    """Runs of several parts in one."""
    location, earlier, later = (
        np.concatenate([getattr(part, name) for part in parts]).astype(np.int64)
        for name in ('location', 'earlier', 'later')
    )
    return Runs.of(location, earlier, later, np.concatenate([np.diff(part.starts) for part in parts]))
