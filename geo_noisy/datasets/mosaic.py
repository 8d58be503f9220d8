"""Many small pictures in rows and columns, drawn in one go."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor

from geo_noisy.datasets.pair_plot import outline_noise

_STEP = 1.06  # from one tile to the next, of a side of 1


class Tile(NamedTuple):
    """A square picture of a mosaic."""

    picture: NDArray[np.float32]
    """Colours in [0, 1], [H, W, 3]."""
    change: Tensor | None = None
    """What is outlined, [H, W]: 1 changed, 255 unknown."""
    frame: str = ''
    """Colour of a frame around it."""
    text: str = ''
    """What is written below it."""


def draw_mosaic(
    rows: Sequence[Sequence[Tile | None]],
    *,
    columns: Sequence[str] = (),
    labels: Sequence[str] = (),
    suptitle: str | None = None,
    tile_in: float = 1.5,
) -> Figure:
    """Draw tiles in rows on one axis: dozens of them take as long as a single plot.

    Args:
        rows: Tiles of each row from left to right; None leaves a place empty.
        columns: Title of each column.
        labels: What stands left of each row.
        suptitle: Title of the whole figure.
        tile_in: Side of a tile in inches.
    """
    across = max(len(row) for row in rows)
    written = any(tile is not None and tile.text for row in rows for tile in row)
    down = _STEP + 0.14 * written
    left, head = (1.3 if labels else 0), 0.3 * bool(columns) + 0.3 * (suptitle is not None)
    width, height = across * _STEP, len(rows) * down
    figure = Figure(figsize=((left + width) * tile_in, height * tile_in + head))
    top = 1 - head / (height * tile_in + head)
    axis = figure.add_axes((left / (left + width), 0, width / (left + width), top))
    axis.set(xlim=(-0.03, width - 0.03), ylim=(height - 0.03, -0.03))
    axis.axis('off')
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            if tile is not None:
                _draw_tile(figure, tile, (x * _STEP, y * down))
    for x, title in enumerate(columns):
        axis.text(x * _STEP + 0.5, -0.06, title, ha='center', va='bottom', fontsize=9)
    for y, label in enumerate(labels):
        axis.text(-0.08, y * down + 0.5, label, ha='right', va='center', fontsize=8)
    if suptitle is not None:
        figure.text(0.5, 1 - 0.05 / (height * tile_in + head), suptitle, ha='center', va='top', fontsize=11)
    return figure


def _draw_tile(figure: Figure, tile: Tile, corner: tuple[float, float]) -> None:
    """Draw a tile with its corner at a place of the figure's axis."""
    (axis,) = figure.axes
    view = axis.get_xlim(), axis.get_ylim()
    x, y = corner
    axis.imshow(tile.picture, extent=(x, x + 1, y + 1, y), interpolation='nearest', aspect='auto')
    axis.set(xlim=view[0], ylim=view[1])
    if tile.change is not None:
        outline_noise(axis, tile.change, corner=corner, pixel=1 / len(tile.change))
    if tile.frame:
        axis.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=tile.frame, linewidth=3))
    axis.text(x + 0.5, y + 1.02, tile.text, ha='center', va='top', fontsize=7)
