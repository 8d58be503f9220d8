"""A small region with labels, as rasters and as polygons that say the same, generated for tests."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio.features
from rasterio.transform import from_origin
from shapely.geometry import shape

from geo_noisy.pairs import PairIndex, build_index, scan_rasters
from tests.data.regions import CRS, ORIGIN, write_raster

DATES = ('20200601', '20210601', '20220601')
SIDE_PX, RES = 128, 10.0


def truth(seed: int = 0) -> np.ndarray:
    """Classes 0, 1 and 2 in fields of 8 pixels, [128, 128]."""
    fields = np.random.default_rng(seed).integers(0, 3, (SIDE_PX // 8, SIDE_PX // 8), dtype=np.uint8)
    return fields.repeat(8, axis=0).repeat(8, axis=1)


def write_region(folder: Path, classes: np.ndarray, *, size_px: int = 32, scale: int = 1) -> PairIndex:
    """Write images that show the classes as colours, and index them with splits."""
    (folder / 'images').mkdir()
    for seed, date in enumerate(DATES):
        noise = np.random.default_rng(seed).integers(0, 30, (3, SIDE_PX, SIDE_PX))
        colours = np.array([[40, 90, 200], [180, 60, 90], [90, 200, 60]])[classes].transpose(2, 0, 1)
        write_raster(folder / 'images' / f'image_{date}.tif', ((colours + noise) * scale).astype(np.uint16))
    index = build_index(scan_rasters([str(folder / 'images')]), size_px=size_px)
    index = index.with_splits(shares=(0.5, 0.25, 0.25), block_px=size_px).with_statistics(windows=8)
    index.write(folder / 'pairs.parquet')
    return index


def outlines(classes: np.ndarray, names: tuple[str, ...]) -> gpd.GeoDataFrame:
    """The classes as polygons, with a column ``cover``."""
    grid = from_origin(*ORIGIN, RES, RES)
    found = [
        (shape(outline), names[int(value)]) for outline, value in rasterio.features.shapes(classes, transform=grid)
    ]
    return gpd.GeoDataFrame({'cover': [name for _, name in found]}, geometry=[outline for outline, _ in found], crs=CRS)
