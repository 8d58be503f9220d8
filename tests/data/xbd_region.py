"""The real xBD pairs written as a region: north-up GeoTIFFs and polygons."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from rasterio.transform import from_origin
from shapely.affinity import affine_transform

from geo_noisy.datasets import XBDPairs
from geo_noisy.datasets.xbd.labels import CODES, read_label
from geo_noisy.datasets.xbd.pixels import decode_image
from tests.data.regions import CRS, write_raster

RES, STEP, LEFT, TOP = 0.5, 1000.0, 400_000.0, 5_000_000.0


def xbd_table(root: Path) -> pd.DataFrame:
    """Tiles of all real pairs."""
    parts = [XBDPairs(root, split=name, folders=('train',), progress=False) for name in ('train', 'val', 'test')]
    return pd.concat([part.index for part in parts], ignore_index=True)


def write_region(folder: Path, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Write whole images side by side on one north-up grid, and all buildings after the disaster as polygons."""
    frames = []
    for number, image in enumerate(table.drop_duplicates('image').to_dict('records')):
        left, top = LEFT + number * STEP, TOP
        for date in ('pre', 'post'):
            name = f'{number:02d}_{image[f"time_{date}"]:%Y%m%dT%H%M%S}.tif'
            write_raster(folder / name, decode_image(image[f'path_{date}']), transform=from_origin(left, top, RES, RES))
        label = read_label(Path(image['label_post']), post=True, repair=True)
        outlines = [affine_transform(outline, (RES, 0, 0, -RES, left, top)) for outline in label.polygons]
        names = np.array(('', *CODES))[label.codes]
        frames.append(gpd.GeoDataFrame({'damage': names}, geometry=outlines, crs=CRS))
    return pd.concat(frames, ignore_index=True)
