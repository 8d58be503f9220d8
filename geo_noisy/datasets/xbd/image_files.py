"""What can be wrong with the file of an xBD image, told without decoding it whole."""

import os
import struct
from pathlib import Path

import rasterio
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from geo_noisy.datasets.xbd.pixels import without_place
from geo_noisy.datasets.xbd.schema import SIDE_PX

SUFFIXES = ('.png', '.tif', '.tiff')
"""Endings of images: PNG as in the challenge, GeoTIFF as in the release under ``geotiffs``."""

_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xaeB`\x82'
_RGB = ('uint8',) * 3


def image_problem(path: Path) -> str | None:
    """Say what is wrong with an image; None for a whole one of the right size and kind."""
    if not path.is_file():
        return 'it is no file'
    return _png_problem(path) if path.suffix == '.png' else _tiff_problem(path)


def _png_problem(path: Path) -> str | None:
    with path.open('rb') as file:
        start = file.read(33)
        file.seek(-min(len(_PNG_END), os.fstat(file.fileno()).st_size), os.SEEK_END)
        end = file.read()
    if len(start) < 33 or not start.startswith(_PNG_START):
        return 'the file is no PNG image'
    if end != _PNG_END:
        return 'the PNG image is truncated'
    width, height, bits, colour = struct.unpack('>IIBB', start[16:26])
    if (width, height) != (SIDE_PX, SIDE_PX):
        return f'the PNG image is {width} x {height} px, not {SIDE_PX} x {SIDE_PX}'
    if (bits, colour) != (8, 2):
        return 'the PNG image is not RGB with 8 bits a band'
    return None


def _tiff_problem(path: Path) -> str | None:
    try:
        with without_place(), rasterio.open(path, driver='GTiff') as file:
            if (file.width, file.height) != (SIDE_PX, SIDE_PX):
                return f'the GeoTIFF is {file.width} x {file.height} px, not {SIDE_PX} x {SIDE_PX}'
            if file.dtypes != _RGB:
                return f'the GeoTIFF has bands {", ".join(file.dtypes)}, not three of uint8'
            file.read(3, window=Window(SIDE_PX - 1, SIDE_PX - 1, 1, 1))  # what a download that stopped early lacks
    except RasterioIOError:
        return 'the file is no whole GeoTIFF'
    return None
