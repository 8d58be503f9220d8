"""Noise and flag of pairs, from one look-up."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.noise.between_dates import PairEvents, pair_events, pair_flags, pair_noises
from geo_noisy.regions.noise.events import Events
from geo_noisy.regions.tables import RegionTables

Ints = NDArray[np.int64]


class PairNoise(NamedTuple):
    """How noisy pairs are; each [n]."""

    noise: NDArray[np.float64]
    """Share of the window that changed between the two dates, in [0, 1]; NaN where unknown."""
    noisy: NDArray[np.int8]
    """1 noisy, 0 clean, -1 unknown."""


def noise_of_pairs(tables: RegionTables, rows: Ints) -> PairNoise:
    """Look up how noisy some pairs are.

    Args:
        tables: Locations, their dates and their events.
        rows: Rows ``(location, earlier, later)``, shape [n, 3].

    Raises:
        IndexError: If a location or a date lies outside the tables.
    """
    times = tables.pair_times(rows)
    if tables.events is None:
        itself = rows[:, 1] == rows[:, 2]
        return PairNoise(np.where(itself, 0.0, np.nan), np.where(itself, 0, -1).astype(np.int8))
    found = pair_events(rows, times, tables.events)
    windows = _windows(tables, rows, found)
    noise = pair_noises(found, tables.events, windows, method=tables.noise_method, size_px=tables.size_px)
    return PairNoise(noise, _flags(tables, tables.events, found, windows))


def flags_of_pairs(tables: RegionTables, rows: Ints) -> NDArray[np.int8]:
    """1 noisy, 0 clean, -1 unknown, [n]: for many pairs at once, whose noise is not asked for.

    See :func:`noise_of_pairs` for the arguments.
    """
    if tables.events is None:
        return noise_of_pairs(tables, rows).noisy
    found = pair_events(rows, tables.pair_times(rows), tables.events)
    return _flags(tables, tables.events, found, _windows(tables, rows, found))


def _flags(tables: RegionTables, events: Events, found: PairEvents, windows: NDArray[np.object_]) -> NDArray[np.int8]:
    return pair_flags(
        found,
        events,
        windows,
        min_noise=tables.rules.min_noise,
        method=tables.noise_method,
        size_px=tables.size_px,
    )


def _windows(tables: RegionTables, rows: Ints, found: PairEvents) -> NDArray[np.object_]:
    """Windows of the pairs with several events, whose union is to be measured; that of a single one is known."""
    windows = np.empty(len(rows), dtype=object)
    several = np.flatnonzero(np.diff(found.offsets) > 1)
    if len(several):
        windows[several] = tables.windows(rows[several, 0])
    return windows
