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

from geo_noisy.regions.files.date_columns import Dates, read_dates
from geo_noisy.regions.files.date_formats import Formats, as_formats
from geo_noisy.regions.files.dates import NEVER
from geo_noisy.regions.files.exclusions import Exclusion, tally


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
        date_formats: Which of the stated formats the dates are written in.
    """

    geometry: gpd.GeoSeries
    start: NDArray[np.int64] | None
    stop: NDArray[np.int64] | None
    recovered: NDArray[np.int64]
    excluded: tuple[Exclusion, ...] = ()
    ground: gpd.GeoSeries | None = None
    date_formats: frozenset[str] = frozenset()


def change_polygons(
    polygons: str | os.PathLike[str] | gpd.GeoDataFrame,
    *,
    class_column: str | None = None,
    noisy_classes: Sequence[str] | None = None,
    event_date: str | None = None,
    event_column: str | None = None,
    recovered_column: str | None = None,
    date_format: Formats = None,
    crs: str | None = None,
    ground: str | os.PathLike[str] | gpd.GeoDataFrame | None = None,
) -> ChangePolygons:
    """Read polygons of change.

    Args:
        polygons: A file that geopandas reads, or a frame.
        class_column: Column with the class of a polygon.
        noisy_classes: Classes that count; all by default.
        event_date: When it happened, for all polygons: a date, a month or a year, or two dates as
            ``2020-08-01/2020-08-15`` for some time between them; ``..`` is an open end.
        event_column: Column with that for each polygon, read as a whole, see
            :func:`~geo_noisy.regions.files.date_columns.read_dates`. An empty one makes pairs over this polygon
            unknown.
        recovered_column: Column with the date from which a place looks as before again; may be empty.
        date_format: Format of these dates, or several, as in ``datetime.strptime``; a column takes the first that
            fits all its values.
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
    name = 'the polygons' if isinstance(polygons, gpd.GeoDataFrame) else str(polygons)
    events = _events(frame, event_date, event_column, name=name, date_format=date_format)
    back = None
    if recovered_column is not None:
        back = _dates(frame, recovered_column, name=name, date_format=date_format, instants=True)
    recovered = np.full(len(frame), NEVER) if back is None else np.where(back.known, back.start, NEVER)
    start, stop = (None, None) if events is None else (events.start, events.stop)
    if start is not None and (recovered < start).any():
        raise ValueError(f'{int((recovered < start).sum())} polygons recovered before their event; check the columns.')
    written = {dates.spelling for dates in (events, back) if dates is not None}
    return ChangePolygons(
        frame.geometry.reset_index(drop=True),
        start,
        stop,
        recovered,
        tuple(excluded),
        None if ground is None else _with_crs(ground, crs).geometry,
        frozenset(written & set(as_formats(date_format))),
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
    frame: gpd.GeoDataFrame, date: str | None, column: str | None, *, name: str, date_format: Formats
) -> Dates | None:
    """When it happened, for each polygon; None where no date is known at all."""
    if column is not None:
        return _dates(frame, column, name=name, date_format=date_format)
    if date is None:
        return None
    one = read_dates(pd.Series([date], dtype=object), where='event_date (--event-date)', date_format=date_format)
    every = len(frame)
    return Dates(one.start.repeat(every), one.stop.repeat(every), one.known.repeat(every), one.spelling)


def _dates(frame: gpd.GeoDataFrame, column: str, *, name: str, date_format: Formats, instants: bool = False) -> Dates:
    where = f'{name}, column {column!r}'
    return read_dates(_column(frame, column), where=where, date_format=date_format, instants=instants)
