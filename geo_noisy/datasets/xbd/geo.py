"""Where xBD images lie: an affine from pixels to longitude and latitude, fitted from the labels."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from rasterio import Affine

from geo_noisy.datasets.xbd.labels import Label

CRS = 'EPSG:4326'
_ITERATIONS = 50
_SMALLEST_RESIDUAL_M = 1e-4
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class GeoFit:
    """An affine from pixels to longitude and latitude (WGS 84), and how well it fits.

    Attributes:
        affine: Takes (x, y) in pixels to (longitude, latitude) in degrees.
        median_m: Median distance between the fitted and the stated place of a polygon corner, in metres.
        largest_m: Largest such distance, in metres.
        corners: Number of polygon corners that the fit used.
    """

    affine: Affine
    median_m: float
    largest_m: float
    corners: int


def fit_label(label: Label) -> GeoFit | None:
    """Fit the affine of one image from its polygons; None for an image without buildings."""
    pixels, world = corner_pairs(label)
    return fit_affine(pixels, world) if _spans_plane(pixels) else None


def corner_pairs(label: Label) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners of the buildings whose two outlines have equally many: pixels [n, 2] and degrees [n, 2]."""
    both = label.world != np.array(None)
    sizes = shapely.get_num_coordinates(label.polygons), shapely.get_num_coordinates(label.world)
    kept = both & (sizes[0] == sizes[1])
    return shapely.get_coordinates(label.polygons[kept]), shapely.get_coordinates(label.world[kept])


def fit_affine(pixels: NDArray[np.float64], world: NDArray[np.float64]) -> GeoFit:
    """Fit an affine that makes the sum of distances (not of their squares) least, so that slips do not pull it.

    Iteratively reweighted least squares: each corner weighs one over its distance at the step before.

    Args:
        pixels: Corners (x, y) in pixels, shape [n, 2]; at least three that are not on one line.
        world: The same corners as (longitude, latitude) in degrees, shape [n, 2].

    Raises:
        ValueError: If the corners lie on one line or are fewer than three.
    """
    if not _spans_plane(pixels):
        raise ValueError(f'{len(pixels)} corners do not span a plane: an affine needs three that are not on one line.')
    centre, metres = world.mean(axis=0), _metres_per_degree(world)
    middle, spread = pixels.mean(axis=0), np.ptp(pixels, axis=0).max()
    columns = np.column_stack([(pixels - middle) / spread, np.ones(len(pixels))])
    target = (world - centre) * metres
    weights = np.ones(len(pixels))
    for _ in range(_ITERATIONS):
        root = np.sqrt(weights)[:, None]
        solution = np.linalg.lstsq(columns * root, target * root, rcond=None)[0]
        distance = np.hypot(*(columns @ solution - target).T)
        weights = 1 / np.maximum(distance, _SMALLEST_RESIDUAL_M)
    linear = solution[:2].T / spread / metres[:, None]
    offset = solution[2] / metres + centre - linear @ middle
    affine = Affine(linear[0, 0], linear[0, 1], offset[0], linear[1, 0], linear[1, 1], offset[1])
    residuals = residuals_m(affine, pixels, world)
    return GeoFit(affine, float(np.median(residuals)), float(residuals.max()), len(pixels))


def residuals_m(affine: Affine, pixels: NDArray[np.float64], world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance on the ellipsoid between where an affine takes pixels and where they are said to be, in metres [n]."""
    fitted = apply_affine(affine, pixels)
    return np.asarray(Geod(ellps='WGS84').inv(*fitted.T, *world.T)[2])


def apply_affine(affine: Affine, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where an affine takes points (x, y), shape [n, 2]."""
    linear = np.array([[affine.a, affine.b], [affine.d, affine.e]])
    return np.asarray(points @ linear.T + (affine.c, affine.f))


def moved_origin(affine: Affine, *, row_px: int, col_px: int) -> Affine:
    """The affine of a window that starts at a row and a column."""
    x, y = apply_affine(affine, np.array([[col_px, row_px]], dtype=float))[0]
    return Affine(affine.a, affine.b, x, affine.d, affine.e, y)


def footprint(affine: Affine, *, row_px: int, col_px: int, tile_px: int) -> shapely.Polygon:
    """Outline of a tile in the coordinates that the affine leads to."""
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * tile_px + (col_px, row_px)
    return shapely.Polygon(apply_affine(affine, corners))


def _metres_per_degree(world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rough size of a degree of longitude and of latitude, to weigh both alike."""
    return _METRES_PER_DEGREE * np.array([np.cos(np.radians(world[:, 1].mean())), 1.0])


def _spans_plane(pixels: NDArray[np.float64]) -> bool:
    return len(pixels) >= 3 and int(np.linalg.matrix_rank(pixels - pixels.mean(axis=0), tol=1.0)) == 2
