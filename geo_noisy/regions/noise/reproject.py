"""Outlines in another CRS: their edges are straight in their own, and curves in the other."""

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

_EDGE_M = 500.0  # an edge so long bends by a few millimetres between longitude and latitude and UTM
_EARTH_M = 6_371_000.0


def reproject(outlines: gpd.GeoSeries, crs: str) -> NDArray[np.object_]:
    """Outlines in another CRS, with edges cut into short ones before.

    Args:
        outlines: Outlines with a CRS, [n].
        crs: The CRS wanted.

    Returns:
        The outlines, [n]; what does not reach the CRS has infinite bounds.
    """
    own = CRS(outlines.crs)
    if own == CRS(crs):
        return np.asarray(outlines.to_numpy())
    axis = own.axis_info[0].unit_conversion_factor or 1.0  # to radians or metres
    longest = _EDGE_M / (axis * (_EARTH_M if own.is_geographic else 1.0))
    return np.asarray(outlines.segmentize(longest).to_crs(crs).to_numpy())


def union_in(outlines: gpd.GeoSeries, crs: str) -> shapely.Geometry:
    """The ground that outlines cover together, in another CRS."""
    return shapely.union_all(reproject(outlines, crs))
