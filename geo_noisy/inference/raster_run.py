"""A network over a scene, tile by tile, into rasters: in bounded memory, resumable, whole or not at all."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from geo_noisy.inference.blocks import Blocks, blocks_beside
from geo_noisy.inference.cog import Layer, Part, write_cog
from geo_noisy.inference.scenes import Scene
from geo_noisy.inference.tiles import Tile, cells
from geo_noisy.regions.windows.reader import Box

Arrays = Mapping[str, NDArray[Any]]


def run_tiles(
    scene: Scene,
    area: Box,
    tiles: list[Tile],
    compute: Callable[[Tile], Arrays],
    targets: Mapping[str, tuple[Path, Layer]],
    *,
    cell_px: int,
    plan: Mapping[str, Any],
    progress: bool = True,
) -> None:
    """Compute each tile that is not done, then write the rasters.

    Args:
        scene: What is run over.
        area: What is written, in pixels of the site's grid.
        tiles: Its tiles.
        compute: From a tile to an array [bands, h, w] for each target, of its inner cells.
        targets: Path and layer of each raster.
        cell_px: Pixels of a cell.
        plan: What the result depends on; finished tiles of another plan are not taken up.
        progress: Show a progress bar.

    Raises:
        OSError: If the disk is full; finished tiles stay, and the next run goes on from them.
    """
    first = next(iter(targets.values()))[0]
    layers = {name: {'dtype': layer.dtype, 'bands': layer.bands} for name, (_, layer) in targets.items()}
    whole_plan = dict(plan) | {'tiles': [tile._asdict() for tile in tiles], 'layers': layers, 'cell_px': cell_px}
    size = area.height_px // cell_px, area.width_px // cell_px
    with blocks_beside(first, whole_plan) as blocks:
        left = [tile for tile in tiles if not blocks.done(tile.number)]
        bar = tqdm(
            left, desc=first.name, unit='tile', total=len(tiles), initial=len(tiles) - len(left), disable=not progress
        )
        for tile in bar:
            blocks.write(tile.number, compute(tile))
        for name, (path, layer) in targets.items():
            seen = write_cog(
                path,
                _parts(blocks, tiles, area, name, cell_px),
                layer,
                size=size,
                crs=scene.crs,
                transform=scene.transform(area, cell_px=cell_px),
                scratch=blocks.folder,
            )
            if not seen:
                warnings.warn(
                    f'{path} holds no data: nowhere do enough pixels of {scene.paths[0]} have a value.', stacklevel=3
                )


def _parts(blocks: Blocks, tiles: list[Tile], area: Box, name: str, cell_px: int) -> Iterator[Part]:
    for tile in tiles:
        rows, cols = cells(tile.inner, area, cell_px)
        yield rows.start, cols.start, blocks.read(tile.number)[name]


def plan_of(scene: Scene, **settings: Any) -> dict[str, Any]:
    """What a result depends on: the files (with size and time of change), the network, the settings."""
    return settings | {'files': [_fingerprint(path) for path in scene.paths], 'time': scene.time}


def _fingerprint(path: str) -> list[Any]:
    """Path, size and time of change of a file; of an address its path alone."""
    file = Path(path)
    if not file.is_file():
        return [path]
    status = file.stat()
    return [str(file.absolute()), status.st_size, status.st_mtime_ns]


def inner_cells(values: NDArray[Any], tile: Tile, cell_px: int) -> NDArray[Any]:
    """The cells [..., h, w] of a tile without those around it."""
    rows, cols = cells(tile.inner, tile.outer, cell_px)
    return np.ascontiguousarray(values[..., rows, cols])
