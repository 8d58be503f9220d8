"""From raster files to a table: when, where, and on which grid."""

import glob
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.windows import Window

from geo_noisy.regions.files.bounds import file_bounds
from geo_noisy.regions.files.date_formats import Formats, as_formats
from geo_noisy.regions.files.date_names import date_in_name, formats_in_names
from geo_noisy.regions.files.date_spans import all_in_1970
from geo_noisy.regions.files.dates import seconds
from geo_noisy.regions.files.exclusions import Exclusion, describe, tally

SUFFIXES = ('.tif', '.tiff', '.jp2', '.vrt', '.img')
COLUMNS = (
    'paths', 'time', 'crs', 'x0', 'y0', 'res_x', 'res_y', 'width', 'height', 'bands', 'dtype', 'nodata', 'masked',
    'sensor', 'cloud',
)  # fmt: skip
_ROTATION_TOLERANCE = 1e-6  # of a pixel, over one pixel
_SLACK = 1e-6  # of a pixel, for rounding


@dataclass(frozen=True)
class FileScan:
    """What is known of some raster files.

    Attributes:
        files: One row a capture: ``paths`` (a tuple; several where bands lie in files of their own), ``time``
            (seconds since 1970, UTC), ``crs``, upper left corner ``x0``, ``y0`` and pixel size ``res_x``,
            ``res_y`` (both positive) in its units, ``width``, ``height`` in pixels, ``bands``, ``dtype``,
            ``nodata`` (NaN where none is declared), ``masked`` (whether the file says which pixels are
            valid), ``sensor`` (empty where unknown), ``cloud`` (cover in percent, NaN where unknown).
        excluded: What was left out, and why.
        date_formats: Which of the stated formats the dates are written in.
    """

    files: pd.DataFrame
    excluded: tuple[Exclusion, ...] = ()
    date_formats: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Capture:
    """One capture to look at: its files, and what is told about it beside them."""

    paths: tuple[str, ...]
    time: int | None = None
    sensor: str = ''
    cloud: float = float('nan')


Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class RasterProblemError(ValueError):
    """A file that cannot serve, with the reason as its message."""


def find_rasters(paths: Paths) -> list[str]:
    """Files among paths: each a file, a folder (searched through), a pattern with ``*``, or an address.

    Raises:
        FileNotFoundError: If a path leads nowhere.
    """
    found: dict[str, None] = {}
    for path in map(str, [paths] if isinstance(paths, str | os.PathLike) else paths):
        if os.path.isdir(path):
            inside = sorted(str(file) for file in Path(path).rglob('*') if file.suffix.lower() in SUFFIXES)
        elif glob.has_magic(path) and not os.path.exists(path):
            inside = sorted(glob.glob(path, recursive=True))
        else:
            inside = [path]
            if not os.path.exists(path) and '://' not in path and not path.startswith('/vsi'):
                raise FileNotFoundError(f'{path} is neither a file nor a folder.')
        if not inside:
            raise FileNotFoundError(f'{path} holds no raster files ({", ".join(SUFFIXES)}).')
        found.update(dict.fromkeys(inside))
    return list(found)


def scan_rasters(
    paths: Paths,
    *,
    date_regex: str | None = None,
    date_format: Formats = None,
    date_tag: str | None = None,
    sensor_regex: str | None = None,
) -> FileScan:
    """Look at raster files; dates come from their names or tags.

    Args:
        paths: Files, folders, patterns or addresses; one, or several.
        date_regex: Regular expression that finds the date in a file name, in a group named ``date``.
        date_format: Format of the date, or several, as in ``datetime.strptime``; finds it without ``date_regex``, too.
        date_tag: TIFF tag (or other metadata item) that holds the date, instead of the name.
        sensor_regex: Regular expression that finds the sensor in a file name, in a group named ``sensor``.

    Raises:
        FileNotFoundError: If a path leads nowhere.
        ValueError: If no file can serve, with the reasons.
    """
    for pattern in (date_regex, sensor_regex):
        _check_pattern(pattern)

    def _capture(path: str) -> Capture:
        name = os.path.basename(path)
        match = re.search(sensor_regex, name) if sensor_regex else None
        sensor = match[match.lastindex or 0] if match else ''
        try:
            if date_tag:
                time = _tagged_time(path, date_tag, date_format)
            else:
                time = date_in_name(name, regex=date_regex, date_format=date_format)
        except ValueError as error:
            raise RasterProblemError(str(error)) from error
        return Capture((path,), time, sensor)

    scan = _scan(find_rasters(paths), _capture)
    if all_in_1970(scan.files[['time']].to_numpy()):
        raise ValueError('All images are dated to 1970; check --date-regex, --date-format or --date-tag.')
    if date_tag:
        return replace(scan, date_formats=frozenset(as_formats(date_format)))
    names = [os.path.basename(files[0]) for files in scan.files['paths']]
    return replace(scan, date_formats=formats_in_names(names, regex=date_regex, date_format=date_format))


def scan_captures(captures: Sequence[Capture]) -> FileScan:
    """Look at captures whose dates are known from a table.

    Raises:
        ValueError: If no file can serve, with the reasons.
    """
    return _scan(captures, lambda capture: capture)


def describe_raster(capture: Capture) -> dict[str, Any]:
    """Read what the index needs from the headers of a capture's files.

    Raises:
        RasterProblemError: If one is no raster, is incomplete, has no CRS, its grid is rotated, or it covers other
            ground than the first.
    """
    headers = [_header(path) for path in capture.paths]
    first, several = headers[0], len(headers) > 1
    if any(not _same_ground(first, other) for other in headers[1:]):
        raise RasterProblemError('its bands, in files of their own, cover other ground')
    return first | {
        'paths': capture.paths, 'time': capture.time, 'bands': len(headers) if several else first['bands'],
        'masked': any(header['masked'] for header in headers), 'sensor': capture.sensor, 'cloud': capture.cloud,
    }  # fmt: skip


def _header(path: str) -> dict[str, Any]:
    with _opened(path) as file:
        if file.crs is None:
            raise RasterProblemError('no CRS; write one with gdal_edit -a_srs')
        grid = file.transform
        if max(abs(grid.b / grid.a), abs(grid.d / grid.e)) > _ROTATION_TOLERANCE or grid.a <= 0 or grid.e >= 0:
            raise RasterProblemError('rotated or flipped grid; warp it to north up first (gdalwarp)')
        _read_last_pixel(file)
        masked = any(flags != [rasterio.enums.MaskFlags.all_valid] for flags in file.mask_flag_enums)
        return {
            'crs': crs_name(file.crs), 'x0': grid.c, 'y0': grid.f, 'res_x': grid.a, 'res_y': -grid.e,
            'width': file.width, 'height': file.height, 'bands': file.count, 'dtype': file.dtypes[0],
            'nodata': np.nan if file.nodata is None else file.nodata, 'masked': masked or 'float' in file.dtypes[0],
        }  # fmt: skip


def _opened(path: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NotGeoreferencedWarning)
            return rasterio.open(path)
    except RasterioIOError as error:
        raise RasterProblemError('not a raster, or unreadable') from error


def _same_ground(first: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two headers have one CRS and one extent, to a pixel of the coarser."""
    bounds = file_bounds(pd.DataFrame([first, other]))
    coarser = np.array([[header['res_x'], header['res_y']] * 2 for header in (first, other)]).max(axis=0)
    return first['crs'] == other['crs'] and bool((np.abs(bounds[0] - bounds[1]) <= coarser * (1 + _SLACK)).all())


def _read_last_pixel(file: Any) -> None:
    """Read one pixel at the end, which a download that stopped early lacks."""
    try:
        file.read(file.count, window=Window(file.width - 1, file.height - 1, 1, 1))
    except RasterioIOError as error:
        raise RasterProblemError('incomplete or damaged: its last pixel cannot be read; fetch it again') from error


def crs_name(crs: Any) -> str:
    """A short name where an authority knows the CRS, WKT otherwise."""
    authority = crs.to_authority()
    return ':'.join(authority) if authority else str(crs.to_wkt())


def _scan(items: Sequence[Any], to_capture: Callable[[Any], Capture]) -> FileScan:
    rows, problems = [], []
    for item in items:
        try:
            rows.append(describe_raster(to_capture(item)))
        except RasterProblemError as error:
            problems.append((str(error), item if isinstance(item, str) else item.paths[0]))
    files = pd.DataFrame(rows, columns=list(COLUMNS))
    excluded = tally('file', problems)
    if files.empty:
        raise ValueError(f'None of {len(items)} files can serve:\n{describe(excluded)}')
    return _one_band_count(files, excluded)


def _one_band_count(files: pd.DataFrame, excluded: list[Exclusion]) -> FileScan:
    """Keep the files with the most common number of bands: a pair needs the same on both dates."""
    usual = Counter(files['bands']).most_common(1)[0][0]
    other = files['bands'] != usual
    problems = [
        (f'{bands} bands where most files have {usual}; index them apart', paths[0])
        for bands, paths in files.loc[other, ['bands', 'paths']].itertuples(index=False)
    ]
    return FileScan(files[~other].reset_index(drop=True), (*excluded, *tally('file', problems)))


def _check_pattern(pattern: str | None) -> None:
    try:
        re.compile(pattern or '')
    except re.error as error:
        raise ValueError(f'{pattern!r} is no regular expression: {error}') from error


def _tagged_time(path: str, tag: str, date_format: Formats) -> int:
    with _opened(path) as file:
        value = file.tags().get(tag)
    if value is None:
        raise ValueError(f'no tag {tag!r}')
    try:
        return seconds(value, date_format=date_format, where=f'tag {tag!r}', checked=True)
    except ValueError as error:
        raise ValueError(str(error).removesuffix('.')) from error
