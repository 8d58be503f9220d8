"""Captures with their headers as a table, and all that is settled about how their files are read."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError

from geo_noisy.engines import each
from geo_noisy.errors import InputError
from geo_noisy.regions.files.alpha import ALPHA_MASK, Alpha, settle_alpha
from geo_noisy.regions.files.captures import Capture, Content
from geo_noisy.regions.files.described import Described, describe_capture
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.exclusions import Exclusion, describe, tally
from geo_noisy.regions.files.headers import Header, read_header
from geo_noisy.regions.files.odd_values import odd_values
from geo_noisy.regions.files.oddities import classes_in, mixed_nodata, odd_borders, sample_captures, unlike_values
from geo_noisy.regions.files.paths import is_far
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.files.products import MaskCodes
from geo_noisy.regions.files.radiometry import Radiometry, Units, compare_types, settle_radiometry
from geo_noisy.regions.files.remote import carried, in_threads
from geo_noisy.regions.files.renderings import without_renderings

COLUMNS = (
    'paths', 'time', 'crs', 'x0', 'y0', 'res_x', 'res_y', 'width', 'height', 'bands', 'dtype', 'nodata', 'masked',
    'sensor', 'cloud', 'layers', 'masks', 'scales', 'offsets', 'stored', 'coarser',
)  # fmt: skip
_COARSER = 1 + 1e-6
HEADERS_AT_ONCE = 512


@dataclass(frozen=True)
class FileScan:
    """What is known of some captures.

    Attributes:
        files: One row a capture: ``paths`` (a tuple of the files of its bands and masks), ``time`` (seconds since
            1970, UTC), ``crs``, upper left corner ``x0``, ``y0`` and pixel size ``res_x``, ``res_y`` (both
            positive) of the finest band in its units, ``width``, ``height`` in pixels, ``bands`` (how many),
            ``dtype``, ``nodata`` (NaN where none is declared), ``masked`` (whether something says which pixels
            are valid), ``sensor`` (empty where unknown), ``cloud`` (cover in percent, NaN where unknown), and for
            each band its file and number in it (``layers``), for each mask its name, file and number (``masks``),
            and the bands' ``scales`` and ``offsets``; ``coarser`` tells whether some bands have larger pixels.
        excluded: What was left out, and why.
        content: What the captures hold, and how their files are read.
        doubts: What was assumed, or looks odd.
        date_formats: Which of the stated formats the dates are written in.
        crs: CRS that windows are to be in; None leaves it to their files.
        res: Pixel size that they are to have; None likewise.
        cloud_source: Where the cloud cover stands or was looked for, for messages.
    """

    files: pd.DataFrame
    excluded: tuple[Exclusion, ...] = ()
    content: Content = field(default_factory=Content)
    doubts: tuple[Doubt, ...] = ()
    date_formats: frozenset[str] = frozenset()
    crs: str | None = None
    res: tuple[float, float] | None = None
    cloud_source: str = ''


@dataclass(frozen=True)
class Captures:
    """Captures to look at, and what finding them told.

    Attributes:
        items: The captures.
        product: Name of their product; empty for none.
        masks: Codes of their masks.
        excluded: What was left out.
        doubts: What was assumed.
    """

    items: Sequence[Capture]
    product: str = ''
    masks: tuple[MaskCodes, ...] = ()
    excluded: tuple[Exclusion, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def scan_captures(
    captures: Captures | Sequence[Capture],
    *,
    bands: Sequence[str] | None = None,
    alpha: Alpha = 'auto',
    nodata: Sequence[float] | float | None = None,
    categorical: Sequence[str] | None = None,
    radiometry: Radiometry = 'auto',
    images_crs: str | None = None,
) -> FileScan:
    """Look at captures whose dates are known, and settle how their files are read.

    Args:
        captures: The captures, perhaps with what finding them told.
        bands: Names or numbers of the bands to take, in order; all by default.
        alpha: What a band flagged as alpha is: ``data`` (as near infrared in NAIP), ``mask``, or ``auto``: a mask where
            most of what lies above 0 is 255. A mask's 0 is no data; soft edges (1 to 254) count as data.
        nodata: Values that hold no data in any file, besides what files declare.
        categorical: Names of the bands whose values are classes: they are never interpolated. By default those with a
            colour table, and whole numbers of few values.
        radiometry: ``stored`` reads values as they are, ``physical`` applies scale and offset; ``auto`` reads them as
            they are, and where dates differ brings all to scale and offset of the most.
        images_crs: CRS of files that state none but have a grid, as by a world file.

    Raises:
        InputError: If no capture can serve, with the reasons.
        ValueError: If an argument makes no sense.
    """
    if images_crs is not None:
        _check_crs(images_crs)
    values = (nodata,) if isinstance(nodata, int | float) else tuple(float(value) for value in nodata or ())
    found = captures if isinstance(captures, Captures) else Captures(captures)
    described, problems = _described(found.items, images_crs)
    if not described:
        left = [*found.excluded, *tally('file', problems)]
        raise InputError(f'None of {sum(item.number for item in left)} files can serve:\n{describe(left)}')
    _check_stated(described, values, images_crs)
    described, alpha_is, alpha_doubts = settle_alpha(described, alpha)
    described, odd = _with_bands(described, bands)
    if not found.product:
        described, others = without_renderings(described)
        odd = [*odd, *others]
    units, target, unit_doubts = settle_radiometry(described, radiometry)
    sampled = sample_captures(described, all_bands=not found.product)
    classes, class_doubts = _classes(described[0], sampled, categorical, known=bool(found.product))
    content = Content(
        product=found.product,
        bands=described[0].names,
        categorical=classes,
        masks=(*found.masks, ALPHA_MASK) if alpha_is == 'mask' else found.masks,
        alpha=alpha_is,
        nodata=tuple(float(value) for value in values),
        scales=() if target is None else target.scales,
        offsets=() if target is None else target.offsets,
        images_crs=images_crs or '',
        looked_at=len(sampled),
    )
    rows = [_row(capture, told, content) for capture, told in zip(described, units, strict=True)]
    return FileScan(
        pd.DataFrame(rows, columns=list(COLUMNS)),
        (*found.excluded, *tally('file', [*problems, *odd])),
        content,
        (
            *found.doubts,
            *alpha_doubts,
            *class_doubts,
            *unit_doubts,
            *compare_types(described),
            *unlike_values(sampled),
            *mixed_nodata(described, values),
            *odd_borders(sampled, values),
            *odd_values(sampled, values),
        ),
    )


def _check_crs(name: str) -> None:
    try:
        CRS.from_user_input(name)
    except CRSError as error:
        raise ValueError(f'images_crs (--images-crs) {name!r} is unknown: {error}') from error


def _check_stated(described: Sequence[Described], nodata: Sequence[float], images_crs: str | None) -> None:
    """Refuse a CRS that no file needs, and values that no file can hold."""
    headers = [header for capture in described for header in capture.headers.values()]
    if images_crs is not None and all(header.crs_is_own for header in headers):
        raise ValueError(
            f'images_crs (--images-crs) is {images_crs}, but every file states its own, such as {headers[0].path} '
            f'({headers[0].crs}); leave it away, or correct a wrong one with gdal_edit.py -a_srs.'
        )
    types = {dtype for header in headers for dtype in header.dtypes}
    for value in nodata:
        if not any(_holds(dtype, value) for dtype in types):
            raise ValueError(f'nodata (--nodata) is {value:g}, which no file can hold: they are of {", ".join(types)}.')


def _holds(dtype: str, value: float) -> bool:
    if not np.issubdtype(np.dtype(dtype), np.integer):
        return True
    return value.is_integer() and np.iinfo(dtype).min <= value <= np.iinfo(dtype).max


def _described(captures: Sequence[Capture], images_crs: str | None) -> tuple[list[Described], list[tuple[str, str]]]:
    headers = _headers(captures, images_crs)
    described, problems = [], []
    for capture in captures:
        try:
            described.append(describe_capture(capture, headers))
        except RasterProblemError as error:
            problems.append((str(error), capture.paths[0]))
    return described, problems


def _headers(captures: Sequence[Capture], images_crs: str | None) -> Callable[[str], Header]:
    """Headers of all files, each read once."""
    layers = (layer.path for capture in captures for layer in (*capture.bands, *capture.masks))
    paths = list(dict.fromkeys([*(path for capture in captures for path in capture.paths), *layers]))
    parts = [paths[first : first + HEADERS_AT_ONCE] for first in range(0, len(paths), HEADERS_AT_ONCE)]
    read = each(carried(partial(_read_headers, images_crs=images_crs)), parts, what='headers')
    found = {path: header for headers in read for path, header in headers.items()}
    return partial(_header_of, found)


def _header_of(found: Mapping[str, Header | RasterProblemError], path: str) -> Header:
    """The header of a file, or the problem that was met when it was read."""
    header = found[path]
    if isinstance(header, RasterProblemError):
        raise header
    return header


def _read_headers(paths: Sequence[str], *, images_crs: str | None) -> dict[str, Header | RasterProblemError]:
    """Headers of some files, several at once where they are at addresses."""
    read = partial(_header_or_problem, images_crs=images_crs)
    far = [path for path in paths if is_far(path)]
    there = dict(zip(far, in_threads(read, far), strict=True))
    return {path: there[path] if path in there else read(path) for path in paths}


def _header_or_problem(path: str, *, images_crs: str | None) -> Header | RasterProblemError:
    try:
        return read_header(path, images_crs=images_crs)
    except RasterProblemError as problem:
        return problem


def _with_bands(
    described: Sequence[Described], wanted: Sequence[str] | None
) -> tuple[list[Described], list[tuple[str, str]]]:
    """Keep the captures with the wanted bands, or with those that most have, in one order."""
    if wanted is None:
        usual = Counter(len(capture.bands) for capture in described).most_common(1)[0][0]
        fitting = [capture for capture in described if len(capture.bands) == usual]
        names = Counter(capture.names for capture in fitting).most_common(1)[0][0]
    else:
        names = tuple(str(name) for name in wanted)
        if len(set(names)) < len(names):
            raise ValueError(f'bands are {list(names)}; each can be given once.')
    kept, problems = [], []
    for capture in described:
        own = {band.name: band for band in capture.bands}
        by_name = all(name in own for name in names)
        if wanted is None and len(capture.bands) != len(names):
            reason = f'{len(capture.bands)} bands where most files have {len(names)}; index them apart'
            problems.append((reason, capture.capture.paths[0]))
        elif by_name:
            kept.append(_taking(capture, [own[name] for name in names]))
        else:
            missing = ', '.join(name for name in names if name not in own)
            problems.append((f'lacks band {missing}; it has {", ".join(own)}', capture.capture.paths[0]))
    if not kept:
        raise InputError(f'No file has the bands {", ".join(names)} (--bands):\n{describe(tally("file", problems))}')
    return kept, problems


def _taking(capture: Described, bands: Sequence[Any]) -> Described:
    return Described(capture.capture, capture.headers, tuple(bands), capture.masks)


def _classes(
    first: Described, sampled: Sequence[Any], stated: Sequence[str] | None, *, known: bool
) -> tuple[tuple[str, ...], list[Doubt]]:
    """Names of the bands with classes."""
    if stated is not None:
        unknown = [name for name in map(str, stated) if name not in first.names]
        if unknown:
            raise ValueError(f'categorical names {", ".join(unknown)}; the bands are {", ".join(first.names)}.')
        return tuple(map(str, stated)), []
    if known:
        return (), []
    positions, doubts = classes_in(sampled)
    return tuple(first.names[position] for position in sorted(positions)), doubts


def _row(capture: Described, units: Units, content: Content) -> dict[str, Any]:
    grid, told = capture.finest, capture.capture
    paths = tuple(dict.fromkeys(layer.path for layer in (*capture.bands, *capture.masks)))
    declared = [capture.headers[path] for path in dict.fromkeys(band.path for band in capture.bands)]
    nodata = next((header.nodata for header in declared if not np.isnan(header.nodata)), told.nodata)
    masked = bool(capture.masks or content.nodata) or any(header.masked for header in declared)
    masked |= content.alpha != 'data' and any(header.alpha for header in declared)
    return {
        'paths': paths, 'time': told.time, 'crs': grid.crs, 'x0': grid.x0, 'y0': grid.y0, 'res_x': grid.res_x,
        'res_y': grid.res_y, 'width': grid.width, 'height': grid.height, 'bands': len(capture.bands),
        'dtype': capture.dtype(capture.bands[0]), 'nodata': nodata, 'masked': masked or not np.isnan(nodata),
        'sensor': told.sensor, 'cloud': told.cloud,
        'layers': tuple((paths.index(band.path), band.number) for band in capture.bands),
        'masks': tuple((mask.name, paths.index(mask.path), mask.number) for mask in capture.masks),
        'scales': units.scales, 'offsets': units.offsets,
        'stored': tuple(capture.headers[path].stored for path in paths),
        'coarser': any(header.res_x > grid.res_x * _COARSER for header in declared),
    }  # fmt: skip
