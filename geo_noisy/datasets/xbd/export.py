"""xBD as georeferenced files: tiles as GeoTIFF, buildings as GeoParquet, for pipelines that take any region."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import Affine
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
    profile = {'driver': 'GTiff', 'dtype': 'uint8', 'count': 3, 'crs': CRS, 'transform': affine, 'compress': 'deflate'}
    size = {'height': image.shape[1], 'width': image.shape[2]}
    with whole_file(path) as unfinished, rasterio.open(unfinished, 'w', **profile, **size) as file:
        file.write(image)
