"""Rasters of change, read as polygons."""

import os
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError

from geo_noisy.errors import InputError
from geo_noisy.regions.files.date_formats import Formats
from geo_noisy.regions.noise.polygons import ChangePolygons, change_polygons


def change_raster(
    *paths: str | os.PathLike[str], event_date: str | None = None, date_format: Formats = None
) -> ChangePolygons:
    """Read change rasters as polygons, pixel by pixel exact; noise is unknown where they hold no data.

    Args:
        paths: Rasters whose first band is 0 where nothing changed.
        event_date: See :func:`change_polygons`.
        date_format: Its format, as in ``datetime.strptime``.

    Raises:
        InputError: If a raster cannot be read or has no CRS, or nothing changed in any.
    """
    parts = [_trace(path) for path in paths]
    changed, ground = (
        gpd.GeoDataFrame(geometry=pd.concat([part[k].to_crs(parts[0].changed.crs) for part in parts])) for k in range(2)
    )
    if changed.empty:
        raise InputError(f'Nothing changed in {", ".join(map(str, paths))}: band 1 is 0 everywhere.')
    return change_polygons(changed, event_date=event_date, date_format=date_format, ground=ground)


class _Traced(NamedTuple):
    """Outlines of the pixels of a raster that changed, and of those that hold data."""

    changed: gpd.GeoSeries
    ground: gpd.GeoSeries


def _trace(path: str | os.PathLike[str]) -> _Traced:
    try:
        with rasterio.open(path) as file:
            if file.crs is None:
                raise InputError(f'{path} has no CRS; write one with gdal_edit -a_srs.')
            band, grid, crs = file.read(1, masked=True), file.transform, file.crs.to_wkt()
    except RasterioIOError as error:
        raise InputError(f'The change raster {path} cannot be read: {error}') from error
    known = ~np.ma.getmaskarray(band)
    return _Traced(*(_outlines(mask, grid, crs) for mask in (known & (band.data != 0), known)))


def _outlines(mask: NDArray[np.bool_], grid: rasterio.Affine, crs: str) -> gpd.GeoSeries:
    found = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4, transform=grid)
    return gpd.GeoSeries([shapely.geometry.shape(outline) for outline, _ in found], crs=crs)
