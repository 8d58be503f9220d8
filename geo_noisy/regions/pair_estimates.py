"""Estimates of every two dates of each location, held flat: location by location, earlier date by earlier date."""

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.ragged import offsets_of, take_rows

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def pair_offsets(offsets: Ints) -> Ints:
    """Where the pairs of dates of each location start, [n + 1], from where its dates do."""
    dates = np.diff(offsets)
    return offsets_of(dates * (dates - 1) // 2)


def pairs_of_dates(offsets: Ints) -> Ints:
    """Rows ``(location, earlier, later)`` of every two dates of each location, shape [m, 3]."""
    dates = np.diff(offsets)
    rows = np.empty((int((dates * (dates - 1) // 2).sum()), 3), dtype=np.int64)
    starts = pair_offsets(offsets)
    for count in np.unique(dates[dates > 1]):
        locations = np.flatnonzero(dates == count)
        both = np.column_stack(np.triu_indices(count, k=1))
        at = starts[locations][:, None] + np.arange(len(both))
        rows[at, 0] = locations[:, None]
        rows[at, 1:] = both
    return rows


def take_estimates(estimate: Floats | None, offsets: Ints, rows: Ints) -> Floats | None:
    """The estimates of some locations."""
    return None if estimate is None else np.asarray(estimate[take_rows(pair_offsets(offsets), rows)[1]])


def keep_estimates(estimate: Floats | None, offsets: Ints, kept: NDArray[np.bool_]) -> Floats | None:
    """The estimates of pairs of dates that are both kept, [d] flags."""
    if estimate is None:
        return None
    pairs = pairs_of_dates(offsets)
    both = kept[offsets[pairs[:, :1]] + pairs[:, 1:]].all(axis=1)
    return np.asarray(estimate[both])
