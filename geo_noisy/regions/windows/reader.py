"""Reads windows of files on their site's grid, with file handles kept open."""

import os
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioIOError
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from geo_noisy.regions.windows.antimeridian import around_middle

Align = Literal['snap', 'resample']
ALIGNS: tuple[Align, ...] = ('snap', 'resample')
_SAME_PIXEL = 1e-3  # of a pixel


class UnreadableFileError(OSError):
    """A file of the index that has moved, is incomplete, or is broken."""


class Grid(NamedTuple):
    """The pixel grid of a site."""

    crs: str
    x0: float
    y0: float
    res_x: float
    res_y: float


class PlacedFile(NamedTuple):
    """A capture on the grid of its site."""

    paths: tuple[str, ...]
    col0: float
    row0: float
    cols: float
    rows: float
    warped: bool
    masked: bool


@dataclass(frozen=True)
class _Opened:
    """An open data set whose first pixel is pixel (col, row) of the site's grid."""

    file: Any
    col: int
    row: int
    masked: bool
    closing: ExitStack


class WindowReader:
    """Reads windows of captures; keeps one open handle for each file, in each process its own.

    A file that has the grid's CRS and pixel size is read as it is, moved by at most half a pixel (``snap``);
    or it is resampled onto the grid (``resample``, bilinear) where it does not lie on it already. Other files
    are always resampled.
    """

    def __init__(self, *, align: Align = 'snap', max_open: int = 64) -> None:
        """Initialise a new WindowReader.

        Args:
            align: How files that lie between the grid's pixels are brought onto it.
            max_open: Files held open at once; the one used longest ago is closed first.

        Raises:
            ValueError: If ``align`` is unknown or ``max_open`` below 1.
        """
        if align not in ALIGNS:
            raise ValueError(f'align is {align!r}; choose one of {ALIGNS}.')
        if max_open < 1:
            raise ValueError(f'max_open is {max_open}; at least one file must be open to be read.')
        self.align, self.max_open = align, max_open
        self._handles: OrderedDict[tuple[str, Grid], _Opened] = OrderedDict()
        self._process = os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open handles behind: they do not survive a journey to another process."""
        return {'align': self.align, 'max_open': self.max_open, '_handles': OrderedDict(), '_process': -1}

    def read(
        self, capture: PlacedFile, grid: Grid, *, col: int, row: int, width_px: int, height_px: int
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Read a window of a capture.

        Args:
            capture: What to read.
            grid: Grid of its site.
            col: First column of the window on the grid.
            row: First row of the window on the grid.
            width_px: Columns of the window.
            height_px: Rows of the window.

        Returns:
            Pixels [C, height, width] in the file's own units, and which of them hold data, [height, width].

        Raises:
            UnreadableFileError: If a file has moved or cannot be read.
        """
        bands, valid = [], np.ones((height_px, width_px), dtype=bool)
        for path in capture.paths:
            opened = self._open(path, capture, grid)
            window = Window(col - opened.col, row - opened.row, width_px, height_px)
            try:
                bands.append(opened.file.read(_data_bands(opened.file), window=window))
                valid &= _valid(opened, window)
            except RasterioIOError as error:
                raise UnreadableFileError(_unreadable(path, error)) from error
        pixels = np.concatenate([part[:1] if len(capture.paths) > 1 else part for part in bands])
        if np.issubdtype(pixels.dtype, np.floating):
            valid &= np.isfinite(pixels).all(axis=0)
        return pixels, valid

    def valid(
        self, capture: PlacedFile, grid: Grid, *, col: int, row: int, width_px: int, height_px: int
    ) -> NDArray[np.bool_]:
        """Which pixels of a window hold data, [height, width]; see :meth:`read`."""
        if any('float' in self._open(path, capture, grid).file.dtypes[0] for path in capture.paths):
            return self.read(capture, grid, col=col, row=row, width_px=width_px, height_px=height_px)[1]
        valid = np.ones((height_px, width_px), dtype=bool)
        for path in capture.paths:
            opened = self._open(path, capture, grid)
            try:
                valid &= _valid(opened, Window(col - opened.col, row - opened.row, width_px, height_px))
            except RasterioIOError as error:
                raise UnreadableFileError(_unreadable(path, error)) from error
        return valid

    def close(self) -> None:
        """Close all files."""
        for opened in self._handles.values():
            opened.closing.close()
        self._handles.clear()

    def _open(self, path: str, capture: PlacedFile, grid: Grid) -> _Opened:
        if self._process != os.getpid():  # a forked worker must not share file positions with its parent
            self._handles, self._process = OrderedDict(), os.getpid()
        key = (path, grid)
        if key not in self._handles:
            while len(self._handles) >= self.max_open:
                self._handles.popitem(last=False)[1].closing.close()
            self._handles[key] = self._opened(path, capture, grid)
        self._handles.move_to_end(key)
        return self._handles[key]

    def _opened(self, path: str, capture: PlacedFile, grid: Grid) -> _Opened:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(rasterio.open(path))
            except RasterioIOError as error:
                raise UnreadableFileError(_unreadable(path, error)) from error
            col, row = round(capture.col0), round(capture.row0)
            own = not capture.warped and _lies_on(file, capture, grid)
            off_grid = max(abs(capture.col0 - col), abs(capture.row0 - row)) > _SAME_PIXEL
            if not own or (off_grid and self.align == 'resample'):
                col, row = int(np.floor(capture.col0)), int(np.floor(capture.row0))
                file = stack.enter_context(_warp(file, capture, grid, col, row))
            return _Opened(file, col, row, _has_mask(file), stack.pop_all())


def _lies_on(file: Any, capture: PlacedFile, grid: Grid) -> bool:
    """Whether a file has its capture's pixels; bands of one capture may differ (Sentinel-2: 10, 20 and 60 m)."""
    own, size = file.transform, (file.width, file.height)
    corner = (own.c - grid.x0) / grid.res_x - capture.col0, (grid.y0 - own.f) / grid.res_y - capture.row0
    return bool(
        np.allclose((own.a, -own.e), (grid.res_x, grid.res_y), rtol=1e-6)
        and np.allclose(corner, 0, atol=_SAME_PIXEL)
        and np.allclose(size, (capture.cols, capture.rows), atol=0.5)
    )


def _warp(file: Any, capture: PlacedFile, grid: Grid, col: int, row: int) -> WarpedVRT:
    """A view of a file on the site's grid; outside of the file there is no data."""
    return WarpedVRT(
        file,
        src_crs=around_middle(file.crs, *file.bounds[::2]),
        crs=grid.crs,
        transform=from_origin(grid.x0 + col * grid.res_x, grid.y0 - row * grid.res_y, grid.res_x, grid.res_y),
        width=int(np.ceil(capture.col0 + capture.cols)) - col,
        height=int(np.ceil(capture.row0 + capture.rows)) - row,
        resampling=Resampling.bilinear,
        add_alpha=file.nodata is None and ColorInterp.alpha not in file.colorinterp,
    )


def _data_bands(file: Any) -> list[int]:
    return [band for band, meaning in enumerate(file.colorinterp, start=1) if meaning != ColorInterp.alpha]


def _has_mask(file: Any) -> bool:
    return any(flags != [MaskFlags.all_valid] for flags in file.mask_flag_enums)


def _valid(opened: _Opened, window: Window) -> NDArray[np.bool_]:
    if not opened.masked:
        return np.ones((int(window.height), int(window.width)), dtype=bool)
    return np.asarray(opened.file.dataset_mask(window=window) > 0)


def _unreadable(path: str, error: Exception) -> str:
    if '://' not in path and not path.startswith('/vsi') and not os.path.exists(path):
        return f'{path} is not there. If the images moved, read the index with root=NEW_FOLDER (--data.init_args.root).'
    return f'{path} cannot be read ({error}). Fetch it again, or leave unreadable files out with on_error="skip".'
