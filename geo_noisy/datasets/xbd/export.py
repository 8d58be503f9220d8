"""xBD as georeferenced files: tiles as GeoTIFF, buildings as GeoParquet, for pipelines that take any region."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT
from torchgeo.datasets.utils import Path as PathLike

from geo_noisy.datasets.xbd.geo import CRS, moved_origin
from geo_noisy.datasets.xbd.labels import CLASSES, CODES, read_label
from geo_noisy.datasets.xbd.pixels import decode_image
from geo_noisy.whole_file import whole_file

DATES = ('pre', 'post')
_SUBTYPES = np.array(('', *CODES))


def write_geotiffs(index: gpd.GeoDataFrame, folder: PathLike, *, tile_px: int) -> list[str]:
    """Write both dates of every tile whose image has an affine.

    Args:
        index: Rows of :attr:`XBDPairs.index`.
        folder: Where to write ``<image>_<tile>_<YYYYMMDDTHHMMSS>.tif``, in longitude and latitude.
        tile_px: Side of a tile.

    Returns:
        The paths, image by image.
    """
    paths = []
    placed = index[index.geometry.notna()]
    for _, tiles in placed.groupby('image', sort=True):
        for date in DATES:
            image = decode_image(tiles[f'path_{date}'].iloc[0])
            for tile in tiles.to_dict('records'):
                row, col = tile['row_px'], tile['col_px']
                path = Path(folder) / f'{tile["image"]}_{tile["tile"]}_{tile[f"time_{date}"]:%Y%m%dT%H%M%S}.tif'
                affine = moved_origin(Affine(*tile[f'affine_{date}']), row_px=row, col_px=col)
                _write(path, image[:, row : row + tile_px, col : col + tile_px], affine)
                paths.append(str(path))
    return paths


def write_north_up(index: gpd.GeoDataFrame, folder: PathLike) -> list[str]:
    """Write both dates of every image that has an affine, north up in metres of its UTM zone, on one grid.

    Pixels are resampled (bilinear); those outside of the image are masked.

    Args:
        index: Rows of :attr:`XBDPairs.index`.
        folder: Where to write ``<image>_<YYYYMMDDTHHMMSS>.tif``.

    Returns:
        The paths, image by image.
    """
    paths = []
    placed = index[index.geometry.notna()]
    for name, tiles in placed.groupby('image', sort=True):
        first, crs = tiles.iloc[0], tiles.estimate_utm_crs()
        grid: dict[str, Any] = {}
        for date in DATES:
            path = Path(folder) / f'{name}_{first[f"time_{date}"]:%Y%m%dT%H%M%S}.tif'
            with MemoryFile() as memory:
                _fill(memory, decode_image(first[f'path_{date}']), Affine(*first[f'affine_{date}']))
                with memory.open() as file, WarpedVRT(file, crs=crs, resampling=Resampling.bilinear, add_alpha=True,
                                                      **grid) as warped:  # fmt: skip
                    grid = {'transform': warped.transform, 'width': warped.width, 'height': warped.height}
                    _write_masked(path, warped)
            paths.append(str(path))
    return paths


def write_polygons(index: gpd.GeoDataFrame, path: PathLike, *, repair: bool = False) -> int:
    """Write the buildings of both dates of all images that have tiles in an index.

    Args:
        index: Rows of :attr:`XBDPairs.index`.
        path: GeoParquet file with ``uid``, ``image``, ``disaster``, ``date`` (pre or post), ``time``, ``damage``
            (the subtype; empty where a pre-disaster label states none), ``damaged`` and ``geometry``.
        repair: Mend bad polygons.

    Returns:
        Number of rows.
    """
    images = index.drop_duplicates('image').to_dict('records')
    parts = [_buildings(image, date, repair) for image in images for date in DATES]
    table = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry='geometry', crs=CRS)
    with whole_file(Path(path)) as unfinished:
        table.to_parquet(unfinished)
    return len(table)


def _buildings(image: dict[str, object], date: str, repair: bool) -> gpd.GeoDataFrame:
    label = read_label(Path(str(image[f'label_{date}'])), post=date == 'post', repair=repair)
    there = label.take(~shapely.is_missing(label.world))
    damage = _SUBTYPES[there.codes] if date == 'post' else np.full(len(there), CLASSES[1])
    columns = {
        'uid': list(there.uids),
        'image': image['image'],
        'disaster': image['disaster'],
        'date': date,
        'time': pd.Series([label.time] * len(there), dtype='datetime64[us, UTC]'),
        'damage': damage,
        'damaged': np.isin(damage, CLASSES[2:]),
    }
    return gpd.GeoDataFrame(columns, geometry=there.world, crs=CRS)


def _write(path: Path, image: NDArray[np.uint8], affine: Affine) -> None:
    with whole_file(path) as unfinished, rasterio.open(unfinished, 'w', **_profile(image, affine)) as file:
        file.write(image)


def _fill(memory: MemoryFile, image: NDArray[np.uint8], affine: Affine) -> None:
    with memory.open(**_profile(image, affine)) as file:
        file.write(image)


def _profile(image: NDArray[np.uint8], affine: Affine) -> dict[str, Any]:
    size = {'count': 3, 'height': image.shape[1], 'width': image.shape[2], 'dtype': 'uint8'}
    return size | {'driver': 'GTiff', 'crs': CRS, 'transform': affine, 'compress': 'deflate'}


def _write_masked(path: Path, warped: WarpedVRT) -> None:
    profile = {'driver': 'GTiff', 'dtype': 'uint8', 'count': 3, 'compress': 'deflate', 'tiled': True}
    grid = {name: getattr(warped, name) for name in ('crs', 'transform', 'width', 'height')}
    masks = rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True)
    with whole_file(path) as unfinished, masks, rasterio.open(unfinished, 'w', **profile, **grid) as file:
        file.write(warped.read((1, 2, 3)))
        file.write_mask(warped.read(4))
