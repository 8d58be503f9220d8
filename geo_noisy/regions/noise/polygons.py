"""Polygons of change: which count, and when it happened."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.regions.dates.columns import Dates, read_dates
from geo_noisy.regions.dates.formats import Formats, as_formats
from geo_noisy.regions.dates.read import NEVER
from geo_noisy.regions.files.exclusions import Exclusion, tally
from geo_noisy.regions.noise.polygon_files import read_polygons

_SHOWN = 10  # classes in a message


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
    layer: str | None = None,
    class_column: str | None = None,
    noisy_classes: Sequence[str] | None = None,
    event_date: str | None = None,
    event_column: str | None = None,
    recovered_column: str | None = None,
    date_format: Formats = None,
    crs: str | None = None,
    ground: str | os.PathLike[str] | gpd.GeoDataFrame | None = None,
    ground_layer: str | None = None,
) -> ChangePolygons:
    """Read polygons of change.

    Args:
        polygons: A file that geopandas reads, a table with a column of WKT or WKB, or a frame.
        layer: Name of its layer; needed where several may hold polygons.
        class_column: Column with the class of a polygon.
        noisy_classes: Classes that count; all by default.
        event_date: When it happened, for all polygons: a date, a month or a year, or two dates as
            ``2020-08-01/2020-08-15`` for some time between them; ``..`` is an open end.
        event_column: Column with that for each polygon, read as a whole, see
            :func:`~geo_noisy.regions.dates.columns.read_dates`. An empty one makes pairs over this polygon
            unknown.
        recovered_column: Column with the date from which a place looks as before again; may be empty.
        date_format: Format of these dates, or several, as in ``datetime.strptime``; a column takes the first that
            fits all its values.
        crs: CRS of files that state none, as GeoJSON.
        ground: Polygons of the ground that was looked at for change; noise elsewhere stays unknown. All by default.
        ground_layer: Name of its layer.

    Raises:
        ValueError: If a file cannot be read, has several layers or no CRS, a column or a class is missing, a date
            cannot be read, or nothing counts.
    """
    if ground_layer is not None and ground is None:
        raise ValueError('ground_layer (--ground-layer) needs ground, the file that it is a layer of.')
    frame = read_polygons(polygons, layer=layer, crs=crs)
    if frame.empty:
        raise InputError(f'{polygons if isinstance(polygons, str | os.PathLike) else "The frame"} holds no polygon.')
    if crs is not None and frame.crs != crs:
        raise ValueError(
            f'The CRS of the polygons is stated to be {crs} (--polygons-crs), but they state {frame.crs.name}; '
            'leave it away, or correct the file.'
        )
    if event_date is not None and event_column is not None:
        raise ValueError('Give event_date (one for all) or event_column (one for each polygon), not both.')
    frame, other = _of_classes(frame, class_column, noisy_classes)
    frame, unsound = mended(frame)
    name = 'the polygons' if isinstance(polygons, gpd.GeoDataFrame) else str(polygons)
    events = _events(frame, event_date, event_column, name=name, date_format=date_format)
    back = None
    if recovered_column is not None and events is None:
        raise ValueError('recovered_column needs the date of the event, too: give event_date or event_column.')
    if recovered_column is not None:
        back = _dates(frame, recovered_column, name=name, date_format=date_format, instants=True)
    recovered = np.full(len(frame), NEVER) if back is None else np.where(back.known, back.start, NEVER)
    start, stop = (None, None) if events is None else (events.start, events.stop)
    if start is not None and (recovered < start).any():
        raise InputError(
            f'{int((recovered < start).sum())} polygons of {name} recovered before their event; check '
            f'{recovered_column!r} (--recovered-column).'
        )
    written = {dates.spelling for dates in (events, back) if dates is not None}
    return ChangePolygons(
        frame.geometry.reset_index(drop=True),
        start,
        stop,
        recovered,
        (*other, *unsound, *_undated(events)),
        None if ground is None else _ground(ground, layer=ground_layer, crs=crs),
        frozenset(written & set(as_formats(date_format))),
    )


def _ground(ground: str | os.PathLike[str] | gpd.GeoDataFrame, *, layer: str | None, crs: str | None) -> gpd.GeoSeries:
    return read_polygons(ground, layer=layer, crs=crs, layer_option='--ground-layer').geometry


def column_of(frame: gpd.GeoDataFrame, name: str) -> pd.Series:
    """A column of polygons.

    Raises:
        ValueError: If there is none of this name.
    """
    if name not in frame.columns:
        raise ValueError(f'The polygons have no column {name!r}; they have {", ".join(map(str, frame.columns))}.')
    return pd.Series(frame[name])


def _of_classes(
    frame: gpd.GeoDataFrame, column: str | None, classes: Sequence[str] | None
) -> tuple[gpd.GeoDataFrame, list[Exclusion]]:
    """The polygons of some classes, and how many have another or none."""
    if column is None:
        if classes is None:
            return frame, []
        raise ValueError('noisy_classes needs class_column, the column that holds the classes.')
    values = column_of(frame, column)
    if classes is None:
        shown = ', '.join(sorted(values.map(class_name, na_action='ignore').dropna().unique())[:_SHOWN])
        raise ValueError(
            f'class_column is {column!r}, but no class is chosen: say which count (--noisy-classes; the column holds '
            f'{shown}), or leave --class-column away to count all polygons.'
        )
    names = values.map(class_name, na_action='ignore')
    wanted = {class_name(name) for name in classes}
    there = set(names.dropna())
    missing = sorted(wanted - there)
    if missing:
        raise ValueError(f'No polygon has class {", ".join(missing)}; {column!r} holds {", ".join(sorted(there))}.')
    problems = [(f'no class in column {column!r}', str(label)) for label in frame.index[names.isna()]]
    other = names.notna() & ~names.isin(wanted)
    problems += [('of a class that does not count', str(label)) for label in frame.index[other]]
    return frame[names.isin(wanted)], tally('polygon', problems)


def class_name(value: object) -> str:
    """A class as a person writes it: 3, also where gaps in its column have made it 3.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def mended(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[Exclusion]]:
    """Mend invalid outlines, leave out what has no area or no place; all counted.

    Raises:
        InputError: If no outline has an area.
    """
    outlines = frame.geometry.to_numpy().copy()
    lost = _not_finite(outlines)
    broken = ~lost & ~shapely.is_valid(outlines) & ~shapely.is_missing(outlines)
    outlines[broken] = shapely.make_valid(outlines[broken])
    flat = ~lost & ~(shapely.area(outlines) > 0)
    reasons = (
        ('invalid outline, mended and kept', broken & ~flat),
        ('coordinates that are NaN or infinite', lost),
        ('no area', flat),
    )
    problems = [(reason, str(label)) for reason, chosen in reasons for label in frame.index[chosen]]
    if (flat | lost).all():
        raise InputError(f'None of {len(frame)} polygons has an area; points and lines have no share of a window.')
    kept = frame.set_geometry(gpd.GeoSeries(outlines, index=frame.index, crs=frame.crs))[~(flat | lost)]
    return kept, tally('polygon', problems)


def _not_finite(outlines: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Outlines with a coordinate that is no number, [n]."""
    points, owner = shapely.get_coordinates(outlines, return_index=True)
    return np.isin(np.arange(len(outlines)), owner[~np.isfinite(points).all(axis=1)])


def _events(
    frame: gpd.GeoDataFrame, date: str | None, column: str | None, *, name: str, date_format: Formats
) -> Dates | None:
    """When it happened, for each polygon; None where no date is known at all."""
    if column is not None:
        return _dates(frame, column, name=name, date_format=date_format)
    if date is None:
        return None
    try:
        one = read_dates(pd.Series([date], dtype=object), where='event_date (--event-date)', date_format=date_format)
    except InputError as error:  # an option, no column of a file
        raise ValueError(str(error)) from error
    every = len(frame)
    return Dates(one.start.repeat(every), one.stop.repeat(every), one.known.repeat(every), one.spelling)


def _undated(events: Dates | None) -> list[Exclusion]:
    """How many polygons of some have no date; where none has one, or none was asked for, noise is unknown anyway."""
    lacking = 0 if events is None else int((~events.known).sum())
    reason = 'no date of the event: pairs over it are unknown'
    return [Exclusion('polygon', reason, lacking)] if lacking else []


def _dates(frame: gpd.GeoDataFrame, column: str, *, name: str, date_format: Formats, instants: bool = False) -> Dates:
    where = f'{name}, column {column!r}'
    return read_dates(column_of(frame, column), where=where, date_format=date_format, instants=instants)
