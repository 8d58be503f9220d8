"""Reads windows of captures on their site's grid, with file handles kept open."""

import math
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError

from geo_noisy.regions.files.paths import is_far, is_local
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.files.remote import Remote, asked, repeated, what_went_wrong
from geo_noisy.regions.windows.granules import FileMask, Granule, Grid, PlacedCapture
from geo_noisy.regions.windows.opened import ALIGNS, SAME_PIXEL, Align, Opened, open_on_grid

Read = tuple[NDArray[Any], NDArray[np.bool_]]


class UnreadableFileError(OSError):
    """A file of the index that has moved, is incomplete, or is broken."""


class Box(NamedTuple):
    """A window on a site's grid."""

    col: int
    row: int
    width_px: int
    height_px: int

    def within(self, other: 'Box') -> 'Box':
        """What two windows have in common; of no size where that is nothing."""
        col, row = max(self.col, other.col), max(self.row, other.row)
        right = min(self.col + self.width_px, other.col + other.width_px)
        bottom = min(self.row + self.height_px, other.row + other.height_px)
        return Box(col, row, max(right - col, 0), max(bottom - row, 0))

    def slices(self, inner: 'Box') -> tuple[slice, slice]:
        """Rows and columns of a window inside of this one."""
        top, left = inner.row - self.row, inner.col - self.col
        return slice(top, top + inner.height_px), slice(left, left + inner.width_px)


class _OpenFiles(LRUCache[tuple[str, Grid, bool], Opened]):
    """Open files; the one used longest ago is closed first."""

    def popitem(self) -> tuple[tuple[str, Grid, bool], Opened]:
        """Close a file and forget it."""
        key, opened = super().popitem()
        opened.closing.close()
        return key, opened


class _Thread(threading.local):
    """What a thread holds open; GDAL's handles serve one thread each, and no process but the one that opened them."""

    def __init__(self, max_open: int) -> None:
        self.files, self.process = _OpenFiles(max_open), os.getpid()
        # At exit, too: later GDAL would tell of trouble where there is no Python left.
        weakref.finalize(self, self.files.clear)


class WindowReader:
    """Reads windows of captures; keeps one open handle for each file, in each process and thread its own.

    A file that has the grid's CRS and pixel size is read as it is, moved by at most half a pixel (``snap``);
    or it is resampled onto the grid (``resample``) where it does not lie on it already. Other files
    are always resampled: bilinear, classes and masks by the nearest pixel. Where one granule of a capture has no data,
    the others of its overpass are read.
    """

    def __init__(self, *, align: Align = 'snap', max_open: int = 64, remote: Remote | None = None) -> None:
        """Initialise a new WindowReader.

        Args:
            align: How files that lie between the grid's pixels are brought onto it.
            max_open: Files that a thread holds open at once; the one used longest ago is closed first.
            remote: How files at addresses are read; None leaves it to who asked for them.

        Raises:
            ValueError: If ``align`` is unknown or ``max_open`` below 1.
        """
        if align not in ALIGNS:
            raise ValueError(f'align is {align!r}; choose one of {ALIGNS}.')
        if max_open < 1:
            raise ValueError(f'max_open is {max_open}; at least one file must be open to be read.')
        self.align, self.max_open, self.remote = align, max_open, remote
        self._own = _Thread(max_open)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open handles behind: they do not survive a journey to another process."""
        return {name: value for name, value in self.__dict__.items() if name != '_own'}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start without open handles."""
        self.__dict__.update(state)
        self._own = _Thread(self.max_open)

    def read(self, capture: PlacedCapture, box: Box) -> Read:
        """Read a window of a capture.

        Returns:
            Pixels [C, height, width] in the units of the index, and which of them hold data, [height, width].

        Raises:
            UnreadableFileError: If a file has moved or cannot be read.
        """
        return self._mosaic(capture, box, self._pixels)

    def valid(self, capture: PlacedCapture, box: Box) -> NDArray[np.bool_]:
        """Which pixels of a window hold data, [height, width]; see :meth:`read`."""
        return self._mosaic(capture, box, self._no_pixels)[1]

    def cloudy(self, capture: PlacedCapture, box: Box) -> NDArray[np.bool_]:
        """Which pixels of a window are cloud by the capture's masks, [height, width]."""
        found, valid = self._mosaic(capture, box, self._clouds)
        return np.asarray(found[0].astype(bool) & valid)

    def covers(self, capture: PlacedCapture, box: Box) -> bool:
        """Whether a capture's files reach into a window."""
        parts = (box.within(extent_of(granule, self.align)) for granule in capture.granules)
        return any(part.width_px and part.height_px for part in parts)

    def close(self) -> None:
        """Close all files of this thread."""
        self._own.files.clear()

    def _mosaic(self, capture: PlacedCapture, box: Box, read: Callable[[Granule, Grid, Box], Read]) -> Read:
        """Read a window of a capture from its granules; again where an address is read and the fault may pass."""
        with asked(self.remote):
            return repeated(
                (path for granule in capture.granules for path in granule.paths),
                lambda: _mosaic(capture, box, self.align, lambda granule, part: read(granule, capture.grid, part)),
                on=UnreadableFileError,
                forget=self.close,
            )

    def _pixels(self, granule: Granule, grid: Grid, box: Box) -> Read:
        """Pixels of a granule, and which hold data."""
        bands: list[NDArray[Any]] = [np.empty(0)] * granule.bands
        valid = np.ones((box.height_px, box.width_px), dtype=bool)
        whole: NDArray[Any] | None = None
        for path, numbers, slots, nearest in granule.parts:
            with _told(path):
                opened = self._open(path, granule, grid, nearest=nearest)
                window = opened.window(*box)
                pixels = opened.file.read(list(numbers), window=window)
                valid &= opened.valid(window, pixels)
            if len(granule.parts) == 1:
                whole = pixels
            for slot, band in zip(slots, pixels, strict=True):
                bands[slot] = band
        found = whole if whole is not None else np.stack(bands)
        if np.issubdtype(found.dtype, np.floating):
            valid &= np.isfinite(found).all(axis=0)
        if granule.gain is not None and granule.bias is not None:
            found = found.astype(np.float32) * granule.gain[:, None, None] + granule.bias[:, None, None]
        return found, self._unmasked(granule, grid, box, valid)

    def _no_pixels(self, granule: Granule, grid: Grid, box: Box) -> Read:
        """Which pixels of a granule hold data, read from as few files as tell it.

        All bands of a known product see the same ground: where no mask tells which, the file with the fewest pixels
        does.
        """
        opened = [(part, self._open(part.path, granule, grid, nearest=part.nearest)) for part in granule.parts]
        if granule.alike and granule.tells_nodata:
            opened = []
        elif granule.alike:
            opened = [min(opened, key=lambda item: item[1].own_px)]
        valid = np.ones((box.height_px, box.width_px), dtype=bool)
        for part, file in opened:
            with _told(part.path):
                window = file.window(*box)
                pixels = file.file.read(list(part.numbers), window=window) if file.needs_pixels() else None
                valid &= file.valid(window, pixels)
                if pixels is not None and np.issubdtype(pixels.dtype, np.floating):
                    valid &= np.isfinite(pixels).all(axis=0)
        return np.empty((0, box.height_px, box.width_px)), self._unmasked(granule, grid, box, valid)

    def _clouds(self, granule: Granule, grid: Grid, box: Box) -> Read:
        """Which pixels of a granule are cloud, as one band, and which hold data."""
        cloud = np.zeros((1, box.height_px, box.width_px), dtype=np.uint8)
        for mask in granule.masks:
            if mask.codes.tells_cloud:
                values = self._mask_values(mask, granule, grid, box)
                cloud[0] |= _marked(values, mask.codes.cloud, mask.codes.cloud_bits)
        return cloud, self._no_pixels(granule, grid, box)[1]

    def _unmasked(self, granule: Granule, grid: Grid, box: Box, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Valid pixels without those that a mask takes for no data."""
        for mask in granule.masks:
            if mask.codes.nodata or mask.codes.nodata_bits:
                values = self._mask_values(mask, granule, grid, box)
                valid = valid & ~_marked(values, mask.codes.nodata, mask.codes.nodata_bits)
        return valid

    def _mask_values(self, mask: FileMask, granule: Granule, grid: Grid, box: Box) -> NDArray[Any]:
        with _told(mask.path):
            opened = self._open(mask.path, granule, grid, nearest=True)
            return np.asarray(opened.file.read(mask.number, window=opened.window(*box)))

    def _open(self, path: str, granule: Granule, grid: Grid, *, nearest: bool) -> Opened:
        if self._own.process != os.getpid():  # a forked worker must not share file positions with its parent
            self._own.files, self._own.process = _OpenFiles(self.max_open), os.getpid()
        files, key = self._own.files, (path, grid, nearest)
        if key not in files:
            if len(files) == self.max_open:
                files.popitem()
            with _told(path):
                files[key] = open_on_grid(path, granule, grid, align=self.align, nearest=nearest)
        return files[key]


def _mosaic(capture: PlacedCapture, box: Box, align: Align, read: Callable[[Granule, Box], Read]) -> Read:
    """Read a window from the granules of a capture, each where those before it have no data."""
    found: NDArray[Any] | None = None
    valid = np.zeros((box.height_px, box.width_px), dtype=bool)
    for granule in capture.granules:
        part = box.within(extent_of(granule, align))
        if part.width_px == 0 or part.height_px == 0:
            continue
        pixels, there = read(granule, part)
        if part == box and found is None:
            found, valid = pixels, there
        else:
            whole = np.zeros((len(pixels), *valid.shape), dtype=pixels.dtype) if found is None else found
            found = whole.astype(np.result_type(whole, pixels), copy=found is not None)
            rows, cols = box.slices(part)
            fresh = there & ~valid[rows, cols]
            found[:, rows, cols][:, fresh] = pixels[:, fresh]
            valid[rows, cols] |= there
        if valid.all():
            break
    if found is None:
        raise ValueError(f'{box} lies outside of {capture.granules[0].path}.')
    return found, valid


def extent_of(granule: Granule, align: Align) -> Box:
    """Pixels of the grid that a granule's files have once they are open."""
    edges = (granule.col0, granule.row0, granule.col0 + granule.cols, granule.row0 + granule.rows)
    left, top, right, bottom = map(round, edges)
    off_grid = max(abs(edges[0] - left), abs(edges[1] - top)) > SAME_PIXEL
    if granule.warped or (off_grid and align == 'resample'):
        left, top, right, bottom = *map(math.floor, edges[:2]), *map(math.ceil, edges[2:])
    return Box(left, top, right - left, bottom - top)


def _marked(values: NDArray[Any], codes: tuple[int, ...], bits: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where a mask holds one of some values, or has one of some bits set."""
    marked = np.isin(values, codes) if codes else np.zeros(values.shape, dtype=bool)
    if bits:
        marked |= (values.astype(np.int64) & sum(1 << bit for bit in bits)) > 0
    return marked


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Tell errors of reading with the file and the remedy."""
    try:
        yield
    except (RasterioIOError, RasterProblemError) as error:
        raise UnreadableFileError(_unreadable(path, error)) from error


def _unreadable(path: str, error: Exception) -> str:
    if is_local(path) and not os.path.exists(path):
        return f'{path} is not there. If the images moved, read the index with root=NEW_FOLDER (--data.init_args.root).'
    if is_far(path):
        return f'{path} cannot be read: {what_went_wrong(error)}. on_error="skip" leaves unreadable files out.'
    return f'{path} cannot be read ({error}). Fetch it again, or leave unreadable files out with on_error="skip".'
