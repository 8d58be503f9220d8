"""Georeferenced VTS: scenes at several dates with polygons of what changed, to try every command on."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import rasterio.features
import shapely.geometry
from numpy.typing import NDArray
from rasterio.transform import Affine, from_origin

from geo_noisy.datasets.vts.pairs import VTSPairs
from geo_noisy.whole_file import whole_file

CRS = 'EPSG:32633'
POLYGONS = 'changes.gpkg'
_ORIGIN = (400_000.0, 5_300_000.0)
_FIRST_YEAR = 2016
_LIGHT = 0.15  # brightness differs by this much between dates, as seasons do


@dataclass(frozen=True)
class Scene:
    """What was written of one scene.

    Attributes:
        paths: An image for each date, in order of time.
        changed: Pixels that changed, [H, W]; none in a scene without an event.
        event: Date of the change, or empty.
    """

    paths: tuple[str, ...]
    changed: NDArray[np.bool_]
    event: str


def write_scenes(
    folder: str | Path,
    *,
    scenes: int = 12,
    dates: int = 3,
    size_px: int = 256,
    res_m: float = 2.0,
    cells: int = 20,
    r_img: float = 0.3,
    noisy_share: float = 0.5,
    seed: int = 0,
) -> list[Scene]:
    """Write scenes as GeoTIFF, and what changed in them as polygons.

    A scene is a VTS image, seen in June of each year with another light. In some scenes an event between two dates
    puts the noise texture into some cells, for good.

    Args:
        folder: Folder for ``scene_<number>_<date>.tif`` and ``changes.gpkg`` (columns ``event`` and ``kind``); it
            is made where it is not there.
        scenes: Number of scenes.
        dates: Dates of each scene, at least two.
        size_px: Side of a scene in pixels.
        res_m: Side of a pixel in metres.
        cells: Cells of a scene.
        r_img: Share of the cells that an event changes.
        noisy_share: Share of the scenes with an event.
        seed: Seed of everything.

    Returns:
        What was written, scene by scene.

    Raises:
        ValueError: If there are fewer than two dates, or a share lies outside [0, 1].
    """
    if dates < 2:
        raise ValueError(f'dates is {dates}; a pair needs two.')
    if not 0 <= noisy_share <= 1:
        raise ValueError(f'noisy_share is {noisy_share}; it must lie in [0, 1].')
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    source = VTSPairs(split='train', size_px=size_px, cells=cells, count=scenes, r_img=r_img, seed=seed)
    rng = np.random.default_rng(seed)
    noisy = rng.permutation(scenes) < round(noisy_share * scenes)
    written = []
    for number in range(scenes):
        grid = _grid(number, scenes, size_px=size_px, res_m=res_m)
        event = int(rng.integers(1, dates)) if noisy[number] else dates
        written.append(_write_scene(folder, number, source, grid, event=event, dates=dates, rng=rng))
    _write_polygons(folder, written)
    return written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``geo-noisy scenes``."""
    parser.add_argument('folder', help='folder to write to')
    parser.add_argument('--scenes', type=int, default=12, help='number of scenes (%(default)s)')
    parser.add_argument('--dates', type=int, default=3, help='dates of each scene (%(default)s)')
    parser.add_argument('--size-px', type=int, default=256, help='side of a scene in pixels (%(default)s)')
    parser.add_argument('--res', type=float, default=2.0, help='side of a pixel in metres (%(default)s)')
    parser.add_argument('--r-img', type=float, default=0.3, help='share of cells that an event changes (%(default)s)')
    parser.add_argument('--noisy-share', type=float, default=0.5, help='share of scenes with an event (%(default)s)')
    parser.add_argument('--seed', type=int, default=0, help='seed of everything (%(default)s)')


def run(args: argparse.Namespace) -> int:
    """Write scenes and say what was written."""
    written = write_scenes(
        args.folder,
        scenes=args.scenes,
        dates=args.dates,
        size_px=args.size_px,
        res_m=args.res,
        r_img=args.r_img,
        noisy_share=args.noisy_share,
        seed=args.seed,
    )
    events = sum(bool(scene.event) for scene in written)
    print(f'{len(written)} scenes of {args.dates} dates in {args.folder}; {events} with an event, see {POLYGONS}.')
    return 0


def _grid(number: int, scenes: int, *, size_px: int, res_m: float) -> Affine:
    """Scenes lie on a square, one scene apart."""
    side = int(np.ceil(np.sqrt(scenes)))
    step = 2 * size_px * res_m
    return from_origin(_ORIGIN[0] + number % side * step, _ORIGIN[1] - number // side * step, res_m, res_m)


def _write_scene(
    folder: Path, number: int, source: VTSPairs, grid: Affine, *, event: int, dates: int, rng: np.random.Generator
) -> Scene:
    mosaic = source.mosaics.make(number, noise_cells=source.noise_cells)
    paths = []
    for date in range(dates):
        image = mosaic.noisy_image if date >= event else mosaic.image
        light = 1 + rng.uniform(-_LIGHT, _LIGHT)
        path = folder / f'scene_{number:03d}_{_FIRST_YEAR + date}0615.tif'
        _write_image(path, np.clip(image * light, 0, 255).astype(np.uint8), grid)
        paths.append(str(path))
    changed = mosaic.labels.in_noise if event < dates else np.zeros_like(mosaic.labels.in_noise)
    return Scene(tuple(paths), changed, f'{_FIRST_YEAR + event}-03-01' if event < dates else '')


def _write_image(path: Path, image: NDArray[np.uint8], grid: Affine) -> None:
    bands, height, width = image.shape
    with rasterio.open(
        path, 'w', driver='GTiff', dtype='uint8', count=bands, height=height, width=width, crs=CRS, transform=grid,
        compress='deflate',
    ) as file:  # fmt: skip
        file.write(image)


def _write_polygons(folder: Path, scenes: Sequence[Scene]) -> None:
    events, outlines = [], []
    for scene in scenes:
        if not scene.event:
            continue
        with rasterio.open(scene.paths[0]) as file:
            grid = file.transform
        mask = scene.changed.astype(np.uint8)
        for outline, _ in rasterio.features.shapes(mask, mask=scene.changed, connectivity=4, transform=grid):
            outlines.append(shapely.geometry.shape(outline))
            events.append(scene.event)
    if outlines:
        table = gpd.GeoDataFrame({'event': events, 'kind': 'changed'}, geometry=outlines, crs=CRS)
        with whole_file(folder / POLYGONS) as unfinished:
            unfinished.unlink()  # GDAL makes a new database, and refuses to write over a file that is none
            table.to_file(unfinished, layer=Path(POLYGONS).stem)
