"""Where the windows of an index lie: as boxes, as a GeoDataFrame, and against polygons."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_noisy.pairs import blocks
from geo_noisy.pairs.dates import from_seconds
from geo_noisy.pairs.exclusion import Exclusion
from geo_noisy.pairs.grid import WGS84
from geo_noisy.pairs.locations import SPLITS, Locations
from geo_noisy.pairs.noise import Events, Method, find_events
from geo_noisy.pairs.polygons import ChangePolygons
from geo_noisy.pairs.ragged import offsets_of, row_of_flat

if TYPE_CHECKING:
    from geo_noisy.pairs.index import PairIndex

_ROUNDING = 1e-3  # of a window's side
_SPLIT_NAMES = dict(enumerate(SPLITS)) | {-1: 'margin', -2: ''}


def corners(locations: Locations, sites: pd.DataFrame) -> NDArray[np.float64]:
    """Upper left corners (x, y) in the CRS of each site, shape [n, 2]."""
    grid = {name: sites[name].to_numpy()[locations.site] for name in ('x0', 'y0', 'res_x', 'res_y')}
    x, y = grid['x0'] + locations.col * grid['res_x'], grid['y0'] - locations.row * grid['res_y']
    return np.column_stack([x, y])


def windows(locations: Locations, sites: pd.DataFrame, *, size_px: int) -> NDArray[np.object_]:
    """Windows as boxes in the CRS of each site, shape [n]."""
    left, top = corners(locations, sites).T
    width, height = (size_px * sites[name].to_numpy()[locations.site] for name in ('res_x', 'res_y'))
    return np.asarray(shapely.box(left, top - height, left + width, top))


def shared_crs(sites: pd.DataFrame) -> str:
    """The CRS that all sites share, else longitude and latitude."""
    names = sites['crs'].unique()
    return str(names[0]) if len(names) == 1 else WGS84


def index_frame(index: 'PairIndex') -> gpd.GeoDataFrame:
    """One row a location; see :attr:`PairIndex.index`."""
    counts = {name: runs.counts(len(index)) for name, runs in index.strata.items()}
    times = np.split(from_seconds(index.times).to_numpy(), index.offsets[1:-1])
    columns = {
        'site': index.locations.site,
        'place': index.locations.place,
        'split': pd.Categorical([_SPLIT_NAMES[code] for code in index.locations.split.tolist()]),
        'dates': times,
        'misalignment_px': misalignment_px(index),
        'pairs': sum(counts.values()),
        'pairs_noisy': counts['noisy'],
        'pairs_unknown': counts['unknown'],
    }
    if np.diff(index.offsets).max() <= 2:
        number = np.arange(len(index))
        rows = np.column_stack([number, np.zeros_like(number), np.diff(index.offsets) - 1])
        columns |= {'noise': index.noises(rows), 'noisy': index.flags(rows)}
    return gpd.GeoDataFrame(columns, geometry=boxes_in(index, index.crs), crs=index.crs)


def misalignment_px(index: 'PairIndex') -> NDArray[np.float64]:
    """How far the worst date of each location is moved along x or y by snapping to the grid, in pixels; [n]."""
    return np.maximum.reduceat(index.files['shift_px'].to_numpy()[index.dates], index.offsets[:-1])


def boxes_in(index: 'PairIndex', crs: str) -> NDArray[np.object_]:
    """Windows of all locations in one CRS, shape [n]."""
    boxes = index.windows()
    for rows, name in _by_crs(index):
        if name != crs:
            boxes[rows] = gpd.GeoSeries(boxes[rows], crs=name).to_crs(crs).to_numpy()
    return boxes


def between_sites(index: 'PairIndex', split: NDArray[np.int8], *, margin_px: int) -> NDArray[np.bool_]:
    """Windows too near to another site's window of another split, [n]; sites of different CRS are not compared."""
    boxes, site = index.windows(), index.locations.site
    margin = margin_px * (1 - _ROUNDING) * index.sites[['res_x', 'res_y']].max(axis=1).to_numpy()[site]
    lost = np.zeros(len(index), dtype=bool)
    for rows, _ in _by_crs(index):
        lost[rows] = blocks.between_sites(split[rows], site[rows], boxes[rows], margin=margin[rows])
    return lost


def locate_events(index: 'PairIndex', polygons: ChangePolygons, *, method: Method) -> tuple[Events, list[Exclusion]]:
    """Find the events of each location, and count the polygons that meet none.

    Raises:
        ValueError: If the polygons lie on other ground, or have no dates and a location has more than two.
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
    parts, rows = [], []
    boxes = index.windows()
    for chosen, crs in _by_crs(index):
        outlines = polygons.geometry.to_crs(crs).to_numpy()
        near = _near(outlines, boxes[chosen])
        parts.append(
            find_events(
                boxes[chosen], outlines[near], start=start[near], stop=stop[near], recovered=polygons.recovered[near],
                method=method, size_px=index.size_px,
            )
        )  # fmt: skip
        rows.append(chosen)
    events = _join(parts, rows)
    if len(events.share) == 0:
        raise ValueError(
            f'None of {count} polygons meets any of {len(index)} windows. Do they lie on the same ground? '
            f'Polygons: {_extent(polygons.geometry.to_crs(WGS84).to_numpy())}; '
            f'windows: {_extent(boxes_in(index, WGS84))}.'
        )
    if polygons.start is None:
        later = index.times[index.offsets[1:] - 1][row_of_flat(events.offsets)]
        events = replace(events, start=later, stop=later)
    if polygons.ground is not None:
        events = replace(events, known=_inside(boxes_in(index, index.crs), polygons.ground.to_crs(index.crs)))
    return events, _outside(index, events, polygons)


def _outside(index: 'PairIndex', events: Events, polygons: ChangePolygons) -> list[Exclusion]:
    """Counts events that no two dates of their location lie around."""
    location = row_of_flat(events.offsets)
    first, last = index.times[index.offsets[:-1]][location], index.times[index.offsets[1:] - 1][location]
    early, late = int((events.stop <= first).sum()), int((events.start > last).sum())
    reasons = (
        ('at or before the first date of their location', early),
        ('after the last date of their location', late),
    )
    return [Exclusion('event', reason, number) for reason, number in reasons if number]


def _by_crs(index: 'PairIndex') -> Iterator[tuple[NDArray[np.int64], str]]:
    """Locations of each CRS."""
    names, number = np.unique(index.sites['crs'].to_numpy(dtype=str), return_inverse=True)
    for position, name in enumerate(names):
        yield np.flatnonzero(number[index.locations.site] == position), str(name)


def _near(outlines: NDArray[np.object_], boxes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Outlines whose bounds meet those of all boxes together; what does not reach this CRS has infinite bounds."""
    left, bottom, right, top = shapely.total_bounds(boxes)
    bounds = shapely.bounds(outlines)
    meets = (bounds[:, 0] <= right) & (bounds[:, 2] >= left) & (bounds[:, 1] <= top) & (bounds[:, 3] >= bottom)
    return np.asarray(meets & np.isfinite(bounds).all(axis=1))


def _inside(boxes: NDArray[np.object_], ground: gpd.GeoSeries) -> NDArray[np.bool_]:
    """Boxes that lie whole in some ground, but for what rounding takes."""
    left, bottom, right, top = shapely.bounds(boxes).T
    whole = ground.union_all().buffer(_ROUNDING * float(np.minimum(right - left, top - bottom).min()))
    shapely.prepare(whole)
    return np.asarray(shapely.contains(whole, boxes))


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
