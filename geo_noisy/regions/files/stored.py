"""What an index knows of a file, compared whenever the file is opened: another one in its place is never read."""

from typing import Any, NamedTuple

from rasterio.crs import CRS
from rasterio.warp import transform_bounds

from geo_noisy.errors import InputError

_SAME = 1e-3  # of a pixel


class ChangedFileError(InputError):
    """A file of an index that is not the one that was indexed."""


class Stored(NamedTuple):
    """A file as it was when it was indexed."""

    width: int
    height: int
    bands: int
    """Its bands, alpha included."""
    dtype: str
    """Type of its first band."""
    x0: float
    y0: float
    res_x: float
    res_y: float
    own_crs: bool
    """Whether it stated its CRS itself."""


def check_stored(file: Any, stored: Stored, *, path: str, crs: str) -> None:
    """Compare a file with what the index knows of it.

    Args:
        file: The open file.
        stored: What it was.
        path: Its path.
        crs: Its CRS, where it states one.

    Raises:
        ChangedFileError: If it is another one; with both values.
    """
    grid = file.transform
    pairs = (
        ('pixels', f'{file.width} x {file.height}', f'{stored.width} x {stored.height}'),
        ('bands', f'{file.count} bands', f'{stored.bands} bands'),
        ('type', file.dtypes[0], stored.dtype),
        ('pixel size', f'{grid.a:.9g} x {-grid.e:.9g}', f'{stored.res_x:.9g} x {stored.res_y:.9g}'),
    )
    for what, now, then in pairs:
        if now != then:
            raise _changed(path, what, now, then)
    off = max(abs(grid.c - stored.x0) / stored.res_x, abs(grid.f - stored.y0) / stored.res_y)
    if off > _SAME:
        raise _changed(
            path, 'upper left corner', f'({grid.c:.9g}, {grid.f:.9g})', f'({stored.x0:.9g}, {stored.y0:.9g})'
        )
    if (file.crs is not None) != stored.own_crs or (stored.own_crs and not _same_crs(file, crs)):
        raise _changed(path, 'CRS', str(file.crs), crs)


def _same_crs(file: Any, crs: str) -> bool:
    """Whether a CRS is the file's, or gives the same coordinates: one may be spelt in two ways."""
    wanted = CRS.from_user_input(crs)
    if file.crs == wanted:
        return True
    if file.crs.is_geographic != wanted.is_geographic:
        return False
    moved = transform_bounds(file.crs, wanted, *file.bounds)
    most = _SAME * abs(file.transform.a)
    return bool(max(abs(a - b) for a, b in zip(moved, file.bounds, strict=True)) <= most)


def _changed(path: str, what: str, now: str, then: str) -> ChangedFileError:
    return ChangedFileError(
        f'{path} is not the file that was indexed: its {what} is {now}, and was {then}. Put it back, or index again.'
    )
