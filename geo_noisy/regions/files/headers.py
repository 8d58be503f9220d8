"""What the header of a raster file says: its grid, its bands, and which of its pixels hold data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from geo_noisy.regions.files.opening import open_raster
from geo_noisy.regions.files.paths import is_far
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.files.remote import repeated
from geo_noisy.regions.files.stored import Stored

_ROTATION_TOLERANCE = 1e-6  # of a pixel, over one pixel
_FAR = 1e10  # coordinates that no CRS reaches
_WARP = 'gdalwarp -t_srs EPSG:... IN OUT'


@dataclass(frozen=True)
class Header:
    """What the header of a file says.

    Attributes:
        path: The file.
        crs: Name of its CRS.
        crs_is_own: Whether the file itself states it.
        x0: Upper left corner, in units of the CRS.
        y0: Upper left corner.
        res_x: Pixel size, positive.
        res_y: Pixel size, positive.
        width: Columns.
        height: Rows.
        dtypes: Type of each band.
        nodata: Value without data; NaN where none is declared.
        masked: Whether the file, apart from a band flagged as alpha, says which pixels are valid.
        alpha: Number of the band flagged as alpha, from 1; 0 for none.
        names: Description of each band; empty where there is none.
        classes: Numbers of the bands with a colour table.
        scales: Scale of each band; 1 where none is declared.
        offsets: Offset of each band.
    """

    path: str
    crs: str
    x0: float
    y0: float
    res_x: float
    res_y: float
    width: int
    height: int
    dtypes: tuple[str, ...]
    nodata: float
    masked: bool
    alpha: int
    names: tuple[str, ...]
    classes: tuple[int, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    crs_is_own: bool = True

    @property
    def count(self) -> int:
        """Number of bands, alpha included."""
        return len(self.dtypes)

    @property
    def stored(self) -> Stored:
        """What the file must still be when it is opened again."""
        return Stored(
            self.width,
            self.height,
            self.count,
            self.dtypes[0],
            self.x0,
            self.y0,
            self.res_x,
            self.res_y,
            self.crs_is_own,
        )


def read_header(path: str, *, images_crs: str | None = None) -> Header:
    """Read the header of a file.

    Args:
        path: The file.
        images_crs: CRS of a file that states none but has a grid, as by a world file.

    Raises:
        RasterProblemError: If it is no raster, is incomplete, is not placed on the ground by a CRS and a grid that
            runs north up, or holds complex values; with the remedy.
    """
    with repeated([path], lambda: open_raster(path), on=RasterProblemError, forget=lambda: None) as file:
        if any('complex' in dtype or dtype == 'complex_int16' for dtype in file.dtypes):
            raise RasterProblemError(
                'complex values; write their amplitude or intensity first, for SAR terrain-corrected'
            )
        crs = _crs_of(file, images_crs)
        grid = file.transform
        if not np.isfinite(grid[:6]).all() or 0 in (grid.a, grid.e) or np.abs(grid[:6]).max() > _FAR:
            raise RasterProblemError(
                'a grid of pixels without a size or far off any ground; write the right one with gdal_edit.py -a_ullr'
            )
        if max(abs(grid.b / grid.a), abs(grid.d / grid.e)) > _ROTATION_TOLERANCE or grid.a <= 0 or grid.e >= 0:
            raise RasterProblemError('rotated or flipped grid; warp it to north up first (gdalwarp)')
        _check_nodata(file)
        if not is_far(path):  # at an address it would cost a request; what is not there shows when it is read
            _read_last_pixel(file)
        return Header(
            path,
            crs,
            grid.c,
            grid.f,
            grid.a,
            -grid.e,
            file.width,
            file.height,
            tuple(file.dtypes),
            np.nan if file.nodata is None else float(file.nodata),
            any(_tells_validity(flags) for flags in file.mask_flag_enums) or 'float' in file.dtypes[0],
            next((number for number, kind in enumerate(file.colorinterp, 1) if kind == ColorInterp.alpha), 0),
            tuple(name or '' for name in file.descriptions),
            tuple(number for number, kind in enumerate(file.colorinterp, 1) if kind == ColorInterp.palette),
            tuple(file.scales),
            tuple(file.offsets),
            crs_is_own=file.crs is not None,
        )


def crs_name(crs: Any) -> str:
    """A short name where an authority knows the CRS, WKT otherwise."""
    authority = crs.to_authority()
    return ':'.join(authority) if authority else str(crs.to_wkt())


def _tells_validity(flags: list[MaskFlags]) -> bool:
    return MaskFlags.all_valid not in flags and MaskFlags.alpha not in flags


def _crs_of(file: Any, images_crs: str | None) -> str:
    """The CRS of a file, of which a world file tells nothing and control points tell too little."""
    has_grid = not file.transform.is_identity
    if file.crs is not None and has_grid:
        return crs_name(file.crs)
    if has_grid and images_crs is not None:
        return images_crs
    if has_grid:
        raise RasterProblemError('no CRS, but a grid (a world file?); state its CRS with --images-crs EPSG:...')
    if file.gcps[0]:
        raise RasterProblemError(
            'placed by ground control points alone, as Sentinel-1 GRD is; take a terrain-corrected product (RTC), or '
            f'warp it first: {_WARP}'
        )
    if file.rpcs is not None:
        raise RasterProblemError(
            'placed by RPCs alone; orthorectify it first: gdalwarp -rpc -to RPC_DEM=dem.tif -t_srs EPSG:... IN OUT'
        )
    raise RasterProblemError('no CRS and no grid; georeference it first, e.g. gdal_translate -a_srs ... -a_ullr ...')


def _check_nodata(file: Any) -> None:
    """Refuse bands with values without data of their own, of which the others' would be taken."""
    declared = [
        value for value, kind in zip(file.nodatavals, file.colorinterp, strict=True) if kind != ColorInterp.alpha
    ]
    if len({str(value) for value in declared}) > 1:
        shown = ', '.join('none' if value is None else f'{value:g}' for value in declared)
        raise RasterProblemError(
            f'bands that declare different values without data ({shown}); write one value into all, as by gdalwarp '
            '-srcnodata "..." -dstnodata VALUE'
        )


def _read_last_pixel(file: Any) -> None:
    """Read one pixel at the end, which a download that stopped early lacks."""
    try:
        file.read(file.count, window=Window(file.width - 1, file.height - 1, 1, 1))
    except RasterioIOError as error:
        raise RasterProblemError('incomplete or damaged: its last pixel cannot be read; fetch it again') from error
