"""From polygons, windows and dates to noise: pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_bounds

from geo_noisy.regions.dates.read import NEVER
from geo_noisy.regions.ragged import offsets_of, row_of_flat, take_rows

Method = Literal['area', 'raster']
Geometries = NDArray[np.object_]
_COLLECTION = int(shapely.GeometryType.GEOMETRYCOLLECTION)
_WINDOWS_AT_ONCE = 200_000  # bounds the memory of the spatial join
_LEAST_PX = 0.01  # of a pixel: less is what rounding leaves of an outline that ends at the window


def noise_fraction(
    polygons: Geometries | Sequence[shapely.Geometry],
    windows: Geometries | Sequence[shapely.Geometry],
    *,
    method: Method = 'area',
    size_px: int | None = None,
) -> NDArray[np.float64]:
    """Share of each window that the union of some polygons covers.

    Args:
        polygons: Outlines of what changed, in the windows' CRS.
        windows: Boxes with sides along the axes, shape [n].
        method: ``area`` measures the outlines; ``raster`` counts the pixels whose middle they hold.
        size_px: Pixels along a side of a window, for ``raster``; less than a hundredth of a pixel counts as nothing.

    Returns:
        Shares in [0, 1], shape [n].
    """
    outlines, boxes = np.asarray(polygons, dtype=object), np.asarray(windows, dtype=object)
    always = np.zeros(len(outlines), dtype=np.int64)
    events = find_events(boxes, outlines, start=always, stop=always, recovered=always, method=method, size_px=size_px)
    shares = np.zeros(len(boxes))
    shares[row_of_flat(events.offsets)] = events.share
    return shares


@dataclass(frozen=True)
class Events:
    """What changed in each location, and when: one flat item for each location and event.

    Attributes:
        offsets: Where the events of each location start, shape [locations + 1].
        start: Earliest time in seconds since 1970, [m].
        stop: Latest time, [m].
        recovered: When the place looked as before again, [m]; ``NEVER`` where it did not.
        share: Share of the window that the event covers, [m].
        geometry: What it covers, in the CRS of the site, [m].
        known: Locations whose noise the polygons tell, [locations].
    """

    offsets: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    recovered: NDArray[np.int64]
    share: NDArray[np.float64]
    geometry: Geometries
    known: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> 'Events':
        """The events of some locations."""
        offsets, flat = take_rows(self.offsets, rows)
        return Events(
            offsets, self.start[flat], self.stop[flat], self.recovered[flat], self.share[flat], self.geometry[flat],
            self.known[rows],
        )  # fmt: skip

    @classmethod
    def none(cls, locations: int, *, known: bool) -> 'Events':
        """No events in any location."""
        empty = np.empty(0, dtype=np.int64)
        flags = np.full(locations, known)
        return cls(np.zeros(locations + 1, np.int64), empty, empty, empty, np.empty(0), np.empty(0, object), flags)


def find_events(
    windows: Geometries,
    polygons: Geometries,
    *,
    start: NDArray[np.int64],
    stop: NDArray[np.int64],
    recovered: NDArray[np.int64],
    method: Method = 'area',
    size_px: int | None = None,
) -> Events:
    """Find the events of each window: polygons of the same dates make one event, by their union.

    Args:
        windows: Boxes, shape [n].
        polygons: Outlines in the same CRS, shape [m].
        start: Earliest time of each polygon's event, [m].
        stop: Latest time, [m].
        recovered: When the place looked as before again, [m].
        method: How shares are measured, see :func:`noise_fraction`.
        size_px: Pixels along a side of a window; what covers less than a hundredth of a pixel is no event.
    """
    dates, event_of = np.unique(np.column_stack([start, stop, recovered]), axis=0, return_inverse=True)
    window, polygon, piece = _pieces(windows, polygons, least=0.0 if size_px is None else _LEAST_PX / size_px**2)
    event = event_of.reshape(-1)[polygon]
    order = np.lexsort((event, window))
    window, event, piece = window[order], event[order], piece[order]
    first = np.flatnonzero(np.r_[True, (np.diff(window) != 0) | (np.diff(event) != 0)]) if len(window) else window
    merged = _unions(piece, first)
    window, event = window[first], event[first]
    starts, stops, recoveries = dates[event].T.copy()
    return Events(
        offsets_of(np.bincount(window, minlength=len(windows))),
        starts,
        stops,
        recoveries,
        _shares(merged, windows[window], method, size_px),
        merged,
        np.ones(len(windows), dtype=bool),
    )


def change_states(times: NDArray[np.int64], events: Events, flat: NDArray[np.int64]) -> NDArray[np.int8]:
    """Whether an image shows an event: 1 yes, 0 no, -1 unknown.

    An image shows what happened at or before its time, until it recovered; while an event that is known only as
    an interval may be going on, nobody knows.

    Args:
        times: Times of the images, shape [n].
        events: The events.
        flat: Which event, shape [n].
    """
    state = np.where(times < events.start[flat], 0, np.where(times >= events.stop[flat], 1, -1))
    over = (events.recovered[flat] != NEVER) & (times >= events.recovered[flat])
    return np.where(over, 0, state).astype(np.int8)


def union_share(
    events: Events, flat: NDArray[np.int64], *, window: shapely.Geometry, method: Method, size_px: int
) -> float:
    """Share of a window that the union of some of its events covers."""
    if len(flat) == 0:
        return 0.0
    if len(flat) == 1:
        return float(events.share[flat[0]])
    union = np.array([shapely.union_all(events.geometry[flat])], dtype=object)
    return float(_shares(union, np.array([window], dtype=object), method, size_px)[0])


def _pieces(
    windows: Geometries, polygons: Geometries, *, least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Geometries]:
    """(window, polygon, their intersection) wherever it is more than the least share of the window."""
    tree = shapely.STRtree(polygons)
    found = [
        tree.query(windows[at : at + _WINDOWS_AT_ONCE], predicate='intersects') + np.array([[at], [0]])
        for at in range(0, len(windows), _WINDOWS_AT_ONCE)
    ]
    window, polygon = np.concatenate([np.empty((2, 0), dtype=np.int64), *found], axis=1)
    pieces = polygons[polygon]
    cut = ~_inside(shapely.bounds(pieces), shapely.bounds(windows[window]))
    pieces[cut] = shapely.intersection(pieces[cut], windows[window[cut]])
    for mixed in np.flatnonzero(shapely.get_type_id(pieces) == _COLLECTION):
        parts = shapely.get_parts(pieces[mixed])
        pieces[mixed] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])  # borders have no area
    kept = shapely.area(pieces) > least * shapely.area(windows[window])
    return window[kept], polygon[kept], pieces[kept]


def _inside(inner: NDArray[np.float64], outer: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((inner[:, :2] >= outer[:, :2]).all(axis=1) & (inner[:, 2:] <= outer[:, 2:]).all(axis=1))


def _unions(pieces: Geometries, first: NDArray[np.int64]) -> Geometries:
    """Union of the pieces of each group; groups stand together and start at ``first``."""
    stop = np.append(first[1:], len(pieces))
    merged = pieces[first]
    for group in np.flatnonzero(stop - first > 1):
        merged[group] = shapely.union_all(pieces[first[group] : stop[group]])
    return merged


def _shares(geometry: Geometries, windows: Geometries, method: Method, size_px: int | None) -> NDArray[np.float64]:
    if method == 'area':
        return np.asarray(np.minimum(shapely.area(geometry) / shapely.area(windows), 1.0))
    if method != 'raster':
        raise ValueError(f"method is {method!r}; choose 'area' or 'raster'.")
    if size_px is None:
        raise ValueError("method='raster' needs size_px, the pixels along a side of a window.")
    shape = (size_px, size_px)
    return np.array(
        [
            rasterio.features.rasterize(
                [(outline, 1)], out_shape=shape, transform=from_bounds(*box, size_px, size_px), dtype='uint8'
            ).mean()
            for outline, box in zip(geometry, shapely.bounds(windows), strict=True)
        ],
        dtype=np.float64,
    )
