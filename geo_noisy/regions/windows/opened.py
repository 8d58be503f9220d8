"""One file opened so that its pixels lie on the grid of a site."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.dtypes import dtype_rev, typename_fwd
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from scipy.ndimage import binary_dilation

from geo_noisy.regions.files.opening import MOSAIC, open_raster
from geo_noisy.regions.files.stored import check_stored
from geo_noisy.regions.windows.antimeridian import around_middle
from geo_noisy.regions.windows.granules import Granule, Grid

Align = Literal['snap', 'resample']
ALIGNS: tuple[Align, ...] = ('snap', 'resample')
CONTINUOUS, CLASSES = Resampling.bilinear, Resampling.nearest
SAME_PIXEL = 1e-3  # of a pixel
_FAR = 1e9
# Else GDAL mixes a value without data into its neighbours, unless all bands have it there
_SINGLY = {'UNIFIED_SRC_NODATA': 'NO'}


@dataclass(frozen=True)
class Opened:
    """An open data set whose first pixel is pixel (col, row) of the site's grid.

    Attributes:
        file: The file, or a view of it on the grid.
        col: Its first column on the grid.
        row: Its first row.
        nodata: Values without data, told from the pixels.
        others: A view by the nearest pixel, where a file that is resampled has further values without data.
        impossible: Values without data that no sensor measures: a pixel with one in any band holds no data, where one
            with 0 in one band may be dark.
        masked: Whether a mask in or beside the file, or the view, says which pixels hold data.
        own_px: Pixels of the file itself.
        closing: Closes it.
    """

    file: Any
    col: int
    row: int
    nodata: tuple[float, ...]
    masked: bool
    own_px: int
    closing: ExitStack
    others: Any = None
    impossible: tuple[float, ...] = ()

    def window(self, col: int, row: int, width_px: int, height_px: int) -> Window:
        """A window of the grid in the file's own pixels."""
        return Window(col - self.col, row - self.row, width_px, height_px)

    def needs_pixels(self) -> bool:
        """Whether only the pixels tell where there is data."""
        told_by_pixels = (bool(self.nodata) and self.others is None) or bool(self.impossible)
        return told_by_pixels or 'float' in self.file.dtypes[0]

    def valid(self, window: Window, pixels: NDArray[Any] | None) -> NDArray[np.bool_]:
        """Which pixels of a window hold data, [height, width].

        Args:
            window: In the file's own pixels.
            pixels: Its pixels [C, height, width], where they are needed.
        """
        valid = np.ones((int(window.height), int(window.width)), dtype=bool)
        if self.masked:
            valid &= self.file.dataset_mask(window=window) > 0
        for value in self.impossible if pixels is not None else ():
            valid &= np.all(pixels != value, axis=0)
        if self.others is not None:
            bands = [k for k, kind in enumerate(self.others.colorinterp, start=1) if kind != ColorInterp.alpha]
            empty = np.isin(self.others.read(bands, window=window), self.nodata).all(axis=0)
            return valid & ~np.asarray(binary_dilation(empty, np.ones((3, 3))))  # their neighbours are mixed with them
        for value in self.nodata if pixels is not None else ():
            valid &= np.any(pixels != value, axis=0)
        return valid


def open_on_grid(path: str, granule: Granule, grid: Grid, *, align: Align, nearest: bool) -> Opened:
    """Open a file of a granule; as it is where it lies on the grid, else as a view that is resampled onto it.

    Args:
        path: The file.
        granule: What it belongs to.
        grid: The grid of its site.
        align: Whether a file between the grid's pixels is moved to the nearest (``snap``) or resampled.
        nearest: Whether it holds classes or a mask.

    Raises:
        RasterProblemError: If it cannot be opened.
        ChangedFileError: If it is another file than was indexed.
    """
    with ExitStack() as stack:
        file = _until_closed(stack, open_raster(path))
        check_stored(file, granule.stored[path], path=path, crs=granule.crs)
        own_px = file.width * file.height
        col, row = round(granule.col0), round(granule.row0)
        off_grid = max(abs(granule.col0 - col), abs(granule.row0 - row)) > SAME_PIXEL
        if not granule.warped and _lies_on(file, granule, grid) and not (off_grid and align == 'resample'):
            values = tuple(dict.fromkeys(map(float, (*granule.nodata, *_declared(file)))))
            masked = _has_mask(file, granule)
            return Opened(file, col, row, values, masked, own_px, stack.pop_all(), impossible=_impossible(file, values))
        if granule.alpha_is_data and ColorInterp.alpha in file.colorinterp:
            file = _until_closed(stack, rasterio.open(_without_alpha(file), driver=MOSAIC))
        col, row = int(np.floor(granule.col0)), int(np.floor(granule.row0))
        nodata = file.nodata if file.nodata is not None else next(iter(granule.nodata), None)
        view = _until_closed(stack, _view(file, granule, grid, col, row, nearest=nearest, nodata=nodata))
        further = tuple(value for value in granule.nodata if value != nodata)
        others = _view(file, granule, grid, col, row, nearest=True, nodata=nodata) if further else None
        if others is not None:
            _until_closed(stack, others)
        told = further if nodata is None else (*further, float(nodata))
        return Opened(view, col, row, further, True, own_px, stack.pop_all(), others, _impossible(file, told))


def _until_closed(stack: ExitStack, file: Any) -> Any:
    """A file that a stack closes; entered, it would hold an environment of GDAL that must be left in order."""
    stack.callback(file.close)
    return file


def _lies_on(file: Any, granule: Granule, grid: Grid) -> bool:
    """Whether a file has its granule's pixels; bands of one capture may differ (Sentinel-2: 10, 20 and 60 m)."""
    own, size = file.transform, (file.width, file.height)
    corner = (own.c - grid.x0) / grid.res_x - granule.col0, (grid.y0 - own.f) / grid.res_y - granule.row0
    return bool(
        np.allclose((own.a, -own.e), (grid.res_x, grid.res_y), rtol=1e-6)
        and np.allclose(corner, 0, atol=SAME_PIXEL)
        and np.allclose(size, (granule.cols, granule.rows), atol=0.5)
    )


def _declared(file: Any) -> tuple[float, ...]:
    return () if file.nodata is None or np.isnan(file.nodata) else (file.nodata,)


def _impossible(file: Any, values: Sequence[float]) -> tuple[float, ...]:
    """Of the values without data of a file of several bands, those that no sensor measures."""
    return tuple(value for value in values if value < 0 or value >= _FAR) if file.count > 1 else ()


def _has_mask(file: Any, granule: Granule) -> bool:
    """Whether there is a mask in or beside a file, or a band flagged as alpha that is one."""
    flags = {flag for told in file.mask_flag_enums for flag in told}
    return MaskFlags.per_dataset in flags and not (granule.alpha_is_data and MaskFlags.alpha in flags)


def _view(
    file: Any, granule: Granule, grid: Grid, col: int, row: int, *, nearest: bool, nodata: float | None
) -> WarpedVRT:
    """A view of a file on the site's grid; outside of the file there is no data."""
    return WarpedVRT(
        file,
        src_crs=around_middle(file.crs or CRS.from_user_input(granule.crs), *file.bounds[::2]),
        crs=grid.crs,
        transform=from_origin(grid.x0 + col * grid.res_x, grid.y0 - row * grid.res_y, grid.res_x, grid.res_y),
        width=int(np.ceil(granule.col0 + granule.cols)) - col,
        height=int(np.ceil(granule.row0 + granule.rows)) - row,
        resampling=CLASSES if nearest else CONTINUOUS,
        src_nodata=nodata,
        nodata=nodata,
        add_alpha=nodata is None and ColorInterp.alpha not in file.colorinterp,
        **_SINGLY if nodata is not None and _impossible(file, [nodata]) else {},
    )


def _without_alpha(file: Any) -> str:
    """A VRT of a file whose bands have no colours, so that GDAL takes none for alpha when it warps."""
    bands = ''.join(
        f'<VRTRasterBand dataType="{typename_fwd[dtype_rev[dtype]]}" band="{number}">'
        + ('' if file.nodata is None else f'<NoDataValue>{file.nodata:g}</NoDataValue>')
        + f'<SimpleSource><SourceFilename>{escape(file.name)}</SourceFilename><SourceBand>{number}</SourceBand>'
        '</SimpleSource></VRTRasterBand>'
        for number, dtype in enumerate(file.dtypes, start=1)
    )
    crs = '' if file.crs is None else f'<SRS>{escape(file.crs.to_wkt())}</SRS>'
    place = ', '.join(map(repr, file.transform.to_gdal()))
    size = f'rasterXSize={quoteattr(str(file.width))} rasterYSize={quoteattr(str(file.height))}'
    return f'<VRTDataset {size}>{crs}<GeoTransform>{place}</GeoTransform>{bands}</VRTDataset>'
