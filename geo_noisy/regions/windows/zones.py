"""Sites whose files chain across many zones: one CRS would distort their ends, so they are cut by zone."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj

from geo_noisy.regions.windows.lattice import Candidates

WGS84 = 'EPSG:4326'
MOST_DISTORTION = 0.03
"""Of a length. In UTM one zone away is off by 0.012, two zones by 0.034, four by a tenth."""


def utm_zone(left: float, bottom: float, right: float, top: float) -> str:
    """The UTM zone of the middle of a box in degrees; longitudes may run beyond 180.

    pyproj's look-up (``query_utm_crs_info``) takes a tenth of a second, and names several zones on a border.
    """
    zone = int(((left + right) / 2 + 180) // 6) % 60 + 1
    return f'EPSG:{32600 + zone if bottom + top >= 0 else 32700 + zone}'


def zone_of_files(files: pd.DataFrame, degrees: NDArray[np.float64]) -> NDArray[np.object_]:
    """The CRS of each file where it is projected, else the UTM zone of its middle; shape [n]."""
    projected = {name: CRS.from_user_input(name).is_projected for name in files['crs'].unique()}
    return np.array(
        [name if projected[name] else utm_zone(*box) for name, box in zip(files['crs'], degrees.tolist(), strict=True)],
        dtype=object,
    )


def distortion(name: str, degrees: NDArray[np.float64]) -> float:
    """By how much a CRS lengthens or shortens the ground at most, over the middles and corners of boxes in degrees."""
    left, bottom, right, top = degrees.T
    middle = (bottom + top) / 2
    lon = (np.concatenate([left, right, (left + right) / 2]) + 180) % 360 - 180
    factors = Proj(name).get_factors(lon, np.tile(middle, 3))
    scales = np.concatenate([factors.meridional_scale, factors.parallel_scale])
    return float(np.abs(scales - 1).max()) if np.isfinite(scales).all() else float('inf')


def cut_by_zone(
    zones: NDArray[np.object_], cut: NDArray[np.bool_], pairs: tuple[NDArray[np.int64], NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of files that meet and may share a site: all but those of two zones at a site that is cut.

    Args:
        zones: Zone of each file, [n].
        cut: Which files belong to a site that is cut, [n].
        pairs: Pairs of files that meet.
    """
    first, second = pairs
    kept = ~cut[first] | (zones[first] == zones[second])
    return first[kept], second[kept]


def on_own_ground(windows: Candidates, sites: pd.DataFrame, *, size_px: int) -> NDArray[np.bool_]:
    """Windows that meet none of an earlier zone of the same ground, [n]: no ground is two places.

    Args:
        windows: The windows of all locations.
        sites: Their grids, with ``ground``: which sites were cut from one.
        size_px: Side of a window.
    """
    own = np.ones(len(windows.site), dtype=bool)
    shared = sites['ground'].duplicated(keep=False).to_numpy()
    rows = np.flatnonzero(shared[windows.site])
    if len(rows) == 0:
        return own
    grid = sites.iloc[windows.site[rows]]
    left = grid['x0'].to_numpy() + windows.col[rows] * grid['res_x'].to_numpy()
    top = grid['y0'].to_numpy() - windows.row[rows] * grid['res_y'].to_numpy()
    width, height = (size_px * grid[name].to_numpy() for name in ('res_x', 'res_y'))
    boxes = np.asarray(shapely.box(left, top - height, left + width, top))
    for name in grid['crs'].unique():
        chosen = (grid['crs'] == name).to_numpy()
        boxes[chosen] = gpd.GeoSeries(boxes[chosen], crs=name).to_crs(WGS84).to_numpy()
    first, second = shapely.STRtree(boxes).query(boxes, predicate='intersects')
    site = windows.site[rows]
    lost = (site[first] > site[second]) & (shapely.area(shapely.intersection(boxes[first], boxes[second])) > 0)
    own[rows[first[lost]]] = False
    return own
