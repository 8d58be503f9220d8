"""Classes and their probabilities of each pixel, by a probe."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.inference.cells import halo_of
from geo_noisy.inference.cog import Colour, Layer
from geo_noisy.inference.network import Prepared, read_box
from geo_noisy.inference.raster_run import Arrays, inner_cells, plan_of, run_tiles
from geo_noisy.inference.scenes import Scene
from geo_noisy.inference.tiles import Tile, aligned, plan_tiles
from geo_noisy.regions.windows.reader import WindowReader

STEPS = 250
"""Probabilities are stored as whole numbers from 0 to this, with the scale that takes them back."""

_BACKGROUND: Colour = (200, 200, 200, 255)


def segment_scenes(
    scenes: Sequence[Scene],
    network: Prepared,
    folder: Path,
    *,
    classes: Sequence[str],
    colours: Sequence[str] | None = None,
    probabilities: bool = True,
    tile_px: int = 1024,
    halo_px: int | None = None,
    progress: bool = True,
) -> list[Path]:
    """Write the most likely class of each pixel, with colours, and the probability of each class.

    Args:
        scenes: The scenes.
        network: A probe, see :func:`~geo_noisy.inference.load.prepare_probe`.
        folder: Where ``classes_<site>_<time>.tif`` and ``probabilities_<site>_<time>.tif`` go.
        classes: Names of the classes.
        colours: Colour of each class, by name or as ``#rrggbb``; grey and those of a colour wheel by default.
        probabilities: Whether to write probabilities.
        tile_px: Side of what is run at once, without what is read around it.
        halo_px: Pixels read around a tile; as far as the probe looks, by default.
        progress: Show progress bars.

    Returns:
        The files.

    Raises:
        ValueError: If there is not one colour a class, or more than 255 classes.
    """
    table = colour_table(classes, colours)
    halo, reader = halo_of(network, tile_px=tile_px, halo_px=halo_px), WindowReader()
    paths = []
    for scene in scenes:
        tags = {f'CLASS_{number}': name for number, name in enumerate(classes)}
        tags |= {'MODEL': network.digest, 'DATE': scene.date.isoformat()}
        targets = {
            'classes': (
                folder / f'classes_{scene.label}.tif',
                Layer('uint8', IGNORE_INDEX, ('class',), resampling='mode', colours=table, tags=tags),
            )
        }
        if probabilities:
            layer = Layer('uint8', IGNORE_INDEX, tuple(classes), scale=1 / STEPS, tags=tags)
            targets['probabilities'] = folder / f'probabilities_{scene.label}.tif', layer
        area = aligned(scene.box, network.stride)
        tiles = [
            tile._replace(inner=tile.inner.within(scene.box))
            for tile in plan_tiles(area, scene.whole, tile_px=tile_px, halo_px=halo, stride=network.stride)
        ]
        compute = _PixelClasses(scene, network, reader, tuple(targets))
        plan = plan_of(scene, digest=network.digest, scale=network.scale)
        run_tiles(scene, scene.box, tiles, compute, targets, cell_px=1, plan=plan, progress=progress)
        paths += [path for path, _ in targets.values()]
    reader.close()
    return paths


class _PixelClasses:
    """Classes and probabilities of the pixels of tiles of one scene."""

    def __init__(self, scene: Scene, network: Prepared, reader: WindowReader, wanted: tuple[str, ...]) -> None:
        self.scene, self.network, self.reader, self.wanted = scene, network, reader, wanted
        self._checked = False

    def __call__(self, tile: Tile) -> Arrays:
        pixels, valid = read_box(self.reader, self.scene, tile.outer, self.network.channels)
        images = self.network.images(pixels, valid)
        if not self._checked and valid.any():
            self.network.check(images, valid)
            self._checked = True
        there = inner_cells(valid, tile, 1)
        shares = inner_cells(self.network.run(images)[0].numpy(), tile, 1)
        found = {
            'classes': np.where(there, shares.argmax(axis=0), IGNORE_INDEX).astype(np.uint8)[None],
            'probabilities': np.where(there, np.round(shares * STEPS), IGNORE_INDEX).astype(np.uint8),
        }
        return {name: found[name] for name in self.wanted}


def colour_table(classes: Sequence[str], colours: Sequence[str] | None = None) -> dict[int, Colour]:
    """Colour of each class.

    Raises:
        ValueError: If there is not one colour a class, one is unknown, or there are more than 255 classes.
    """
    if len(classes) > IGNORE_INDEX:
        raise ValueError(f'There are {len(classes)} classes; a map holds at most {IGNORE_INDEX}.')
    if colours is None:
        wheel = [mpl.colormaps['tab20'](step % 20) for step in (*range(0, 20, 2), *range(1, 20, 2))]
        others = [wheel[number % 20] for number in range(len(classes) - 1)]
        return {0: _BACKGROUND} | {number: _bytes(colour) for number, colour in enumerate(others, start=1)}
    if len(colours) != len(classes):
        raise ValueError(f'There are {len(colours)} colours for {len(classes)} classes ({", ".join(classes)}).')
    return {number: _bytes(colour) for number, colour in enumerate(colours)}


def _bytes(colour: Any) -> Colour:
    red, green, blue = (round(255 * value) for value in mpl.colors.to_rgb(colour))
    return red, green, blue, 255
