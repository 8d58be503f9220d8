"""The clean, noisy and unknown pairs of a region, as runs."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.pair_noise import flags_of_pairs
from geo_noisy.regions.runs import Allowed, Runs, allowed_ranges, compress, join, spell_out
from geo_noisy.regions.tables import RegionTables

Ints = NDArray[np.int64]
_FLAGS = dict(zip(STRATA, (0, 1, -1), strict=True))
_SEASONS = 4
_PAIRS_AT_ONCE = 1_000_000  # bounds the memory for the pairs of locations with events


def pair_runs(index: RegionTables) -> dict[str, Runs]:
    """Runs of each stratum.

    A location without events has all its pairs in one stratum, so its runs follow from its dates alone. The pairs
    of the others are spelled out a bounded number at a time, and compressed again.
    """
    rules = index.rules
    allowed = allowed_ranges(index.times, index.offsets, min_gap_s=rules.min_gap_s, max_gap_s=rules.max_gap_s)
    single = np.diff(index.offsets) == 1
    known = single | (index.events.known if index.events is not None else np.zeros(len(index), dtype=bool))
    groups = _groups(index)
    special = _special(index, groups)
    plain = ~special[allowed.location]
    told = known[allowed.location]
    found = {'clean': [_plain(allowed, plain & told)], 'noisy': [], 'unknown': [_plain(allowed, plain & ~told)]}
    found['noisy'].append(_plain(allowed, np.zeros(len(plain), dtype=bool)))
    for rows in _spelled(index, allowed, np.flatnonzero(~plain), groups):
        flags = flags_of_pairs(index, rows)
        for name, flag in _FLAGS.items():
            found[name].append(compress(*rows[flags == flag].T))
    return {name: join(parts) for name, parts in found.items()}


def _special(index: RegionTables, groups: Ints | None) -> NDArray[np.bool_]:
    """Locations whose pairs cannot be told from their dates alone: events, or dates of groups that must not mix."""
    special = np.zeros(len(index), dtype=bool)
    if index.events is not None:
        special |= np.diff(index.events.offsets) > 0
    if groups is not None:
        location = index.location_of_dates()
        first = groups[index.offsets[:-1]]
        special |= np.bincount(location, weights=groups != first[location], minlength=len(index)) > 0
    return special


def _groups(index: RegionTables) -> Ints | None:
    """Number of the sensor and season of each date, of which both dates of a pair must be; None if any may; [d]."""
    rules = index.rules
    if not (rules.same_sensor or rules.same_season):
        return None
    sensor = np.unique(index.files['sensor'].to_numpy(dtype=str), return_inverse=True)[1][index.dates]
    season = from_seconds(index.times).month.to_numpy() % 12 // 3
    return np.asarray(sensor * rules.same_sensor * _SEASONS + season * rules.same_season)


def _plain(allowed: Allowed, chosen: NDArray[np.bool_]) -> Runs:
    return Runs.of(allowed.location[chosen], allowed.position[chosen], allowed.first[chosen], allowed.lengths[chosen])


def _spelled(index: RegionTables, allowed: Allowed, dates: Ints, groups: Ints | None) -> Iterator[Ints]:
    """Rows of all pairs of some dates, whole dates at a time."""
    total = np.cumsum(allowed.lengths[dates])
    parts = np.split(
        dates, np.searchsorted(total, np.arange(_PAIRS_AT_ONCE, total[-1] if len(total) else 0, _PAIRS_AT_ONCE))
    )
    for part in parts:
        rows = spell_out(allowed, part)
        if groups is not None:
            both = groups[index.offsets[rows[:, 0]][:, None] + rows[:, 1:]]
            rows = rows[both[:, 0] == both[:, 1]]
        if len(rows):
            yield rows
