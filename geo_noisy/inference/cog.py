"""Rasters on disk: a cloud-optimised GeoTIFF with overviews, nodata, names of bands and colours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.rio.overview import get_maximum_overview_level
from rasterio.shutil import copy
from rasterio.transform import Affine
from rasterio.windows import Window
from rio_cogeo.cogeo import cog_validate

from geo_noisy.whole_file import whole_file

Colour = tuple[int, int, int, int]
Overviews = Literal['average', 'mode']
_BLOCK_BYTES = 32 * 2**20  # of all bands, which are read at once
_TOGETHER = 8  # bands
_SMALL_PX = 64  # parts are small, too: a large block would be written many times
_CACHE_MB = 128


@dataclass(frozen=True)
class Layer:
    """What one raster holds.

    Attributes:
        dtype: Type of its values.
        nodata: Value of cells without data.
        bands: Description of each band.
        resampling: How overviews are made: ``average``, or ``mode`` for classes.
        colours: Colour of each value, red, green, blue, alpha; for classes.
        scale: What stored values are multiplied by to be those meant.
        tags: What else is said of it.
    """

    dtype: str
    nodata: float
    bands: tuple[str, ...]
    resampling: Overviews = 'average'
    colours: Mapping[int, Colour] = field(default_factory=dict)
    scale: float = 1.0
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def interleave(self) -> str:
        """Bands apart where there are many: overviews are made band by band, and would decode all bands for each."""
        return 'band' if len(self.bands) > _TOGETHER else 'pixel'

    @property
    def block_px(self) -> int:
        """Side of its blocks: 512, or less where many bands would make them large."""
        side = 512
        while side > 64 and side**2 * len(self.bands) * np.dtype(self.dtype).itemsize > _BLOCK_BYTES:
            side //= 2
        return side


Part = tuple[int, int, NDArray[Any]]
"""First row and column of a part, and its values [bands, rows, columns]."""


def write_cog(
    path: Path,
    parts: Iterable[Part],
    layer: Layer,
    *,
    size: tuple[int, int],
    crs: str,
    transform: Affine,
    scratch: Path,
) -> bool:
    """Write a raster part by part, whole or not at all.

    Args:
        path: Where it shall lie.
        parts: Its parts, in any order.
        layer: What it holds.
        size: Rows and columns.
        crs: Its CRS.
        transform: From cells to the CRS.
        scratch: Folder for a file between, with space for the raster.

    Returns:
        Whether it holds any data.

    Raises:
        OSError: If it could not be written whole, as on a full disk.
    """
    between = scratch / f'{path.stem}.between.tif'
    options = {
        'driver': 'GTiff', 'height': size[0], 'width': size[1], 'count': len(layer.bands), 'dtype': layer.dtype,
        'nodata': layer.nodata, 'crs': crs, 'transform': transform, 'tiled': True, 'blockxsize': _SMALL_PX,
        'blockysize': _SMALL_PX, 'interleave': layer.interleave, 'bigtiff': 'if_safer',
    }  # fmt: skip
    try:
        # In the scratch folder, so that a kill leaves nothing beside the file, nor does rio-cogeo's own temporary file.
        with whole_file(scratch / path.name) as unfinished, rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, GDAL_NUM_THREADS=1):
            with rasterio.open(between, 'w', **options) as file:
                for row, col, values in parts:
                    file.write(values, window=Window(col, row, values.shape[2], values.shape[1]))
                _describe(file, layer)
            _translate(between, unfinished, layer)
            seen = _check(unfinished, layer)
        (scratch / path.name).replace(path)
        return seen
    except RasterioError as error:
        raise OSError(f'{path} could not be written whole ({error}). Is the disk full? What is done stays.') from error
    finally:
        between.unlink(missing_ok=True)


def _describe(file: Any, layer: Layer) -> None:
    file.descriptions = layer.bands
    file.update_tags(**layer.tags)
    if layer.scale != 1:
        file.scales = (layer.scale,) * len(layer.bands)
    if layer.colours:
        file.write_colormap(1, dict(layer.colours))


def _translate(source: Path, target: Path, layer: Layer) -> None:
    """Add overviews, and copy all in the order of a cloud-optimised file.

    As rio-cogeo does but for its view of the file, which warps all bands again for each block of each band.
    """
    with rasterio.Env(GDAL_TIFF_OVR_BLOCKSIZE=layer.block_px), rasterio.open(source, 'r+') as file:
        levels = get_maximum_overview_level(file.width, file.height, minsize=layer.block_px)
        file.build_overviews([2**level for level in range(1, levels + 1)], Resampling[layer.resampling])
    predictor = 3 if layer.dtype.startswith('float') else 1 if layer.colours else 2
    with rasterio.Env(GDAL_TIFF_OVR_BLOCKSIZE=layer.block_px):
        copy(
            source, target, driver='GTiff', copy_src_overviews=True, tiled=True, blockxsize=layer.block_px,
            blockysize=layer.block_px, compress='deflate', predictor=predictor, interleave=layer.interleave,
            bigtiff='if_safer',
        )  # fmt: skip


def _check(path: Path, layer: Layer) -> bool:
    """Whether a file has data; refuse one that is not whole: GDAL tells some failures on the terminal alone."""
    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    if not valid:
        raise OSError(f'{path} is no whole cloud-optimised GeoTIFF: {"; ".join([*errors, *warnings])}.')
    with rasterio.open(path) as file:
        blocks = (file.read(1, window=window, masked=True) for _, window in file.block_windows(1))
        return bool(sum(block.count() for block in blocks) > 0)
