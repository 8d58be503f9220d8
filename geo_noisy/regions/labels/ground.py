"""The ground that was labelled."""

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_bounds

from geo_noisy.errors import InputError
from geo_noisy.regions.labels.options import RegionLabels
from geo_noisy.regions.noise.polygon_files import read_polygons
from geo_noisy.regions.noise.reproject import union_in
from geo_noisy.regions.tables import RegionTables


class LabelledGround:
    """Which pixels of a window lie on the ground that was labelled; by default all."""

    def __init__(self, tables: RegionTables, labels: RegionLabels) -> None:
        """Initialise a new LabelledGround.

        Args:
            tables: The windows.
            labels: Whose ``ground`` says where was labelled.

        Raises:
            InputError: If no window meets it.
        """
        self._ground: dict[str, shapely.Geometry] = {}
        if labels.ground is None:
            return
        option = 'data.init_args.labels.ground_layer'
        outlines = read_polygons(
            labels.ground,
            layer=labels.ground_layer,
            crs=labels.crs,
            layer_option=option,
            crs_option='data.init_args.labels.crs',
        ).geometry
        boxes = tables.windows()
        self._ground = {crs: union_in(outlines, crs, near=boxes[rows]) for rows, crs in tables.by_crs()}
        if not any(shapely.intersects(self._ground[crs], boxes[rows]).any() for rows, crs in tables.by_crs()):
            raise InputError(f'The labelled ground {labels.ground} meets none of {len(tables)} windows.')

    def mask(self, window: shapely.Geometry, crs: str, *, size_px: int) -> NDArray[np.bool_]:
        """Which pixels of a window have their middle on it, [size_px, size_px].

        Args:
            window: Its box.
            crs: The CRS of the box.
            size_px: Pixels along a side.
        """
        whole = np.ones((size_px, size_px), dtype=bool)
        if not self._ground:
            return whole
        piece = areas_of(shapely.intersection(self._ground[crs], window))
        if piece.is_empty:
            return ~whole
        grid = from_bounds(*window.bounds, size_px, size_px)
        drawn = rasterio.features.rasterize([(piece, 1)], out_shape=whole.shape, transform=grid, dtype='uint8')
        return np.asarray(drawn == 1)


def areas_of(outline: shapely.Geometry) -> shapely.Geometry:
    """The parts of a shape that have an area: lines and points would be drawn as rows of pixels."""
    if outline.geom_type in ('Polygon', 'MultiPolygon'):
        return outline
    parts = shapely.get_parts(outline)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
