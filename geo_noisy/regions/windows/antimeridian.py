"""Ground on both sides of 180 degrees, and longitudes that are counted from 0 to 360."""

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS

Degrees = NDArray[np.float64]
"""Rows ``(left, bottom, right, top)`` in degrees, shape [n, 4]."""


def in_one_piece(bounds: Degrees) -> Degrees:
    """Bounds with the left edge in [-180, 180) and the right one beyond it, over 180 where they cross.

    Args:
        bounds: As PROJ gives them (left above right where they cross), or counted from 0 to 360.
    """
    found = bounds.copy()
    there = np.isfinite(bounds).all(axis=1)
    left, _, right, _ = bounds[there].T
    turns = 360 * np.floor((left + 180) / 360)
    found[there, 0] = left - turns
    found[there, 2] = np.where(right < left, right + 360, right) - turns
    return found


def meeting(bounds: Degrees) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of bounds in one piece that meet, on the sphere: numbers of the one and of the other."""
    boxes = shapely.box(*bounds.T)
    tree = shapely.STRtree(boxes)
    first, second = tree.query(boxes, predicate='intersects')
    across = np.flatnonzero(bounds[:, 2] > 180)
    beyond = shapely.box(*(bounds[across] - (360, 0, 360, 0)).T)
    crossing, other = tree.query(beyond, predicate='intersects')
    return np.concatenate([first, across[crossing]]), np.concatenate([second, other])


def unwrapped(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Outlines in degrees with the parts at -180 moved to the other side, so that each is in one piece."""
    left, _, right, _ = shapely.bounds(shapes).T
    wrapped = np.flatnonzero(right - left > 180)
    moved = shapes.copy()
    moved[wrapped] = shapely.transform(shapes[wrapped], lambda xy: xy + np.where(xy < [[0, -np.inf]], [[360, 0]], 0))
    return moved


def around_middle(crs: CRS, left: float, right: float) -> CRS:
    """A CRS whose longitudes lie around the middle of a file, in place of around 0.

    Args:
        crs: CRS of the file.
        left: Its left edge, in units of its CRS.
        right: Its right edge.

    Returns:
        The CRS itself where it is not geographic, or the file keeps to -180 to 180.
    """
    if crs is None or not crs.is_geographic or (left >= -180 and right <= 180):
        return crs
    # Not by GDAL's own CENTER_LONG: it keeps transformations by the CRS without that, and gives them to other files.
    return CRS.from_proj4(f'{crs.to_proj4()} +lon_wrap={(left + right) / 2:.0f}')
