"""Captures from a table: a STAC-GeoParquet item table, or any frame with paths and dates."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.regions.dates.columns import Dates, read_dates
from geo_noisy.regions.dates.formats import Formats, as_formats
from geo_noisy.regions.files.captures import Capture, Layer
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.exclusions import describe, tally
from geo_noisy.regions.files.file_scan import Captures, FileScan, scan_captures
from geo_noisy.regions.files.item_columns import CLOUD_COLUMN, SENSOR_COLUMN, cloud_covers, need_column, sensors
from geo_noisy.regions.files.item_radiometry import Told, radiometry_of
from geo_noisy.regions.files.item_schema import check_assets, plain_assets
from geo_noisy.regions.files.paths import is_local, located
from geo_noisy.regions.files.products import cloud_masks
from geo_noisy.regions.files.read_table import read_table
from geo_noisy.regions.files.secrets import without_signature

_STAC_DATE, _STAC_PERIOD = 'datetime', ('start_datetime', 'end_datetime')


def scan_table(
    table: str | os.PathLike[str] | pd.DataFrame,
    *,
    date_column: str = 'datetime',
    date_format: Formats = None,
    path_column: str | None = None,
    assets: Sequence[str] | None = None,
    cloud_column: str | None = CLOUD_COLUMN,
    sensor_column: str | None = SENSOR_COLUMN,
    root: str | os.PathLike[str] | None = None,
    **reading: Any,
) -> FileScan:
    """Look at the files that a table names.

    Args:
        table: A frame, or a Parquet or CSV file; STAC-GeoParquet needs no further arguments.
        date_column: Column with the capture date, read as a whole; rows without one are left out.
        date_format: Format of the dates, or several, as in ``datetime.strptime``; the first that fits all is taken.
        path_column: Column with the path; for STAC the ``assets`` column is used by default.
        assets: Names of the STAC assets to read, in band order; needed where an item has several. Masks of known
            products (SCL, Fmask, QA_PIXEL, in any case) are no bands: they tell where there is no data, and cloud.
        cloud_column: Column with the cloud cover in percent; the default may be missing.
        sensor_column: Column with the sensor; the default may be missing.
        root: Folder that relative paths start from; by default that of the table, or of a frame the working folder.
        **reading: Which bands are taken and how files are read, see
            :func:`~geo_noisy.regions.files.file_scan.scan_captures`.

    Raises:
        ValueError: If a column is missing, a date cannot be read, an item has several assets and none is chosen, or
            no file serves.
    """
    frame = table if isinstance(table, pd.DataFrame) else read_table(table)
    name = 'the table' if isinstance(table, pd.DataFrame) else str(table)
    need_column(frame, date_column, table=name, option='--date-column')
    need_column(frame, path_column or 'assets', table=name, option='--path-column')
    if path_column and assets:
        raise ValueError(
            'assets (--assets) are those of STAC items; they cannot act where path_column names the paths.'
        )
    dates = read_dates(
        frame[date_column], where=f'{name}, column {date_column!r}', date_format=date_format, instants=True
    )
    known, times, doubts = _times(frame, dates, name=name, date_column=date_column)
    beside = '' if isinstance(table, pd.DataFrame) else os.path.dirname(located(str(table)))
    folder = beside if root is None else root
    covers, names = cloud_covers(frame, cloud_column, table=name), sensors(frame, sensor_column, table=name)
    captures, problems, relative = [], [], False
    seen: set[tuple[tuple[str, str], ...]] = set()
    for number, row in enumerate(frame.to_dict('records')):
        try:
            if not known[number]:
                raise ValueError(f'no date in column {date_column!r}')
            read = {} if path_column else _chosen(row['assets'], assets)
            hrefs = {name: asset['href'] for name, asset in read.items()}
            if path_column:
                hrefs = {'': _path(row[path_column], path_column)}
            here = {name: located(without_signature(href), beside=folder) for name, href in hrefs.items()}
            told = radiometry_of([asset for name, asset in read.items() if name.lower() not in cloud_masks()])
            capture = _capture(here, int(times[number]), names[number], float(covers[number]), told)
        except ValueError as error:
            problems.append((str(error), str(row.get('id', f'row {number + 1}'))))
            continue
        if (key := tuple(sorted(here.items()))) in seen:
            problems.append(('named by an earlier row, too', next(iter(here.values()))))
            continue
        seen.add(key)
        relative |= any(is_local(href) and not os.path.isabs(located(href)) for href in hrefs.values())
        captures.append(capture)
    if not captures:
        raise InputError(f'No row of {name} can serve:\n{describe(tally("file", problems))}')
    if root is not None and not relative:
        raise ValueError(f'root (--table-root) is {root}, but {name} holds no relative path that could start there.')
    codes = {mask.name: cloud_masks()[mask.name.lower()] for capture in captures for mask in capture.masks}
    masks = tuple(replace(mask, name=name) for name, mask in codes.items())
    found = Captures(captures, masks=masks, excluded=tuple(tally('file', problems)), doubts=doubts)
    scan = scan_captures(found, **reading)
    return replace(
        scan,
        date_formats=frozenset({dates.spelling} & set(as_formats(date_format))),
        cloud_source=f'{name}, column {cloud_column!r}' if cloud_column in frame.columns else _columns(frame, name),
    )


def _times(
    frame: pd.DataFrame, dates: Dates, *, name: str, date_column: str
) -> tuple[NDArray[np.bool_], NDArray[np.int64], tuple[Doubt, ...]]:
    """Which items have a time, and which; the middle of the period where STAC gives a period in place of a time."""
    if date_column != _STAC_DATE or dates.known.all() or not set(_STAC_PERIOD) <= set(frame.columns):
        return dates.known, dates.start, ()
    start, end = (
        read_dates(frame[column], where=f'{name}, column {column!r}', instants=True) for column in _STAC_PERIOD
    )
    period = ~dates.known & start.known & end.known
    if not period.any():
        return dates.known, dates.start, ()
    middle = np.where(period, start.start // 2 + end.start // 2, dates.start)
    text = 'items without a datetime are dated to the middle of start_datetime and end_datetime'
    doubt = Doubt('dates', text, '--date-column start_datetime takes the start.', int(period.sum()))
    return dates.known | period, middle, (doubt,)


def _columns(frame: pd.DataFrame, name: str) -> str:
    return f'{name} has the columns {", ".join(map(str, frame.columns))}'


def _chosen(assets: Any, chosen: Sequence[str] | None) -> dict[str, Any]:
    """The assets of an item that are read, checked."""
    there = plain_assets(assets)
    if chosen is None and len(there) != 1:
        raise ValueError(f'several assets ({", ".join(there)}); choose some by name')
    missing = [name for name in chosen or () if name not in there]
    if missing:
        told = f'; there are {", ".join(there)}' if there else ''
        raise ValueError(f'no asset {", ".join(missing)}{told}')
    read = {name: there[name] for name in chosen or there}
    check_assets(read)
    return read


def _path(value: object, column: str) -> str:
    if not isinstance(value, str | os.PathLike) or not str(value).strip():
        raise ValueError(f'no path in column {column!r}')
    return str(value)


def _capture(assets: dict[str, str], time: int, sensor: str, cloud: float, told: Told) -> Capture:
    """A capture with a band in each asset, or with all bands of its only one; masks apart."""
    masks = tuple(
        Layer(name, path, cloud_masks()[name.lower()].band)
        for name, path in assets.items()
        if name.lower() in cloud_masks()
    )
    bands = tuple(Layer(name, path) for name, path in assets.items() if name.lower() not in cloud_masks())
    if not bands:
        raise ValueError(f'The assets {", ".join(assets)} are masks; choose some with bands, too.')
    paths = tuple(band.path for band in bands)
    several = bands if len(bands) > 1 else ()
    return Capture(
        paths, time, sensor, cloud, bands=several, masks=masks, scale=told.scale, offset=told.offset, nodata=told.nodata
    )
