"""The geometry of VTS: Voronoi cells, two classes, and the cells that noise takes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BLOCK_PX = 1 << 16  # pixels times cells worked on at once: stays in a core's cache


class Layout(NamedTuple):
    """Voronoi cells of an image, numbered in the order in which noise takes them.

    So the noise cells of every per-image noise are a prefix of this order: the lower level is part of the
    higher one, in the same geometry.
    """

    seeds_px: NDArray[np.int64]
    """Row and column of the seed of each cell, shape [cells, 2]; no two are equal."""
    classes: NDArray[np.uint8]
    """Class of each cell without noise, 0 or 1, shape [cells]; half of the cells each."""

    def cell_map(self, size_px: int) -> NDArray[np.int64]:
        """Number of the cell of each pixel, shape [size_px, size_px]."""
        return nearest_seed(self.seeds_px, size_px=size_px)


def draw_layout(rng: np.random.Generator, *, cells: int, size_px: int) -> Layout:
    """Draw cells, and split them evenly at random between two classes.

    Args:
        rng: Source of everything random.
        cells: Number of cells, even.
        size_px: Height and width of the image.
    """
    # Choice without replacement comes in random order, so the order of the cells is a random permutation.
    flat = rng.choice(size_px * size_px, size=cells, replace=False)
    seeds_px = np.stack(np.divmod(flat, size_px), axis=1)
    classes = rng.permutation(np.repeat(np.array([0, 1], dtype=np.uint8), cells // 2))
    return Layout(seeds_px, classes)


def count_noise_cells(cells: int, r_img: float) -> int:
    """Number of cells that noise takes at a per-image noise in [0, 1]."""
    return round(r_img * cells)


def nearest_seed(seeds_px: NDArray[np.int64], *, size_px: int) -> NDArray[np.int64]:
    """Number of the seed nearest to each pixel; the lower number where two are equally near.

    The squared distance is an integer, so distance and number fit in one integer and a plain minimum finds
    both at once, several times faster than an argmin.

    Args:
        seeds_px: Row and column of each seed, inside the image, shape [cells, 2].
        size_px: Height and width of the image.

    Returns:
        Numbers, shape [size_px, size_px], of the smallest integer type that does.
    """
    cells = len(seeds_px)
    bits = (cells - 1).bit_length()
    dtype = np.dtype(np.int32 if size_px**2 << (bits + 1) < 2**31 else np.int64)
    offsets = np.arange(size_px).astype(dtype) - seeds_px.astype(dtype)[:, :, None]
    squares = (offsets * offsets) << bits
    rows, columns = squares[:, 0, :, None], squares[:, 1, None, :] + np.arange(cells).astype(dtype)[:, None, None]
    numbers = np.empty((size_px, size_px), dtype=np.min_scalar_type(cells - 1))
    height = max(1, _BLOCK_PX // (cells * size_px))
    for top in range(0, size_px, height):
        block = slice(top, top + height)
        numbers[block] = (rows[:, block] + columns).min(axis=0) & ((1 << bits) - 1)
    return numbers
