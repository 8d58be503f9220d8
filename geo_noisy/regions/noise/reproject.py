"""Outlines in another CRS: their edges are straight in their own, and curves in the other."""

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

_EDGE_M = 500.0  # an edge so long bends by a few millimetres between longitude and latitude and UTM
_EARTH_M = 6_371_000.0


def reproject(outlines: gpd.GeoSeries, crs: str, *, near: NDArray[np.object_] | None = None) -> NDArray[np.object_]:
    """Outlines in another CRS, with edges cut into short ones before.

    Args:
        outlines: Outlines with a CRS, [n].
        crs: The CRS wanted.

        near: Outlines, in that CRS, around which those that it does not reach whole are cut off; [m].

    Returns:
        The outlines, [n]; what does not reach the CRS has infinite bounds.
    """
    own = CRS(outlines.crs)
    if own == CRS(crs):
        return np.asarray(outlines.to_numpy())
    axis = own.axis_info[0].unit_conversion_factor or 1.0  # to radians or metres
    longest = _EDGE_M / (axis * (_EARTH_M if own.is_geographic else 1.0))
    if near is not None and len(near):
        outlines = _cut(outlines, near, crs)
    return np.asarray(outlines.segmentize(longest).to_crs(crs).to_numpy())


def _cut(outlines: gpd.GeoSeries, near: NDArray[np.object_], crs: str) -> gpd.GeoSeries:
    """Outlines without what lies far from some shapes: of a country or the world, a CRS reaches a part alone."""
    change = Transformer.from_crs(crs, outlines.crs, always_xy=True)
    left, bottom, right, top = change.transform_bounds(*shapely.total_bounds(near))
    wide, high = right - left, top - bottom
    if not (wide > 0 and high > 0 and np.isfinite([wide, high]).all()):  # on both sides of 180 degrees
        return outlines
    ground = shapely.box(left - wide, bottom - high, right + wide, top + high)
    shapes = outlines.to_numpy().copy()
    beyond = np.flatnonzero(shapely.intersects(shapes, ground) & ~shapely.covers(ground, shapes))
    shapes[beyond] = shapely.intersection(shapely.make_valid(shapes[beyond]), ground)
    return gpd.GeoSeries(shapes, crs=outlines.crs)


def union_in(outlines: gpd.GeoSeries, crs: str, *, near: NDArray[np.object_] | None = None) -> shapely.Geometry:
    """The ground that outlines cover together, in another CRS; see :func:`reproject`."""
    return shapely.union_all(reproject(outlines, crs, near=near))
