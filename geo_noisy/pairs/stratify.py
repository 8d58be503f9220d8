"""From an index to the runs of its clean, noisy and unknown pairs."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.dates import from_seconds, seconds
from geo_noisy.pairs.runs import Allowed, Runs, allowed_ranges, compress, join, spell_out
from geo_noisy.pairs.table import STRATA

if TYPE_CHECKING:
    from geo_noisy.pairs.index import PairIndex

Ints = NDArray[np.int64]
_FLAGS = dict(zip(STRATA, (0, 1, -1), strict=True))
_SEASONS = 4
_PAIRS_AT_ONCE = 1_000_000  # bounds the memory for the pairs of locations with events


def strata(index: 'PairIndex') -> dict[str, Runs]:
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
        flags = index.flags(rows)
        for name, flag in _FLAGS.items():
            found[name].append(compress(*rows[flags == flag].T))
    return {name: join(parts) for name, parts in found.items()}


def wanted_dates(
    index: 'PairIndex',
    *,
    toi: tuple[object, object] | None,
    months: Sequence[int] | None,
    sensors: Sequence[str] | None,
) -> NDArray[np.bool_]:
    """Which dates lie in a time of interest, in some months, and come from some sensors; shape [d].

    Raises:
        ValueError: If a month is none, or a sensor is not in the index.
    """
    kept = np.ones(len(index.times), dtype=bool)
    if toi is not None:
        kept &= (index.times >= seconds(toi[0])) & (index.times <= seconds(toi[1]))
    if months is not None:
        if not set(months) <= set(range(1, 13)):
            raise ValueError(f'months are {list(months)}; they run from 1 to 12.')
        kept &= np.isin(from_seconds(index.times).month, list(months))
    if sensors is not None:
        there = index.files['sensor'].unique().tolist()
        missing = set(sensors) - set(there)
        if missing:
            raise ValueError(f'No file comes from sensor {", ".join(sorted(missing))}; there are {there}.')
        kept &= index.files['sensor'].isin(list(sensors)).to_numpy()[index.dates]
    return kept


def _special(index: 'PairIndex', groups: Ints | None) -> NDArray[np.bool_]:
    """Locations whose pairs cannot be told from their dates alone: events, or dates of groups that must not mix."""
    special = np.zeros(len(index), dtype=bool)
    if index.events is not None:
        special |= np.diff(index.events.offsets) > 0
    if groups is not None:
        location = index.location_of_dates()
        first = groups[index.offsets[:-1]]
        special |= np.bincount(location, weights=groups != first[location], minlength=len(index)) > 0
    return special


def _groups(index: 'PairIndex') -> Ints | None:
    """Number of the sensor and season of each date, of which both dates of a pair must be; None if any may; [d]."""
    rules = index.rules
    if not (rules.same_sensor or rules.same_season):
        return None
    sensor = np.unique(index.files['sensor'].to_numpy(dtype=str), return_inverse=True)[1][index.dates]
    season = from_seconds(index.times).month.to_numpy() % 12 // 3
    return np.asarray(sensor * rules.same_sensor * _SEASONS + season * rules.same_season)


def _plain(allowed: Allowed, chosen: NDArray[np.bool_]) -> Runs:
    return Runs.of(allowed.location[chosen], allowed.position[chosen], allowed.first[chosen], allowed.lengths[chosen])


def _spelled(index: 'PairIndex', allowed: Allowed, dates: Ints, groups: Ints | None) -> Iterator[Ints]:
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
