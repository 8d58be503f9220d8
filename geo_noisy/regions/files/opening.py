"""The one way in which rasters are opened: a file, of a known format, that reaches nowhere else unasked."""

import contextlib
import os
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Interleaving
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from geo_noisy.regions.files.paths import is_far, is_local, located
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.files.remote import open_at_address, what_went_wrong

FORMATS = ('GTiff', 'COG', 'JP2OpenJPEG', 'HFA', 'ENVI', 'EHdr', 'AAIGrid', 'NITF', 'PNG', 'JPEG')
"""Formats of GDAL that hold pixels themselves; none of them fetches anything, or runs code."""

MOSAIC = 'VRT'
"""A list of other files; opened where its name ends in ``.vrt``, and its sources are files on this machine."""

LARGEST_BLOCK = 2**30
"""Most bytes that GDAL must decode at once for a pixel of a file."""

_LARGEST_LIST = 2**24  # bytes of a mosaic
_DEEPEST = 8  # mosaics of mosaics
_SOURCE = re.compile(r'<Source(?:Filename|Dataset)([^>]*)>([^<]*)<')
_ACTIVE = re.compile(r'<(?:PixelFunction\w*|!ENTITY|OGRLayer|SrcLayer)\b')
_BYTES = {'complex_int16': 4}  # of a type that numpy lacks
_WHOLE_ONLY = ('PNG', 'JPEG')  # decoded from their start for each window


def open_raster(path: str) -> Any:
    """Open a file to read it.

    Args:
        path: A file on this machine, or an address, which is then fetched.

    Raises:
        RasterProblemError: If it is no file but a pipe, a device or a folder; no raster, or one of a format that is not
            read; a mosaic with sources elsewhere; or it must be decoded in parts above ``LARGEST_BLOCK``.
    """
    mosaic = path.lower().endswith('.vrt')
    if is_local(path):
        _check_file(path)
        if mosaic:
            _check_sources(path)
    with rasterio.Env():
        file = _first_that_opens(path, [MOSAIC] if mosaic else FORMATS)
        if file.driver not in (*FORMATS, MOSAIC):
            file.close()
            raise RasterProblemError(f'of the format {file.driver}, which is not read')
        if (size := _decoded_at_once(file)) > LARGEST_BLOCK:
            file.close()
            raise RasterProblemError(
                f'decoded in parts of {size / 2**30:.1f} GiB, above {LARGEST_BLOCK / 2**30:.0f}; write it in tiles '
                'first: gdal_translate -co TILED=YES IN OUT.tif'
            )
    return file


def _first_that_opens(path: str, formats: Sequence[str]) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', NotGeoreferencedWarning)
            if is_far(path):
                return open_at_address(path, rasterio.open)
            return _opened(path, formats)
    except RasterioIOError as error:
        why = f': {what_went_wrong(error)}' if is_far(path) else _known_by(path)
        raise RasterProblemError('not a raster, or unreadable' + why) from error


def _opened(path: str, formats: Sequence[str]) -> Any:
    for driver in formats[:-1]:  # rasterio takes one at a time
        with contextlib.suppress(RasterioIOError):
            return rasterio.open(path, driver=driver)
    return rasterio.open(path, driver=formats[-1])


def _check_file(path: str) -> None:
    """A pipe would wait for ever, a device may never end."""
    place = located(path)
    if not os.path.lexists(place):
        raise RasterProblemError('not there')
    if not os.path.isfile(place):
        kind = (
            'a link to nowhere' if os.path.islink(place) and not os.path.exists(place) else 'a pipe, device or folder'
        )
        raise RasterProblemError(f'no file but {kind}')


def _check_sources(path: str, *, depth: int = 0) -> None:
    """Follow a mosaic to its sources, before GDAL does."""
    if os.path.getsize(path) > _LARGEST_LIST or depth > _DEEPEST:
        raise RasterProblemError('a mosaic above 16 MiB, or of mosaics deeper than 8, as one that refers to itself')
    with open(path, encoding='utf-8', errors='replace') as file:
        text = file.read()
    if _ACTIVE.search(text):
        raise RasterProblemError('a mosaic with a pixel function or an entity, which are not run')
    for attributes, source in _SOURCE.findall(text):
        beside = os.path.dirname(path) if re.search(r'relativeToVRT\s*=\s*["\']1', attributes) else ''
        _check_source(os.path.join(beside, source.strip()) if is_local(source.strip()) else source.strip(), depth)


def _check_source(source: str, depth: int) -> None:
    if source.startswith(('/vsizip/', '/vsitar/')):
        return
    if not is_local(source) or re.match(r'[A-Za-z][\w-]+:(?!\\)', source) or '&lt;' in source:
        raise RasterProblemError(
            f'a mosaic whose source {source[:80]} is elsewhere; fetch it, or name it to the command'
        )
    if not os.path.isfile(source):
        raise RasterProblemError(f'a mosaic whose source {source[:80]} is not there, or no file')
    with open(source, 'rb') as file:
        listing = file.read(256).lstrip(b'\xef\xbb\xbf \t\r\n').startswith(b'<')
    if listing and not source.lower().endswith('.vrt'):
        raise RasterProblemError(f'a mosaic whose source {source[:80]} is XML, which may lead elsewhere')
    if listing:
        _check_sources(source, depth=depth + 1)


def _known_by(path: str) -> str:
    """Of a file that names its format where another is read: what it is."""
    if not is_local(path):
        return ''
    with open(located(path), 'rb') as file:
        start = file.read(256).lstrip()
    if re.match(rb'<(VRTDataset|OGRVRT|GDAL_WM|WMT|WCS|Capabilities|\?xml|!DOCTYPE)', start):
        return f' (it is XML, which may lead elsewhere; read are {", ".join(FORMATS)}, and VRT named .vrt)'
    return ''


def _decoded_at_once(file: Any) -> int:
    """Bytes that GDAL decodes for one pixel."""
    if file.driver in _WHOLE_ONLY:
        return int(file.width) * int(file.height) * int(file.count)
    height, width = max(file.block_shapes)
    bands = file.count if file.interleaving == Interleaving.pixel else 1
    widest = max(_BYTES.get(dtype) or np.dtype(dtype).itemsize for dtype in file.dtypes)
    return int(height) * int(width) * widest * int(bands)
