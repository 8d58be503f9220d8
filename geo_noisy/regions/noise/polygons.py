"""Polygons of change: which count, and when it happened."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError
from pyproj.exceptions import CRSError

from geo_noisy.regions.files.dates import NEVER, seconds
from geo_noisy.regions.files.exclusions import Exclusion, tally

_UNDATED = (int(np.iinfo(np.int64).min), NEVER)


@dataclass(frozen=True)
class ChangePolygons:
    """Polygons whose content changed, with the times at which it did.

    Attributes:
        geometry: The outlines, with a CRS; length n.
        start: Earliest time of each event in seconds since 1970, [n]; None where no event date is known at all.
        stop: Latest time of each event, [n]; equal to ``start`` for an instant.
        recovered: When the content was back as before, [n]; ``NEVER`` where it was not.
        excluded: What was left out or mended.
        ground: Ground that was looked at for change, with a CRS; noise elsewhere stays unknown. None for all.
    """

    geometry: gpd.GeoSeries
    start: NDArray[np.int64] | None
    stop: NDArray[np.int64] | None
    recovered: NDArray[np.int64]
    excluded: tuple[Exclusion, ...] = ()
    ground: gpd.GeoSeries | None = None


def change_polygons(
    polygons: str | os.PathLike[str] | gpd.GeoDataFrame,
    *,
    class_column: str | None = None,
    noisy_classes: Sequence[str] | None = None,
    event_date: str | None = None,
    event_column: str | None = None,
    recovered_column: str | None = None,
    crs: str | None = None,
    ground: str | os.PathLike[str] | gpd.GeoDataFrame | None = None,
) -> ChangePolygons:
    """Read polygons of change.

    Args:
        polygons: A file that geopandas reads, or a frame.
        class_column: Column with the class of a polygon.
        noisy_classes: Classes that count; all by default.
        event_date: When it happened, for all polygons: a date, or two as ``2020-08-01/2020-08-15`` for some time
            between them.
        event_column: Column with that for each polygon. An empty one makes pairs over this polygon unknown.
        recovered_column: Column with the date from which a place looks as before again; may be empty.
        crs: CRS of files that state none.
        ground: Polygons of the ground that was looked at for change; noise elsewhere stays unknown. All by default.

    Raises:
        ValueError: If a file cannot be read or has no CRS, a column or a class is missing, a date cannot be read, or
            nothing counts.
    """
    frame = _with_crs(polygons, crs)
    if event_date is not None and event_column is not None:
        raise ValueError('Give event_date (one for all) or event_column (one for each polygon), not both.')
    frame = _of_classes(frame, class_column, noisy_classes)
    frame, excluded = _sound(frame)
    recovered = np.full(len(frame), NEVER)
    if recovered_column is not None:
        dates = _column(frame, recovered_column)
        recovered = np.array([NEVER if _is_empty(date) else seconds(date) for date in dates], dtype=np.int64)
    start, stop = _events(frame, event_date, event_column)
    if start is not None and (recovered < start).any():
        raise ValueError(f'{int((recovered < start).sum())} polygons recovered before their event; check the columns.')
    return ChangePolygons(
        frame.geometry.reset_index(drop=True),
        start,
        stop,
        recovered,
        tuple(excluded),
        None if ground is None else _with_crs(ground, crs).geometry,
    )


def _with_crs(polygons: str | os.PathLike[str] | gpd.GeoDataFrame, crs: str | None) -> gpd.GeoDataFrame:
    frame = polygons if isinstance(polygons, gpd.GeoDataFrame) else _read(polygons)
    if frame.crs is not None:
        return frame
    if crs is None:
        raise ValueError('The polygons have no CRS, so where they lie is unknown; state it (--polygons-crs).')
    try:
        return frame.set_crs(crs)
    except CRSError as error:
        raise ValueError(f'The CRS {crs!r} of the polygons is unknown: {error}') from error


def _read(path: str | os.PathLike[str]) -> gpd.GeoDataFrame:
    try:
        if str(path).endswith(('.parquet', '.geoparquet')):
            return gpd.read_parquet(path)
        return gpd.read_file(path)
    except (DataSourceError, ValueError) as error:
        raise ValueError(f'{path} holds no polygons that can be read: {error}') from error


def _column(frame: gpd.GeoDataFrame, name: str) -> pd.Series:
    if name not in frame.columns:
        raise ValueError(f'The polygons have no column {name!r}; they have {", ".join(map(str, frame.columns))}.')
    return pd.Series(frame[name])


def _of_classes(frame: gpd.GeoDataFrame, column: str | None, classes: Sequence[str] | None) -> gpd.GeoDataFrame:
    if column is None:
        if classes is None:
            return frame
        raise ValueError('noisy_classes needs class_column, the column that holds the classes.')
    values = _column(frame, column).astype(str)
    if classes is None:
        return frame
    missing = sorted(set(map(str, classes)) - set(values))
    if missing:
        raise ValueError(
            f'No polygon has class {", ".join(missing)}; {column!r} holds {", ".join(sorted(set(values)))}.'
        )
    return frame[values.isin([str(name) for name in classes])]


def _sound(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[Exclusion]]:
    """Mend invalid outlines, leave out what has no area; both counted."""
    outlines = frame.geometry.to_numpy()
    broken = ~shapely.is_valid(outlines) & ~shapely.is_missing(outlines)
    outlines[broken] = shapely.make_valid(outlines[broken])
    flat = ~(shapely.area(outlines) > 0)
    problems = [('invalid outline, mended and kept', str(label)) for label in frame.index[broken & ~flat]]
    problems += [('no area', str(label)) for label in frame.index[flat]]
    mended = frame.set_geometry(gpd.GeoSeries(outlines, index=frame.index, crs=frame.crs))
    if flat.all():
        raise ValueError(f'None of {len(frame)} polygons has an area; points and lines have no share of a window.')
    return mended[~flat], tally('polygon', problems)


def _events(
    frame: gpd.GeoDataFrame, date: str | None, column: str | None
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    if date is None and column is None:
        return None, None
    values = [date] * len(frame) if date is not None else list(_column(frame, str(column)))
    spans = [_span(value) for value in values]
    start, stop = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return start, stop


def _span(value: object) -> tuple[int, int]:
    """Earliest and latest time of an event; an empty value leaves it open when it was."""
    if isinstance(value, str) and '/' in value:
        start, stop = (seconds(part) for part in value.split('/', 1))
        if stop < start:
            raise ValueError(f'The event {value!r} ends before it starts.')
        return start, stop
    if _is_empty(value):
        return _UNDATED
    time = seconds(value)
    return time, time


def _is_empty(value: object) -> bool:
    return value == '' if isinstance(value, str) else bool(pd.isna(value))  # type: ignore[call-overload]
