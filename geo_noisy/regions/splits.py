"""Train, validation and test of an index, by blocks of ground."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows import blocks
from geo_noisy.regions.windows.locations import MARGIN

_ROUNDING = 1e-3  # of a pixel's side


def assign_splits(
    index: RegionTables, *, shares: Sequence[float], block_px: int, margin_px: int, seed: int
) -> NDArray[np.int8]:
    """Split of each window, [n]; see :meth:`PairIndex.with_splits` for the arguments.

    Raises:
        ValueError: If there are too few blocks for the splits, or a split ends empty.
    """
    split = blocks.assign_blocks(
        index.locations, size_px=index.size_px, block_px=block_px, margin_px=margin_px, shares=shares, seed=seed
    )
    if margin_px:
        split[_between_sites(index, split, margin_px=margin_px)] = MARGIN
    blocks.check_filled(split, shares, block_px=block_px, margin_px=margin_px)
    return split


def _between_sites(index: RegionTables, split: NDArray[np.int8], *, margin_px: int) -> NDArray[np.bool_]:
    """Windows too near to another site's window of another split, [n]; sites of different CRS are not compared."""
    boxes, site = index.windows(), index.locations.site
    margin = margin_px * (1 - _ROUNDING) * index.sites[['res_x', 'res_y']].max(axis=1).to_numpy()[site]
    lost = np.zeros(len(index), dtype=bool)
    for rows, _ in index.by_crs():
        lost[rows] = blocks.between_sites(split[rows], site[rows], boxes[rows], margin=margin[rows])
    return lost
