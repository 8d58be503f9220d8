"""Tiles of a scene: what each writes, and what is read around it so that its edges do not show."""

from collections.abc import Sequence
from typing import NamedTuple

from geo_noisy.regions.windows.reader import Box


class Tile(NamedTuple):
    """A part of a scene.

    Attributes:
        number: Its place in the order of work.
        inner: What it writes, in pixels of the site's grid.
        outer: What is read for it.
    """

    number: int
    inner: Box
    outer: Box


def aligned(box: Box, stride: int) -> Box:
    """The smallest box around another whose edges are multiples of a stride on the site's grid.

    Cells of all dates of a site are the same ground then, wherever the files of a date begin.
    """
    col, row = (start // stride * stride for start in (box.col, box.row))
    right, bottom = (-(-end // stride) * stride for end in (box.col + box.width_px, box.row + box.height_px))
    return Box(col, row, right - col, bottom - row)


def plan_tiles(area: Box, scene: Box, *, tile_px: int, halo_px: int, stride: int) -> list[Tile]:
    """Cut an area into tiles, row by row.

    Args:
        area: What is to be written; its edges are multiples of the stride.
        scene: What there is to read, which may be more.
        tile_px: Side of what a tile writes, rounded up to a multiple of the stride.
        halo_px: What is read around it, rounded up likewise; beyond the scene nothing is read.
        stride: Pixels of a cell.

    Raises:
        ValueError: If a length is below 1, or the halo negative.
    """
    if tile_px < 1 or halo_px < 0:
        raise ValueError(
            f'tile_px is {tile_px} and halo_px {halo_px}; a tile needs a pixel, and a halo cannot be negative.'
        )
    side, halo = (-(-length // stride) * stride for length in (tile_px, halo_px))
    whole = aligned(scene, stride)
    tiles: list[Tile] = []
    for row in range(area.row, area.row + area.height_px, side):
        for col in range(area.col, area.col + area.width_px, side):
            inner = Box(col, row, side, side).within(area)
            around = Box(col - halo, row - halo, inner.width_px + 2 * halo, inner.height_px + 2 * halo)
            tiles.append(Tile(len(tiles), inner, around.within(whole)))
    return tiles


def cells(box: Box, inside: Box, cell_px: int) -> tuple[slice, slice]:
    """Rows and columns of a box among the cells of a larger one."""
    rows, cols = inside.slices(box)
    return slice(rows.start // cell_px, rows.stop // cell_px), slice(cols.start // cell_px, cols.stop // cell_px)


def common(boxes: Sequence[Box]) -> Box:
    """What some boxes have in common."""
    found = boxes[0]
    for box in boxes[1:]:
        found = found.within(box)
    return found
