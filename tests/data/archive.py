"""A small archive: synthetic Sentinel-2 scenes as cloud-optimised GeoTIFFs, with their STAC items."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

CRS, ORIGIN, RES = 'EPSG:32633', (500_000.0, 5_000_040.0), 10.0
BANDS, COLLECTION = ('B02', 'B03', 'B04', 'B08'), 'sentinel-2-l2a'
DATES = ('2021-06-01T10:00:00Z', '2022-06-02T10:00:00Z', '2022-07-03T10:00:00Z')


def write_cog(
    path: Path, pixels: np.ndarray, *, res: float = RES, corner: tuple[float, float] = ORIGIN, block: int = 128
) -> None:
    """Write a band as a COG."""
    profile = {
        'driver': 'GTiff', 'count': 1, 'height': pixels.shape[0], 'width': pixels.shape[1], 'dtype': pixels.dtype.name,
        'crs': CRS, 'transform': from_origin(*corner, res, res),
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(pixels, 1)
        with memory.open() as file:
            copy(file, path, driver='COG', blocksize=block, compress='DEFLATE')


def write_archive(
    folder: Path,
    address: str,
    *,
    tiles: int = 2,
    dates: Sequence[str] = DATES,
    size_px: int = 256,
    offset: float = -0.1,
) -> list[dict[str, Any]]:
    """Write scenes to a folder that is served at an address.

    Args:
        folder: The folder.
        address: Where it is served.
        tiles: Scenes side by side.
        dates: When each was taken.
        size_px: Side of a scene.
        offset: Of reflectances since processing baseline 04.00 (2022), 0 before.

    Returns:
        The STAC items; cloud cover is 10 % at the first date, 20 % more at each that follows.
    """
    rng = np.random.default_rng(0)
    items = []
    for tile in range(tiles):
        corner = ORIGIN[0] + tile * size_px * RES, ORIGIN[1]
        ground = rng.integers(500, 3000, (len(BANDS), size_px // 8, size_px // 8)).repeat(8, axis=1).repeat(8, axis=2)
        for number, date in enumerate(dates):
            name = f'S2A_T33T{tile}_{date[:10]}'
            raised = 1000 if date >= '2022-01-25' else 0
            noise = rng.integers(0, 200, ground.shape)
            (folder / name).mkdir(parents=True, exist_ok=True)
            for band, pixels in zip(BANDS, ground + noise + raised, strict=True):
                write_cog(folder / name / f'{band}.tif', pixels.astype(np.uint16), corner=corner)
            scene = np.full((size_px // 2, size_px // 2), 4, dtype=np.uint8)
            scene[: size_px // 8, : size_px // 8] = 9  # cloud
            write_cog(folder / name / 'SCL.tif', scene, res=2 * RES, corner=corner)
            radiometry = {'scale': 1e-4, 'offset': offset if raised else 0.0, 'nodata': 0}
            place = {'address': address, 'corner': corner, 'size_px': size_px}
            items.append(item(name, date, cloud=10.0 + 20 * number, radiometry=radiometry, **place))
    return items


def write_area(path: Path, *, tiles: int = 2, size_px: int = 256) -> Path:
    """Write the middle of the archive as GeoJSON."""
    west, south, east, north = bounds(ORIGIN, size_px, tiles)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    feature = {'type': 'Feature', 'properties': {}, 'geometry': {'type': 'Polygon', 'coordinates': [ring]}}
    path.write_text(json.dumps({'type': 'FeatureCollection', 'features': [feature]}))
    return path


def bounds(corner: tuple[float, float], size_px: int, tiles: int = 1) -> tuple[float, float, float, float]:
    """Bounds in longitude and latitude."""
    left, top = corner
    return transform_bounds(CRS, 'EPSG:4326', left, top - size_px * RES, left + tiles * size_px * RES, top)


def collection() -> dict[str, Any]:
    """The STAC collection of the items."""
    return {
        'type': 'Collection', 'stac_version': '1.0.0', 'id': COLLECTION, 'description': 'synthetic', 'license': 'MIT',
        'extent': {'spatial': {'bbox': [[-180, -90, 180, 90]]}, 'temporal': {'interval': [[None, None]]}}, 'links': [],
    }  # fmt: skip


def item(
    name: str,
    date: str,
    *,
    address: str,
    cloud: float = 0.0,
    corner: tuple[float, float] = ORIGIN,
    size_px: int = 256,
    radiometry: dict[str, float] | None = None,
) -> dict[str, Any]:
    """The STAC item of a scene."""
    place = f'{address}/{name}'
    west, south, east, north = box = bounds(corner, size_px)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    tiff = 'image/tiff; application=geotiff; profile=cloud-optimized'
    assets: dict[str, Any] = {
        band: {'href': f'{place}/{band}.tif', 'type': tiff, 'roles': ['data'], 'raster:bands': [radiometry or {}]}
        for band in BANDS
    }
    assets['SCL'] = {'href': f'{place}/SCL.tif', 'type': tiff, 'roles': ['data']}
    properties = {'datetime': date, 'eo:cloud_cover': cloud, 'platform': 'sentinel-2a', 'proj:code': CRS}
    return {
        'type': 'Feature', 'stac_version': '1.0.0', 'stac_extensions': [], 'id': name, 'collection': COLLECTION,
        'geometry': {'type': 'Polygon', 'coordinates': [ring]}, 'bbox': list(box), 'properties': properties,
        'assets': assets, 'links': [],
    }  # fmt: skip
