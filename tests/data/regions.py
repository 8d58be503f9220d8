"""Small georeferenced rasters, tables and polygons, generated for tests."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import Affine, from_origin

from geo_noisy.regions.dates.read import seconds
from geo_noisy.regions.noise.events import Events
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.windows.locations import UNASSIGNED, Locations

SHARED = Path(__file__).parents[3] / 'shared' / 'data'
ORIGIN = (400_000.0, 5_000_000.0)
CRS = 'EPSG:32633'


def write_raster(
    path: Path,
    pixels: NDArray | None = None,
    *,
    size_px: int = 64,
    bands: int = 2,
    offset_px: tuple[float, float] = (0.0, 0.0),
    res: float = 10.0,
    crs: str | None = CRS,
    origin: tuple[float, float] = ORIGIN,
    transform: Affine | None = None,
    nodata: float | None = None,
    tags: dict[str, str] | None = None,
    seed: int = 0,
) -> Path:
    """Write a GeoTIFF whose upper left corner lies ``offset_px`` (right, down) from the origin."""
    if pixels is None:
        pixels = np.random.default_rng(seed).integers(1, 255, (bands, size_px, size_px), dtype=np.uint8)
    corner = origin[0] + offset_px[0] * res, origin[1] - offset_px[1] * res
    with rasterio.open(
        path, 'w', driver='GTiff', count=len(pixels), height=pixels.shape[1], width=pixels.shape[2],
        dtype=pixels.dtype.name, crs=crs, transform=transform or from_origin(*corner, res, res), nodata=nodata,
    ) as file:  # fmt: skip
        file.write(pixels)
        file.update_tags(**(tags or {}))
    return path


def write_series(folder: Path, dates: tuple[str, ...] = ('20200101', '20210101', '20220101'), **raster: object) -> Path:
    """Write one raster for each date."""
    folder.mkdir(exist_ok=True)
    for seed, date in enumerate(dates):
        write_raster(folder / f'image_{date}.tif', seed=seed, **raster)
    return folder


def square(col: float, row: float, side: float, *, res: float = 10.0) -> 'object':
    """A square with its upper left corner at a pixel of the grid, sides in pixels."""
    from shapely import box

    left, top = ORIGIN[0] + col * res, ORIGIN[1] - row * res
    return box(left, top - side * res, left + side * res, top)


def polygons(*outlines: object, crs: str | None = CRS, **columns: list) -> gpd.GeoDataFrame:
    """A frame of polygons."""
    return gpd.GeoDataFrame(columns, geometry=list(outlines), crs=crs)


def random_index(
    locations: int,
    *,
    dates: int = 3,
    noisy_share: float = 0.3,
    seed: int = 0,
    rules: PairRules | None = None,
) -> PairIndex:
    """An index without files on disk: windows of a square, of which some have an event after the first date."""
    import pandas as pd

    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(locations)))
    number = np.arange(locations)
    noisy = rng.random(locations) < noisy_share
    times = [seconds(f'{2000 + date}-06-01') for date in range(dates)]
    when = np.full(int(noisy.sum()), times[0] + 1)
    shares = rng.uniform(0.01, 1, len(when))
    files = pd.DataFrame({'time': times, 'paths': [('none.tif',)] * dates})
    files = files.assign(
        shift_px=0.0, sensor='', bands=1, dtype='uint8', warped=False, capture=np.arange(dates), coarser=False
    )
    files['layers'] = [((0, 1),)] * dates
    return PairIndex(
        size_px=32,
        stride_px=32,
        sites=pd.DataFrame({'crs': [CRS], 'x0': [0.0], 'y0': [0.0], 'res_x': [1.0], 'res_y': [1.0]}),
        files=files,
        locations=Locations(
            np.zeros(locations, dtype=np.int32),
            (number % side * 32).astype(np.int32),
            (number // side * 32).astype(np.int32),
            number,
            np.full(locations, UNASSIGNED, dtype=np.int8),
        ),
        offsets=np.arange(locations + 1) * dates,
        dates=np.tile(np.arange(dates, dtype=np.int32), locations),
        events=Events(
            np.concatenate([[0], np.cumsum(noisy)]),
            when,
            when,
            np.full(len(when), np.iinfo(np.int64).max),
            shares,
            np.full(len(when), None, dtype=object),
            np.ones(locations, dtype=bool),
        ),
        rules=rules or PairRules(),
    )
