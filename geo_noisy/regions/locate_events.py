"""Which polygons of change meet which windows: the events of each location."""

from dataclasses import replace
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.engines import each
from geo_noisy.errors import InputError
from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.dates.spans import EVER, NEVER
from geo_noisy.regions.files.exclusions import Exclusion
from geo_noisy.regions.noise.events import Events, Method, find_events
from geo_noisy.regions.noise.polygons import ChangePolygons
from geo_noisy.regions.noise.reproject import reproject, union_in
from geo_noisy.regions.ragged import offsets_of, row_of_flat
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows.grid import WGS84

WINDOWS_AT_ONCE = 65_536
_ROUNDING = 1e-3  # of a window's side


def locate_events(index: RegionTables, polygons: ChangePolygons, *, method: Method) -> tuple[Events, list[Exclusion]]:
    """Find the events of each location, and count the polygons that meet none.

    Raises:
        InputError: If the polygons lie on other ground, or happened at other times.
        ValueError: If they have no dates and a location has more than two.
    """
    count = len(polygons.geometry)
    if polygons.start is None and np.diff(index.offsets).max() > 2:
        raise ValueError(
            'The polygons have no event dates, and some locations have more than two dates: between which of them it '
            'happened is unknown. Give --event-date or --event-column.'
        )
    start, stop = (
        np.zeros(count, dtype=np.int64) if time is None else time for time in (polygons.start, polygons.stop)
    )
    parts, rows, met = [], [], np.zeros(count, dtype=bool)
    boxes = index.windows()
    for chosen, crs in index.by_crs():
        outlines = reproject(polygons.geometry, crs, near=boxes[chosen])
        near = np.flatnonzero(_near(outlines, boxes[chosen]))
        blocks = np.array_split(chosen, -(-len(chosen) // WINDOWS_AT_ONCE))
        where = [(boxes[block], near[_near(outlines[near], boxes[block])]) for block in blocks]
        asked = [
            (windows, outlines[part], start[part], stop[part], polygons.recovered[part]) for windows, part in where
        ]
        parts += each(partial(_found, method=method, size_px=index.size_px), asked, what='polygons')
        rows += blocks
        met[near] |= _meets(outlines[near], boxes[chosen])
    events = _join(parts, rows)
    if len(events.share) == 0:
        raise InputError(
            f'None of {count} polygons meets any of {len(index)} windows. Do they lie on the same ground? '
            f'Polygons: {_extent(polygons.geometry.to_crs(WGS84).to_numpy())}; '
            f'windows: {_extent(index.windows_in(WGS84))}. If their coordinates are of another CRS, state it '
            '(--polygons-crs).'
        )
    _check_dates(index, polygons)
    if polygons.start is None:
        later = index.times[index.offsets[1:] - 1][row_of_flat(events.offsets)]
        events = replace(events, start=later, stop=later)
    if polygons.ground is not None:
        events = replace(events, known=_on_ground(index, polygons.ground))
    far = [Exclusion('polygon', 'meets no window', int((~met).sum()))] if not met.all() else []
    return events, [*far, *_outside(index, events)]


def _found(part: tuple[NDArray[Any], ...], *, method: Method, size_px: int) -> Events:
    """Events of some windows."""
    windows, outlines, start, stop, recovered = part
    return find_events(windows, outlines, start=start, stop=stop, recovered=recovered, method=method, size_px=size_px)


def _check_dates(index: RegionTables, polygons: ChangePolygons) -> None:
    """Events that all happened before or after the images are dates that were misread, or of other images."""
    if polygons.start is None or polygons.stop is None:
        return
    dated = (polygons.start != EVER) | (polygons.stop != NEVER)
    start, stop = polygons.start[dated], polygons.stop[dated]
    first, last = int(index.times.min()), int(index.times.max())
    if dated.any() and ((stop < first) | (start > last)).all():
        raise InputError(
            f'All {int(dated.sum())} dated events lie outside the dates of the images: events {_dates(start, stop)}; '
            f'images {_dates(np.array([first]), np.array([last]))}. Check --event-column, --event-date and '
            '--date-format; leave the polygons away where nothing changed between the images.'
        )


def _dates(start: NDArray[np.int64], stop: NDArray[np.int64]) -> str:
    ends = np.concatenate([start, stop])
    known = from_seconds(ends[(ends != EVER) & (ends != NEVER)])
    return f'{known.min()} to {known.max()}'


def _outside(index: RegionTables, events: Events) -> list[Exclusion]:
    """Counts events that no two dates of their location lie around."""
    location = row_of_flat(events.offsets)
    first, last = index.times[index.offsets[:-1]][location], index.times[index.offsets[1:] - 1][location]
    early, late = int((events.stop <= first).sum()), int((events.start > last).sum())
    reasons = (
        ('at or before the first date of their location', early),
        ('after the last date of their location', late),
    )
    return [Exclusion('event', reason, number) for reason, number in reasons if number]


def _near(outlines: NDArray[np.object_], boxes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Outlines whose bounds meet those of all boxes together; what does not reach this CRS has infinite bounds."""
    left, bottom, right, top = shapely.total_bounds(boxes)
    bounds = shapely.bounds(outlines)
    meets = (bounds[:, 0] <= right) & (bounds[:, 2] >= left) & (bounds[:, 1] <= top) & (bounds[:, 3] >= bottom)
    return np.asarray(meets & np.isfinite(bounds).all(axis=1))


def _meets(outlines: NDArray[np.object_], boxes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Outlines that meet any of the boxes."""
    found = shapely.STRtree(boxes).query(outlines, predicate='intersects')[0]
    return np.isin(np.arange(len(outlines)), found)


def _on_ground(index: RegionTables, ground: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Windows that lie whole in some ground, but for what rounding takes; [n]."""
    boxes, inside = index.windows(), np.zeros(len(index), dtype=bool)
    for chosen, crs in index.by_crs():
        left, bottom, right, top = shapely.bounds(boxes[chosen]).T
        whole = union_in(ground, crs, near=boxes[chosen]).buffer(
            _ROUNDING * float(np.minimum(right - left, top - bottom).min())
        )
        shapely.prepare(whole)
        inside[chosen] = shapely.contains(whole, boxes[chosen])
    return inside


def _join(parts: list[Events], rows: list[NDArray[np.int64]]) -> Events:
    """Events of groups of locations, back in the order of the locations."""
    if len(parts) == 1:
        return parts[0]
    location = np.concatenate(rows)
    lengths = np.concatenate([np.diff(part.offsets) for part in parts])
    flat = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ('start', 'stop', 'recovered', 'share', 'geometry')
    }
    known = np.concatenate([part.known for part in parts])
    joined = Events(offsets_of(lengths), **flat, known=known)
    return joined.take(np.argsort(location, kind='stable'))


def _extent(shapes: NDArray[np.object_]) -> str:
    left, bottom, right, top = shapely.total_bounds(shapes).tolist()
    return f'longitude {left:.4f} to {right:.4f}, latitude {bottom:.4f} to {top:.4f}'
