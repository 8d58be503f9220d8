"""Georeferenced VTS: scenes at several dates with polygons of what changed, to try every command on."""

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

from geo_noisy.datasets.vts.base import check_rate
from geo_noisy.datasets.vts.pairs import VTSPairs
from geo_noisy.datasets.vts.voronoi import count_noise_cells
from geo_noisy.whole_file import whole_file

CRS = 'EPSG:32633'
POLYGONS = 'changes.gpkg'
LABELS = 'labels.gpkg'
TEXTURES = ('first texture', 'second texture', 'noise texture')
"""Classes of the labels."""

_ORIGIN = (400_000.0, 5_300_000.0)
_FIRST_YEAR = 2016
_LIGHT = 0.15  # brightness differs by this much between dates, as seasons do


@dataclass(frozen=True)
class Scene:
    """What was written of one scene.

    Attributes:
        paths: An image for each date, in order of time.
        classes: Texture of each pixel before the event, 0 or 1, [H, W].
        changed: Pixels that changed, [H, W]; none in a scene without an event.
        event: Date of the change, or empty.
    """

    paths: tuple[str, ...]
    classes: NDArray[np.uint8]
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
    """Write scenes as GeoTIFF, what changed in them as polygons, and what they show as labels.

    A scene is a VTS image, seen in June of each year with another light. In some scenes an event between two dates
    puts the noise texture into some cells, for good.

    Args:
        folder: Folder for ``scene_<number>_<date>.tif``, ``changes.gpkg`` (columns ``event`` and ``kind``) and
            ``labels.gpkg`` (columns ``cover``, the texture, and ``since``); it is made where it is not there.
        scenes: Number of scenes.
        dates: Dates of each scene, at least two.
        size_px: Side of a scene in pixels.
        res_m: Side of a pixel in metres.
        cells: Cells of a scene.
        r_img: Share of the cells that an event changes, to the nearest cell.
        noisy_share: Share of the scenes with an event.
        seed: Seed of everything.

    Returns:
        What was written, scene by scene.

    Raises:
        ValueError: If there are fewer than two dates, a share lies outside [0, 1], the pixels have no size, or the
            folder holds scenes that these would not replace.
    """
    if dates < 2:
        raise ValueError(f'dates is {dates}; a pair needs two.')
    if not 0 <= noisy_share <= 1:
        raise ValueError(f'noisy_share is {noisy_share}; it must lie in [0, 1].')
    if not res_m > 0:
        raise ValueError(f'res_m is {res_m}; the side of a pixel must be above 0.')
    check_rate('r_img', r_img)
    whole = count_noise_cells(cells, r_img) / max(cells, 1)  # other numbers of cells are refused below
    folder = Path(folder)
    _refuse_others(folder, scenes, dates)
    source = VTSPairs(split='train', size_px=size_px, cells=cells, count=scenes, r_img=whole, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    noisy = rng.permutation(scenes) < round(noisy_share * scenes)
    written = []
    for number in range(scenes):
        grid = _grid(number, scenes, size_px=size_px, res_m=res_m)
        event = int(rng.integers(1, dates)) if noisy[number] else dates
        written.append(_write_scene(folder, number, source, grid, event=event, dates=dates, rng=rng))
    _write_changes(folder / POLYGONS, written)
    _write_labels(folder / LABELS, written)
    return written


def _name(number: int, date: int) -> str:
    return f'scene_{number:03d}_{_FIRST_YEAR + date}0615.tif'


def _refuse_others(folder: Path, scenes: int, dates: int) -> None:
    """Scenes of an earlier call, beside these, would be taken for more of them."""
    names = {_name(number, date) for number in range(scenes) for date in range(dates)}
    others = sorted(path.name for path in folder.glob('scene_*.tif') if path.name not in names)
    if others:
        raise ValueError(f'{folder} holds {len(others)} other scenes, such as {others[0]}; choose another folder.')


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
        path = folder / _name(number, date)
        _write_image(path, np.clip(image * light, 0, 255).astype(np.uint8), grid)
        paths.append(str(path))
    changed = mosaic.labels.in_noise if event < dates else np.zeros_like(mosaic.labels.in_noise)
    return Scene(tuple(paths), mosaic.labels.clean, changed, f'{_FIRST_YEAR + event}-03-01' if event < dates else '')


def _write_image(path: Path, image: NDArray[np.uint8], grid: Affine) -> None:
    bands, height, width = image.shape
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver='GTiff', dtype='uint8', count=bands, height=height, width=width, crs=CRS, transform=grid,
            compress='deflate',
        ) as file:  # fmt: skip
            file.write(image)
        with whole_file(path) as unfinished:  # GDAL says nothing where a disk is full
            unfinished.write_bytes(memory.read())


def _write_changes(path: Path, scenes: Sequence[Scene]) -> None:
    """Write what changed, and when."""
    outlines, events = [], []
    for scene in scenes:
        found = _outlines(scene, scene.changed.astype(np.uint8), scene.changed)
        outlines += [outline for outline, _ in found]
        events += [scene.event] * len(found)
    _write_polygons(path, gpd.GeoDataFrame({'event': events, 'kind': 'changed'}, geometry=outlines, crs=CRS))


def _write_labels(path: Path, scenes: Sequence[Scene]) -> None:
    """Write the texture of all ground since the first image, and the noise texture since the event."""
    outlines, covers, since = [], [], []
    for scene in scenes:
        first = _outlines(scene, scene.classes, None)
        then = _outlines(scene, np.full_like(scene.classes, len(TEXTURES) - 1), scene.changed)
        outlines += [outline for outline, _ in (*first, *then)]
        covers += [TEXTURES[value] for _, value in (*first, *then)]
        since += [f'{_FIRST_YEAR}-01-01'] * len(first) + [scene.event] * len(then)
    _write_polygons(path, gpd.GeoDataFrame({'cover': covers, 'since': since}, geometry=outlines, crs=CRS))


def _outlines(
    scene: Scene, values: NDArray[np.uint8], mask: NDArray[np.bool_] | None
) -> list[tuple[shapely.Geometry, int]]:
    """Outlines of the pixels of a scene with one value, and the value."""
    with rasterio.open(scene.paths[0]) as file:
        grid = file.transform
    found = rasterio.features.shapes(values, mask=mask, connectivity=4, transform=grid)
    return [(shapely.geometry.shape(outline), int(value)) for outline, value in found]


def _write_polygons(path: Path, table: gpd.GeoDataFrame) -> None:
    path.unlink(missing_ok=True)  # of an earlier call
    if table.empty:
        return
    with whole_file(path) as unfinished:
        unfinished.unlink()  # GDAL makes a new database, and refuses to write over a file that is none
        table.to_file(unfinished, layer=path.stem)
