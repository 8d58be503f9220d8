"""Change per polygon: what maps of change say of buildings, fields, plots."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window

from geo_noisy.errors import InputError
from geo_noisy.inference.calibration import Method, calibrated_scores
from geo_noisy.inference.change import ChangeMap
from geo_noisy.regions.noise.polygon_files import read_polygons
from geo_noisy.regions.noise.reproject import reproject
from geo_noisy.regions.ragged import expand
from geo_noisy.whole_file import whole_file

_GROUP_CELLS = 8
"""Polygons in one square of so many cells, at all dates, are held out together when scores are calibrated."""
_CHUNK = 2000  # polygons
_ROW, _GROUP = '_row', '_group'
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Footprints:
    """Polygons whose change is asked for.

    Attributes:
        frame: The polygons.
        changed: Whether each changed, as far as labels tell: 1 yes, 0 no, NaN unknown, [n]; None without labels.
    """

    frame: gpd.GeoDataFrame
    changed: Floats | None


def read_footprints(
    footprints: str | os.PathLike[str] | gpd.GeoDataFrame,
    *,
    layer: str | None = None,
    crs: str | None = None,
    label_column: str | None = None,
    changed_values: Sequence[str] | None = None,
) -> Footprints:
    """Read polygons, and what is known of their change.

    Args:
        footprints: A file of polygons, or a frame.
        layer: Name of the layer; needed where several may hold polygons.
        crs: CRS of polygons that state none.
        label_column: Column that says of some polygons whether they changed; empty where unknown.
        changed_values: Values of it that mean changed; 1 and true by default. All other known ones mean unchanged.

    Raises:
        InputError: If the file or the labels cannot serve.
        ValueError: If an argument cannot act.
    """
    options = {'layer_option': '--footprint-layer', 'crs_option': '--footprint-crs'}
    frame = read_polygons(footprints, layer=layer, crs=crs, **options).reset_index(drop=True)
    if label_column is None and changed_values is not None:
        raise ValueError('changed_values cannot act without label_column (--label-column).')
    changed = None if label_column is None else _labels(frame, label_column, changed_values)
    return Footprints(frame, changed)


def score_footprints(
    maps: Sequence[ChangeMap], footprints: Footprints, output: Path, *, method: Method = 'logistic', seed: int = 0
) -> gpd.GeoDataFrame:
    """Write the distance of each polygon between each two dates, with a calibrated score where some are known.

    Args:
        maps: Maps of :func:`~geo_noisy.inference.change.map_change`.
        footprints: The polygons.
        output: The file: the columns of the polygons, and ``earlier``, ``later``, ``distance`` (mean over its ground),
            ``distance_max``, ``seen`` (share of its ground with data) and, with labels, ``score``.
        method: How scores are calibrated, see :func:`~geo_noisy.inference.calibration.calibrated_scores`.
        seed: Seed of its folds.

    Raises:
        InputError: If no polygon lies on a map, or labels are too few.
    """
    parts = [_on_map(footprints, found) for found in maps]
    kept = [part for part in parts if len(part)]
    if not kept:
        raise InputError(
            f'None of {len(footprints.frame)} polygons lies on a map of change; the first is {maps[0].path}.'
        )
    table = gpd.GeoDataFrame(pd.concat(kept, ignore_index=True), crs=footprints.frame.crs)
    rows, group = table.pop(_ROW).to_numpy(), table.pop(_GROUP).to_numpy()
    if footprints.changed is not None:
        distance, changed = table['distance'].to_numpy(dtype=float), footprints.changed[rows]
        table['score'] = calibrated_scores(distance, changed, groups=group, method=method, seed=seed)
    with whole_file(output) as unfinished:
        table.to_parquet(unfinished)
    return table


def _labels(frame: gpd.GeoDataFrame, column: str, changed_values: Sequence[str] | None) -> Floats:
    """1 changed, 0 not, NaN unknown, [n]."""
    if column not in frame.columns:
        raise InputError(f'The footprints have no column {column!r} (--label-column); they have {list(frame.columns)}.')
    values = frame[column]
    text = values.map(_written)
    known = values.notna() & (text != '')
    wanted = {'1', 'true'} if changed_values is None else set(changed_values)
    if changed_values is None and not set(text[known]) <= {'0', '1', 'true', 'false'}:
        raise InputError(
            f'Column {column!r} of the footprints holds {sorted(set(text[known]))[:6]}; say which of them mean changed '
            '(--changed-values).'
        )
    absent = sorted(wanted - set(text[known])) if changed_values is not None else []
    if absent:
        raise InputError(f'Column {column!r} of the footprints never holds {", ".join(absent)} (--changed-values).')
    return np.where(known, text.isin(wanted).astype(float), np.nan)


def _written(value: object) -> str:
    """A value as it would be written: whole numbers without a point, truth in small letters."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return '' if value is None else str(value)


def _on_map(footprints: Footprints, found: ChangeMap) -> gpd.GeoDataFrame:
    """Polygons that lie on one map, with their distances, their row and the square that they lie in."""
    frame = footprints.frame
    with rasterio.open(found.path) as file:
        outlines = reproject(frame.geometry, file.crs.to_wkt())
        distance, most, seen = _measured(file, outlines)
        square = _squares(outlines, side=_GROUP_CELLS * file.transform.a)
    rows = np.flatnonzero(seen > 0)
    measured = {
        'earlier': found.earlier.date,
        'later': found.later.date,
        'distance': distance[rows],
        'distance_max': most[rows],
        'seen': seen[rows],
        _ROW: rows,
        _GROUP: square[rows],
    }
    return frame.iloc[rows].assign(**measured)


def _squares(outlines: NDArray[np.object_], *, side: float) -> NDArray[np.int64]:
    """Number of the square of ground that each outline lies in, whatever the map and the date, [n]."""
    bounds = shapely.bounds(outlines)
    col, row = (np.floor(np.nan_to_num(bounds[:, axis], posinf=0, neginf=0) / side).astype(np.int64) for axis in (0, 1))
    return np.asarray(row * 2**31 + col)


def _measured(file: rasterio.DatasetReader, outlines: NDArray[np.object_]) -> tuple[Floats, Floats, Floats]:
    """Mean and largest distance of each polygon, and share of its ground with data; each [n]."""
    count = len(outlines)
    mean, most, seen = np.full(count, np.nan), np.full(count, np.nan), np.zeros(count)
    corners = _cell_bounds(file, outlines)
    for rows in _chunks(corners, (file.width, file.height)):
        left, top = corners[rows, :2].min(axis=0)
        right, bottom = corners[rows, 2:].max(axis=0)
        values = file.read(1, window=Window(left, top, right - left, bottom - top)).astype(np.float64)
        which, cell_col, cell_row = _touched(corners[rows])
        boxes = _boxes(file, cell_col, cell_row)
        shared = shapely.area(shapely.intersection(outlines[rows][which], boxes))
        found = values[cell_row - top, cell_col - left]
        there = np.isfinite(found) & (shared > 0)
        size = np.bincount(which[there], shared[there], minlength=len(rows))
        total = np.bincount(which[there], shared[there] * found[there], minlength=len(rows))
        with np.errstate(invalid='ignore'):
            mean[rows] = total / size
        highest = np.full(len(rows), -np.inf)
        np.maximum.at(highest, which[there], found[there])
        most[rows] = np.where(np.isfinite(highest), highest, np.nan)
        seen[rows] = np.minimum(size / np.maximum(shapely.area(outlines[rows]), np.finfo(float).tiny), 1)
    return mean, most, seen


def _cell_bounds(file: rasterio.DatasetReader, outlines: NDArray[np.object_]) -> NDArray[np.int64]:
    """Cells (left, top, right, bottom) that outlines may touch, within the raster; empty for none, [n, 4]."""
    bounds, place = shapely.bounds(outlines), file.transform
    edges = np.column_stack(
        [
            np.floor((bounds[:, 0] - place.c) / place.a),
            np.floor((bounds[:, 3] - place.f) / place.e),
            np.ceil((bounds[:, 2] - place.c) / place.a),
            np.ceil((bounds[:, 1] - place.f) / place.e),
        ]
    )
    edges = np.where(np.isfinite(edges).all(axis=1)[:, None], edges, 0)
    size = np.array([file.width, file.height] * 2)
    return np.asarray(np.clip(edges, 0, size).astype(np.int64))


def _chunks(corners: NDArray[np.int64], size: tuple[int, int]) -> Iterator[NDArray[np.int64]]:
    """Rows of polygons that touch the raster, from top to bottom, some at a time."""
    inside = np.flatnonzero((corners[:, 0] < corners[:, 2]) & (corners[:, 1] < corners[:, 3]))
    order = inside[np.argsort(corners[inside, 1], kind='stable')]
    for start in range(0, len(order), _CHUNK):
        yield order[start : start + _CHUNK]


def _touched(corners: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Polygon, column and row of each cell that polygons may touch; each [m]."""
    wide, high = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    which = np.repeat(np.arange(len(corners)), wide * high)
    within = expand(np.zeros(len(corners), dtype=np.int64), wide * high)
    return which, corners[which, 0] + within % wide[which], corners[which, 1] + within // wide[which]


def _boxes(file: rasterio.DatasetReader, col: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.object_]:
    place = file.transform
    left, top = place.c + col * place.a, place.f + row * place.e
    return np.asarray(shapely.box(left, top + place.e, left + place.a, top))
