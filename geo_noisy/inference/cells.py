"""Embeddings by cell: each cell of the feature map of a scene, as a raster of as many bands as features."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geo_noisy.inference.cog import Layer
from geo_noisy.inference.network import Prepared, cells_with_data, check_share, read_box
from geo_noisy.inference.raster_run import Arrays, inner_cells, plan_of, run_tiles
from geo_noisy.inference.scenes import Scene
from geo_noisy.inference.tiles import Tile, aligned, plan_tiles
from geo_noisy.regions.windows.reader import WindowReader


def halo_of(network: Prepared, *, tile_px: int, halo_px: int | None) -> int:
    """What is read around a tile: as far as the network looks, or as stated.

    Warns:
        UserWarning: If tiles cannot agree exactly: the network looks everywhere, or farther than was stated.
    """
    if not network.reach.exact:
        halo = tile_px // 4 if halo_px is None else halo_px
        warnings.warn(
            'The network looks at the whole image (global pooling or attention): no halo makes tiles agree exactly; '
            f'{halo} px are read around each.',
            stacklevel=3,
        )
        return halo
    if halo_px is not None and halo_px < network.reach.px:
        warnings.warn(
            f'halo_px is {halo_px}, but the network looks {network.reach.px} px around a cell: edges of tiles show.',
            stacklevel=3,
        )
    return network.reach.px if halo_px is None else halo_px


def embed_cells(
    scenes: Sequence[Scene],
    network: Prepared,
    folder: Path,
    *,
    tile_px: int = 1024,
    halo_px: int | None = None,
    max_nodata: float = 0.0,
    progress: bool = True,
) -> list[Path]:
    """Write a cloud-optimised GeoTIFF for each scene: a band for each feature, NaN where there is no data.

    Args:
        scenes: The scenes.
        network: An encoder, see :func:`~geo_noisy.inference.load.prepare_encoder`.
        folder: Where ``embedding_<site>_<time>.tif`` go.
        tile_px: Side of what is run at once, without what is read around it.
        halo_px: Pixels read around a tile; as far as the encoder looks, by default.
        max_nodata: Largest share of a cell's pixels that may lack data.
        progress: Show progress bars.

    Returns:
        The files.
    """
    check_share(max_nodata, 'max_nodata')
    halo, reader = halo_of(network, tile_px=tile_px, halo_px=halo_px), WindowReader()
    settings = {'digest': network.digest, 'scale': network.scale, 'max_nodata': max_nodata}
    paths = []
    for scene in scenes:
        area = aligned(scene.box, network.stride)
        tiles = plan_tiles(area, scene.whole, tile_px=tile_px, halo_px=halo, stride=network.stride)
        compute = CellFeatures(scene, network, reader, max_nodata=max_nodata)
        names = tuple(f'feature {number + 1}' for number in range(network.features))
        tags = {
            'MODEL': network.digest,
            'DATE': scene.date.isoformat(),
            'SOURCE': ' '.join(map(str, scene.paths))[:4000],
        }
        layer = Layer('float32', np.nan, names, tags=tags)
        path = folder / f'embedding_{scene.label}.tif'
        plan = plan_of(scene, **settings)
        run_tiles(scene, area, tiles, compute, {'embedding': (path, layer)}, cell_px=network.cell_px, plan=plan,
                  progress=progress)  # fmt: skip
        paths.append(path)
    reader.close()
    return paths


class CellFeatures:
    """Features of the cells of tiles of one scene, NaN where there is no data.

    Args:
        scene: The scene.
        network: The encoder.
        reader: Reads it.
        max_nodata: Largest share of a cell's pixels that may lack data.
    """

    def __init__(self, scene: Scene, network: Prepared, reader: WindowReader, *, max_nodata: float) -> None:
        self.scene, self.network, self.reader, self.max_nodata = scene, network, reader, max_nodata
        self._checked = False

    def __call__(self, tile: Tile) -> Arrays:
        """The features of a tile's own cells."""
        values = self.outer(tile)
        return {'embedding': inner_cells(values, tile, self.network.cell_px)}

    def outer(self, tile: Tile) -> Any:
        """Features [D, h, w] of all cells that a tile reads."""
        pixels, valid = read_box(self.reader, self.scene, tile.outer, self.network.channels)
        there = cells_with_data(valid, self.network.cell_px, max_nodata=self.max_nodata)
        images = self.network.images(pixels, valid)
        if not self._checked and valid.any():
            self.network.check(images, valid)
            self._checked = True
        if not there.any():
            return np.full((self.network.features, *there.shape), np.nan, dtype=np.float32)
        features = self.network.run(images)[0].numpy()
        return np.where(there, features, np.float32(np.nan))
