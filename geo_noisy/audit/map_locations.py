"""Locations of an index as packed arrays: where they lie, their dates, and their pairs by gap and noise."""

import base64
import gzip
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.audit.report import GAPS_DAYS, sample_pairs
from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.dates.read import DAY_S
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.grid import WGS84

GAP_NAMES = [
    f'{low:g} to {high:g} days' if np.isfinite(high) else f'over {low:g} days' for low, high in pairwise(GAPS_DAYS)
]
NOISE_NAMES = ['unknown', 'clean', 'noisy, share unknown', 'noisy to 0.05', 'noisy to 0.25', 'noisy over 0.25']
PER_DEGREE = 10_000_000
MOST_COUNTED = 20_000_000
"""Pairs that are counted one by one; of more, that many at random in each stratum."""
MOST_LISTED = 300_000
"""Pairs up to which the page lists each with its noise."""

_UNKNOWN, _CLEAN, _SHARE_UNKNOWN, _FIRST_SHARE = range(4)
_SHARES = (0.05, 0.25)
_CHUNK = 1_000_000
_NO_SHARE = 65_535
_PER_UNIT = 10_000


def packed_locations(index: PairIndex) -> dict[str, list[str]]:
    """Pack what the map tells of all locations.

    Args:
        index: The index.

    Returns:
        Kind of the numbers (as JavaScript names its typed arrays) and, compressed and in base64, the numbers of each
        array: ``bounds`` [n, 4] in units of 1e-7 degrees, ``counts`` [n, gaps, noises] of pairs, ``dates`` [n] of each
        location, ``days`` since 1970 and ``file`` of each date, and, where they are few enough, ``pairs`` with
        location, earlier and later date, flag and share.
    """
    bounds = np.rint(shapely.bounds(index.windows_in(WGS84)) * PER_DEGREE)
    arrays = {
        'bounds': bounds.astype('<i4'),
        'counts': count_pairs(index),
        'dates': np.diff(index.offsets).astype('<u2'),
        'days': np.floor(index.times / DAY_S).astype('<i4'),
        'file': index.dates.astype('<i4'),
        'place': index.locations.place.astype('<i4'),
    }
    if sum(index.count(stratum) for stratum in STRATA) <= MOST_LISTED:
        arrays |= _listed(index)
    return {name: [_KINDS[values.dtype.str], _pack(values)] for name, values in arrays.items()}


def count_pairs(index: PairIndex, *, seed: int = 0) -> NDArray[np.uint16]:
    """Count the pairs of each location by gap and by noise.

    Args:
        index: The index.
        seed: Seed of the pairs that are counted where there are very many.

    Returns:
        Shape [n, gaps, noises], in the order of :data:`GAP_NAMES` and :data:`NOISE_NAMES`; at most 65,535 each.
    """
    counts = np.zeros(len(index) * len(GAP_NAMES) * len(NOISE_NAMES), dtype=np.int64)
    rng = np.random.default_rng(seed)
    for stratum in STRATA:
        keys = sample_pairs(index, stratum, rng, most=MOST_COUNTED)
        for start in range(0, len(keys), _CHUNK):
            rows = keys[start : start + _CHUNK]
            cells = (rows[:, 0] * len(GAP_NAMES) + gap_bins(index, rows)) * len(NOISE_NAMES) + noise_bins(index, rows)
            counts += np.bincount(cells, minlength=len(counts))
    shape = (len(index), len(GAP_NAMES), len(NOISE_NAMES))
    return np.minimum(counts, np.iinfo(np.uint16).max).astype('<u2').reshape(shape)


def gap_bins(index: PairIndex, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position in :data:`GAP_NAMES` of pairs ``(location, earlier, later)``, [n, 3]."""
    days = np.diff(index.pair_times(rows), axis=1)[:, 0] / DAY_S
    return np.searchsorted(GAPS_DAYS, days, side='right') - 1


def noise_bins(index: PairIndex, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position in :data:`NOISE_NAMES` of pairs ``(location, earlier, later)``, [n, 3]."""
    found = index.look_up(rows)
    share = _FIRST_SHARE + np.searchsorted(_SHARES, found.noise, side='left')
    noisy = np.where(np.isnan(found.noise), _SHARE_UNKNOWN, share)
    return np.where(found.noisy < 0, _UNKNOWN, np.where(found.noisy == 0, _CLEAN, noisy))


def _listed(index: PairIndex) -> dict[str, NDArray]:
    """Every pair with its noise, sorted by location and date."""
    rows = np.concatenate([index.keys(stratum, np.arange(index.count(stratum))) for stratum in STRATA])
    rows = rows[np.lexsort(rows.T[::-1])]
    found = index.look_up(rows)
    share = np.where(np.isnan(found.noise), _NO_SHARE, np.rint(np.nan_to_num(found.noise) * _PER_UNIT))
    return {
        'pair_location': rows[:, 0].astype('<i4'),
        'pair_dates': rows[:, 1:].astype('<u2'),
        'pair_flag': found.noisy.astype('i1'),
        'pair_share': share.astype('<u2'),
    }


_KINDS = {'<i4': 'Int32Array', '<u2': 'Uint16Array', '|i1': 'Int8Array'}


def _pack(values: NDArray) -> str:
    return base64.b64encode(gzip.compress(np.ascontiguousarray(values).tobytes(), compresslevel=6, mtime=0)).decode()
