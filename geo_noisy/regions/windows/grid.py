"""The common pixel grid of the files of a place: sites, their CRS, resolution and origin."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo_noisy.regions.files.bounds import Bounds, file_bounds, transform_bounds
from geo_noisy.regions.files.exclusions import Exclusion, tally
from geo_noisy.regions.windows.antimeridian import in_one_piece, meeting
from geo_noisy.regions.windows.zones import MOST_DISTORTION, cut_by_zone, distortion, utm_zone, zone_of_files

WGS84 = 'EPSG:4326'
_UTM_LIMIT_DEG = 84.0
_SAME_RESOLUTION = 1e-6
_FINEST_RES = 1e-4  # a tenth of a millimetre
_PHASE_DIGITS = 3  # files whose grids agree to a thousandth of a pixel count as one grid


@dataclass(frozen=True)
class PlacedFiles:
    """Files on the grids of their sites.

    Attributes:
        sites: One row a site (a place whose files overlap): ``crs``, origin ``x0``, ``y0`` (upper left) and
            pixel size ``res_x``, ``res_y`` of its grid; ``ground`` numbers what was connected before zones were cut.
        files: The files, with ``site``, ``col0``, ``row0`` (upper left corner on the site's grid, in pixels and
            fractions), ``cols``, ``rows`` (extent in grid pixels), ``warped`` (whether CRS or resolution
            differ from the grid's) and ``shift_px`` (what snapping moves it by along x or y at most; 0 when warped).
        excluded: Files left out, and why.
    """

    sites: pd.DataFrame
    files: pd.DataFrame
    excluded: tuple[Exclusion, ...] = ()


def place_files(
    files: pd.DataFrame, *, crs: str | None = None, res: float | tuple[float, float] | None = None
) -> PlacedFiles:
    """Group files into sites and lay each site's grid.

    The target CRS is the stated one; else the one that all files share, if it is projected; else, for each
    site, the most common projected CRS of its files, or the UTM zone of its middle. A site that this would distort by
    more than 3 % is cut by zone first. The resolution is the
    stated one, else the most common of the site's files. The grid is that of the file (the earliest of the most
    common) which needs no resampling on it.

    Args:
        files: Table of :class:`~geo_noisy.regions.files.file_scan.FileScan`.
        crs: Target CRS, projected.
        res: Target pixel size in its units, for both axes or ``(x, y)``.

    Raises:
        ValueError: If the CRS is not projected or unknown, or the resolution is not positive.
    """
    target = _checked_crs(crs) if crs is not None else _shared_crs(files)
    resolution = _checked_res(res)
    if target is not None:
        files, bounds, problems = _in_crs(files, target)
        site = ground = components(bounds)
        targets = [target] * _count(site)
    else:
        files, bounds, problems = _in_degrees(files)
        site, ground = _sites_by_zone(files, bounds)
        targets = [_site_crs(files[site == k], bounds[site == k]) for k in range(_count(site))]
    parts = [
        _lay_grid(files[site == number].assign(site=number), CRS.from_user_input(name), name, resolution)
        for number, name in enumerate(targets)
    ]
    sites = pd.DataFrame([part[0] for part in parts], columns=['crs', 'x0', 'y0', 'res_x', 'res_y'])
    sites['ground'] = [int(ground[site == number][0]) for number in range(len(parts))]
    placed = pd.concat([part[1] for part in parts], ignore_index=True) if parts else files
    return PlacedFiles(sites, placed, tuple(tally('file', problems)))


def _count(site: NDArray[np.int64]) -> int:
    return int(site.max()) + 1 if len(site) else 0


def _sites_by_zone(files: pd.DataFrame, degrees: Bounds) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Site of each file, and the connected ground it was cut from where one CRS would distort it too much; each [n]."""
    pairs = meeting(degrees)
    ground = groups(*pairs, count=len(files))
    zones = zone_of_files(files, degrees)
    cut = np.zeros(len(files), dtype=bool)
    for number in range(_count(ground)):
        rows = ground == number
        several = len(np.unique(zones[rows])) > 1
        if several and distortion(_site_crs(files[rows], degrees[rows]), degrees[rows]) > MOST_DISTORTION:
            cut |= rows
    return groups(*cut_by_zone(zones, cut, pairs), count=len(files)), ground


def components(bounds: Bounds) -> NDArray[np.int64]:
    """Number the groups of boxes that are connected by overlaps; shape [n]."""
    boxes = shapely.box(*bounds.T)
    return groups(*shapely.STRtree(boxes).query(boxes, predicate='intersects'), count=len(boxes))


def groups(first: NDArray[np.int64], second: NDArray[np.int64], *, count: int) -> NDArray[np.int64]:
    """Number the groups of things that are connected by pairs; shape [count]."""
    graph = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _checked_crs(name: str) -> str:
    try:
        crs = CRS.from_user_input(name)
    except CRSError as error:
        raise ValueError(f'The target CRS {name!r} is unknown (--crs): {error}') from error
    if not crs.is_projected:
        raise ValueError(
            f'The target CRS {name} is not projected; windows need metres. Choose a UTM zone (--crs), for example.'
        )
    return name


def _checked_res(res: float | tuple[float, float] | None) -> tuple[float, float] | None:
    if res is None:
        return None
    pair = (float(res), float(res)) if isinstance(res, int | float) else (float(res[0]), float(res[1]))
    if not _FINEST_RES <= min(pair) <= max(pair) < math.inf:
        raise ValueError(f'res is {res}; the pixel size must be at least {_FINEST_RES:g}, in units of the CRS.')
    return pair


def _shared_crs(files: pd.DataFrame) -> str | None:
    names = files['crs'].unique()
    return str(names[0]) if len(names) == 1 and CRS.from_user_input(names[0]).is_projected else None


def _in_crs(files: pd.DataFrame, target: str) -> tuple[pd.DataFrame, Bounds, list[tuple[str, str]]]:
    bounds = transform_bounds(files, target)
    good = np.isfinite(bounds).all(axis=1) & (bounds[:, 0] < bounds[:, 2])
    problems = [(_unplaced(crs, target), paths[0]) for paths, crs in files.loc[~good, ['paths', 'crs']].to_numpy()]
    return files[good].reset_index(drop=True), bounds[good], problems


def _in_degrees(files: pd.DataFrame) -> tuple[pd.DataFrame, Bounds, list[tuple[str, str]]]:
    """Files with their bounds in degrees, in one piece, without those that no UTM zone serves."""
    bounds = in_one_piece(transform_bounds(files, WGS84))
    there = np.isfinite(bounds).all(axis=1)
    geographic = np.array([CRS.from_user_input(name).is_geographic for name in files['crs']])
    polar = there & geographic & (np.abs(bounds[:, [1, 3]]).max(axis=1) > _UTM_LIMIT_DEG)
    problems = [(_unplaced(crs, WGS84), paths[0]) for paths, crs in files.loc[~there, ['paths', 'crs']].to_numpy()]
    problems += [('too near a pole for UTM; state --crs, e.g. EPSG:3413', paths[0]) for paths in files['paths'][polar]]
    good = there & ~polar
    return files[good].reset_index(drop=True), bounds[good], problems


def _unplaced(crs: str, target: str) -> str:
    """Why a file has no bounds in a CRS."""
    if CRS.from_user_input(crs).is_engineering:
        return 'a local CRS, so where it lies is unknown; write the right one with gdal_edit.py -a_srs'
    return f'outside the reach of {target}'


def _site_crs(files: pd.DataFrame, degrees: Bounds) -> str:
    projected = [name for name in files.sort_values('time')['crs'] if CRS.from_user_input(name).is_projected]
    if projected:
        counts = Counter(projected)
        return str(max(counts, key=lambda name: (counts[name], -len(name))))  # of one CRS spelt twice, its short name
    if (degrees[:, 2] > 180).any():  # a site on both sides of 180 degrees
        degrees = degrees + np.where(degrees[:, [0]] < 0, [[360, 0, 360, 0]], 0)
    return utm_zone(*degrees[:, :2].min(axis=0), *degrees[:, 2:].max(axis=0))


def _lay_grid(
    files: pd.DataFrame, crs: CRS, name: str, resolution: tuple[float, float] | None
) -> tuple[dict[str, object], pd.DataFrame]:
    """The grid of one site, and its files on it."""
    bounds = transform_bounds(files, name)
    native = _unmoved(files, bounds)
    res_x, res_y = resolution or _common_res(files[native], files, bounds)
    same = native & np.isclose(files['res_x'], res_x, rtol=_SAME_RESOLUTION)
    same &= np.isclose(files['res_y'], res_y, rtol=_SAME_RESOLUTION)
    x0, y0 = _common_origin(bounds[same], files['time'].to_numpy()[same], (res_x, res_y), bounds)
    col0, row0 = (bounds[:, 0] - x0) / res_x, (y0 - bounds[:, 3]) / res_y
    shift = np.maximum(np.abs(col0 - np.round(col0)), np.abs(row0 - np.round(row0)))
    placed = files.assign(
        col0=col0,
        row0=row0,
        cols=(bounds[:, 2] - bounds[:, 0]) / res_x,
        rows=(bounds[:, 3] - bounds[:, 1]) / res_y,
        warped=~same,
        shift_px=np.where(same, shift, 0.0),
    )
    return {'crs': name, 'x0': x0, 'y0': y0, 'res_x': res_x, 'res_y': res_y}, placed


def _unmoved(files: pd.DataFrame, bounds: Bounds) -> NDArray[np.bool_]:
    """Files with the coordinates of the target, however their CRS is spelt; warping would give the same pixels."""
    pixel = files[['res_x', 'res_y', 'res_x', 'res_y']].to_numpy()
    return np.asarray((np.abs(bounds - file_bounds(files)) <= 10.0**-_PHASE_DIGITS * pixel).all(axis=1))


def _common_res(native: pd.DataFrame, files: pd.DataFrame, bounds: Bounds) -> tuple[float, float]:
    """The most common pixel size; of equally common ones the coarser, which invents no detail."""
    if len(native):
        counts = Counter(zip(native['res_x'], native['res_y'], strict=True))
        return max(counts, key=lambda res: (counts[res], res))
    spans = (bounds[:, 2] - bounds[:, 0]) / files['width'], (bounds[:, 3] - bounds[:, 1]) / files['height']
    square = float(np.median(np.sqrt(spans[0] * spans[1])))
    return square, square


def _common_origin(
    same: Bounds, times: NDArray[np.int64], res: tuple[float, float], bounds: Bounds
) -> tuple[float, float]:
    """Upper left corner of the earliest file on the most common grid."""
    if len(same) == 0:
        return float(np.floor(bounds[:, 0].min() / res[0]) * res[0]), float(
            np.ceil(bounds[:, 3].max() / res[1]) * res[1]
        )
    phases = [tuple(phase) for phase in np.round(np.mod(same[:, [0, 3]] / res, 1), _PHASE_DIGITS) % 1]
    counts = Counter(phases)
    order: Sequence[int] = np.argsort(times, kind='stable').tolist()
    best = max(order, key=lambda k: counts[phases[k]])
    return float(same[best, 0]), float(same[best, 3])
