"""Maps of change: how far the features of a cell are from the most alike near it at another date."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.inference.cells import CellFeatures, halo_of
from geo_noisy.inference.cog import Layer
from geo_noisy.inference.network import Prepared, check_share
from geo_noisy.inference.raster_run import Arrays, inner_cells, plan_of, run_tiles
from geo_noisy.inference.scenes import Scene
from geo_noisy.inference.tiles import Tile, aligned, common, plan_tiles
from geo_noisy.models.ground import best_match_distance
from geo_noisy.regions.windows.reader import WindowReader


class ChangeMap(NamedTuple):
    """A map of change, and the dates between which."""

    path: Path
    earlier: Scene
    later: Scene


def map_change(
    scenes: Sequence[Scene],
    network: Prepared,
    folder: Path,
    *,
    tolerance_cells: int = 1,
    tile_px: int = 1024,
    halo_px: int | None = None,
    max_nodata: float = 0.0,
    progress: bool = True,
) -> list[ChangeMap]:
    """Write the distance of features between each two consecutive dates of a site.

    The distance of a cell is one minus the cosine of its feature and the most alike one within ``tolerance_cells`` at
    the other date, so that small misregistration makes none. It is the larger of both directions: what has appeared
    finds no match before, what has gone finds none after.

    Args:
        scenes: The scenes, in order of site and time.
        network: An encoder, see :func:`~geo_noisy.inference.load.prepare_encoder`.
        folder: Where ``change_<site>_<earlier>_<later>.tif`` go.
        tolerance_cells: How far a match may lie, in cells; 0 compares the same place alone.
        tile_px: Side of what is run at once, without what is read around it.
        halo_px: Pixels read around a tile; as far as the encoder looks and the match may lie, by default.
        max_nodata: Largest share of a cell's pixels that may lack data, at either date.
        progress: Show progress bars.

    Returns:
        The maps.

    Raises:
        InputError: If no site has two dates that share ground.
    """
    check_share(max_nodata, 'max_nodata')
    if tolerance_cells < 0:
        raise ValueError(f'tolerance_cells is {tolerance_cells}; it must be at least 0.')
    pairs = _consecutive(scenes)
    if not pairs:
        raise InputError(
            f'Change needs two dates of one place; {len(scenes)} scenes share no ground. Are they of one site, and '
            'does --date leave two?'
        )
    stride = network.stride
    halo = halo_of(network, tile_px=tile_px, halo_px=halo_px) + (tolerance_cells * stride if halo_px is None else 0)
    reader, maps = WindowReader(), []
    for earlier, later in pairs:
        area = aligned(earlier.box, stride)
        whole = common([aligned(scene.whole, stride) for scene in (earlier, later)])
        tiles = plan_tiles(area, whole, tile_px=tile_px, halo_px=halo, stride=stride)
        compute = _Distance(earlier, later, network, reader, tolerance=tolerance_cells, max_nodata=max_nodata)
        path = folder / f'change_{earlier.label}_{later.date:%Y%m%dT%H%M%S}.tif'
        tags = {'MODEL': network.digest, 'EARLIER': earlier.date.isoformat(), 'LATER': later.date.isoformat()}
        layer = Layer('float32', np.nan, ('feature distance, 0 to 2',), tags=tags)
        plan = plan_of(earlier, digest=network.digest, scale=network.scale, tolerance=tolerance_cells)
        plan |= {'max_nodata': max_nodata, 'later': plan_of(later)}
        run_tiles(earlier, area, tiles, compute, {'change': (path, layer)}, cell_px=network.cell_px, plan=plan,
                  progress=progress)  # fmt: skip
        maps.append(ChangeMap(path, earlier, later))
    reader.close()
    return maps


def _consecutive(scenes: Sequence[Scene]) -> list[tuple[Scene, Scene]]:
    """Each two consecutive dates of a site, both cut to the ground that they share."""
    found = []
    for earlier, later in pairwise(scenes):
        shared = common([earlier.box, later.box])
        if earlier.site == later.site and shared.width_px > 0 and shared.height_px > 0:
            found.append((replace(earlier, box=shared), replace(later, box=shared)))
    return found


class _Distance:
    """Distances of the cells of tiles between two dates, NaN where either has no data."""

    def __init__(
        self,
        earlier: Scene,
        later: Scene,
        network: Prepared,
        reader: WindowReader,
        *,
        tolerance: int,
        max_nodata: float,
    ) -> None:
        self.dates = [CellFeatures(scene, network, reader, max_nodata=max_nodata) for scene in (earlier, later)]
        self.tolerance, self.cell_px = tolerance, network.cell_px

    def __call__(self, tile: Tile) -> Arrays:
        before, after = (date.outer(tile) for date in self.dates)
        distance = change_distance(before, after, tolerance_cells=self.tolerance)
        return {'change': inner_cells(distance, tile, self.cell_px)[None]}


def change_distance(
    earlier: NDArray[np.float32], later: NDArray[np.float32], *, tolerance_cells: int = 1
) -> NDArray[np.float32]:
    """Distance of two feature maps, the larger of both directions, see :func:`map_change`.

    Args:
        earlier: Features of one date, [D, h, w], NaN where there are none.
        later: Of the other.
        tolerance_cells: How far a match may lie.

    Returns:
        Distances in [0, 2], NaN where either date has none, [h, w].
    """
    there = np.isfinite(earlier).all(axis=0) & np.isfinite(later).all(axis=0)
    # A cell without data is no match: with zero features its cosine is 0, which no alike cell has.
    one, other = (torch.from_numpy(np.nan_to_num(values))[None] for values in (earlier, later))
    there_too = torch.maximum(
        best_match_distance(one, other, reach=tolerance_cells), best_match_distance(other, one, reach=tolerance_cells)
    )
    return np.where(there, there_too[0].numpy(), np.float32(np.nan))
