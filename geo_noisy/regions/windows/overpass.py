"""Which files were taken in one overpass: rows of a path, strips, tiles, two looks a few seconds apart are one date."""

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_noisy.regions.files.doubts import Doubt

DAY_S = 86_400
_MUCH = 0.2  # of the smaller file's ground
_MOST = 0.9  # of it, where one sensor took both: rows and strips overlap by a tenth, copies and other bands by all


def overpasses(files: pd.DataFrame, *, overpass_minutes: float) -> NDArray[np.int64]:
    """Number the captures that files make together; shape [n].

    Files of one site and sensor belong to one overpass when each follows another by at most ``overpass_minutes``. A
    file whose time is midnight sharp tells a day alone: it belongs to what was taken on that day.

    Args:
        files: The placed files, with ``site``, ``sensor`` and ``time``.
        overpass_minutes: Longest time between two files of one overpass; 0 keeps apart what differs by a second.
    """
    time = files['time'].to_numpy(dtype=np.int64)
    site = files['site'].to_numpy(dtype=np.int64)
    sensor = pd.factorize(files['sensor'])[0]
    order = np.lexsort((time, sensor, site))
    time, site, sensor = time[order], site[order], sensor[order]
    near = np.diff(time) <= round(overpass_minutes * 60)
    if overpass_minutes:
        near |= _of_a_day_alone(time, site, sensor)
    same = (np.diff(site) == 0) & (np.diff(sensor) == 0) & near
    number = np.empty(len(time), dtype=np.int64)
    number[order] = np.cumsum(np.r_[0, ~same][: len(time)])
    return number


def _of_a_day_alone(time: NDArray[np.int64], site: NDArray[np.int64], sensor: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sorted times share their day, site and sensor with one that tells a day alone; shape [n - 1]."""
    day = time // DAY_S
    group = np.cumsum(np.r_[0, (np.diff(day) != 0) | (np.diff(site) != 0) | (np.diff(sensor) != 0)][: len(time)])
    vague = np.bincount(group[time % DAY_S == 0], minlength=int(group.max(initial=0)) + 1) > 0
    return np.asarray((np.diff(group) == 0) & vague[group[1:]])


def doubtful_overpasses(files: pd.DataFrame) -> list[Doubt]:
    """Dates put together from files that show the same ground: they may be looks of two sensors, or other bands.

    Args:
        files: The placed files, with ``capture``, the overpass that each belongs to.
    """
    several = files[files['capture'].duplicated(keep=False)]
    odd = [group for _, group in several.groupby('capture') if _overlap(group, much=_much(group['sensor'].iloc[0]))]
    if not odd:
        return []
    first, second = (paths[0] for paths in odd[0]['paths'].iloc[:2])
    sensor = odd[0]['sensor'].iloc[0]
    of = f'of {sensor}' if sensor else 'of unknown sensor'
    text = f'{len(odd)} dates are put together from files {of} that show the same ground, as one overpass'
    remedy = '--sensor-regex tells two sensors apart, --overpass-minutes 0 what differs by a second.'
    return [Doubt('dates', text, remedy, len(odd), f'{first} and {second}')]


def _much(sensor: str) -> float:
    return _MOST if sensor else _MUCH


def _overlap(files: pd.DataFrame, *, much: float) -> bool:
    """Whether two of some files share more ground than neighbouring tiles do."""
    left, top, width, height = files[['col0', 'row0', 'cols', 'rows']].to_numpy(dtype=np.float64).T
    boxes = shapely.box(left, top, left + width, top + height)
    one, other = shapely.STRtree(boxes).query(boxes, predicate='intersects')
    one, other = one[one < other], other[one < other]
    area, shared = shapely.area(boxes), shapely.area(shapely.intersection(boxes[one], boxes[other]))
    return bool((shared > much * np.minimum(area[one], area[other])).any())
