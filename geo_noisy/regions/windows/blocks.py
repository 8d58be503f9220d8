"""Train, validation and test by blocks of ground, so that no ground is on two sides."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.regions.windows.locations import MARGIN, SPLITS, Locations

_HALF = 1 << 20  # blocks are counted from minus this to plus this


def assign_blocks(
    locations: Locations, *, size_px: int, block_px: int, margin_px: int, shares: Sequence[float], seed: int
) -> NDArray[np.int8]:
    """Assign the windows of whole blocks to splits; windows too near to a block of another split go to none.

    Files of different sites do not overlap, so blocks are counted within each site; for the margin between sites
    see :func:`between_sites`.

    Args:
        locations: The windows.
        size_px: Side of a window.
        block_px: Side of a block.
        margin_px: Smallest distance of windows of two splits.
        shares: Shares of the windows, for train, validation and test.
        seed: Seed of the choice.

    Returns:
        0 train, 1 validation, 2 test, -1 in a margin; shape [n].

    Raises:
        ValueError: If shares do not make sense, or there are fewer blocks than splits.
    """
    _check(shares, block_px=block_px, margin_px=margin_px, size_px=size_px, seed=seed)
    half = -(-margin_px // 2)
    reach = [
        (start.astype(np.int64) - half, start.astype(np.int64) + size_px - 1 + half)
        for start in (locations.col, locations.row)
    ]
    (left, right), (top, bottom) = [(low // block_px, high // block_px) for low, high in reach]
    col, row = [(low + high + 1) // 2 // block_px for low, high in reach]
    blocks, block, counts = np.unique(_key(locations.site, col, row), return_inverse=True, return_counts=True)
    split_of = _deal(counts, shares, np.random.default_rng(seed))
    own = split_of[block]
    split = own.copy()
    for across in range(int((right - left).max()) + 1):
        for down in range(int((bottom - top).max()) + 1):
            near = _key(locations.site, np.minimum(left + across, right), np.minimum(top + down, bottom))
            found = np.minimum(np.searchsorted(blocks, near), len(blocks) - 1)
            split[(blocks[found] == near) & (split_of[found] != own)] = MARGIN
    return split


def between_sites(
    split: NDArray[np.int8], site: NDArray[np.int32], boxes: NDArray[np.object_], *, margin: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Windows nearer than their margin to a window of another site and split; the split named first gives way.

    Args:
        split: Split of each window, [n].
        site: Its site, [n].
        boxes: Its box; all in one CRS, [n].
        margin: Smallest distance of windows of two splits, in units of that CRS, [n].
    """
    lost = np.zeros(len(split), dtype=bool)
    own = np.unique(site, return_inverse=True)[1]
    window, other = shapely.STRtree(_hulls(boxes, own)).query(boxes, predicate='dwithin', distance=margin)
    rows = np.unique(window[own[window] != other])
    first, second = shapely.STRtree(boxes[rows]).query(boxes[rows], predicate='dwithin', distance=margin[rows])
    near = rows[np.column_stack([first, second])]
    near = near[(own[near[:, 0]] != own[near[:, 1]]) & (split[near].min(axis=1) >= 0)]
    apart = near[split[near[:, 0]] != split[near[:, 1]]]
    lost[np.where(split[apart[:, 0]] < split[apart[:, 1]], apart[:, 0], apart[:, 1])] = True
    return lost


def _hulls(boxes: NDArray[np.object_], group: NDArray[np.int64]) -> NDArray[np.object_]:
    """The box around all boxes of each group; groups are numbered from 0."""
    order = np.argsort(group, kind='stable')
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    left, bottom, right, top = shapely.bounds(boxes[order]).T
    low, high = np.minimum.reduceat, np.maximum.reduceat
    return np.asarray(shapely.box(low(left, starts), low(bottom, starts), high(right, starts), high(top, starts)))


def check_filled(split: NDArray[np.int8], shares: Sequence[float], *, block_px: int, margin_px: int) -> None:
    """Complain of a split that is wanted and got no window.

    Raises:
        ValueError: If there is one.
    """
    empty = [SPLITS[k] for k, share in enumerate(shares) if share > 0 and not (split == k).any()]
    if empty:
        raise ValueError(
            f'No location is left for {", ".join(empty)}: with block_px={block_px}, {int((split == MARGIN).sum())} of '
            f'{len(split)} windows lie within margin_px={margin_px} of another split. Use smaller ones.'
        )


def _key(site: NDArray[np.int32], col: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each block: 21 bits each for site, column and row."""
    return (site.astype(np.int64) << 42) + ((col + _HALF) << 21) + row + _HALF


def _check(shares: Sequence[float], *, block_px: int, margin_px: int, size_px: int, seed: int) -> None:
    if seed < 0:
        raise ValueError(f'seed is {seed}; use 0 or more.')
    if len(shares) != len(SPLITS) or min(shares) < 0 or not np.isclose(sum(shares), 1):
        raise ValueError(f'shares are {tuple(shares)}; give three that add up to 1, for train, validation and test.')
    if block_px < size_px:
        raise ValueError(f'block_px is {block_px}; a block must hold a window of {size_px} px.')
    if not 0 <= margin_px <= block_px:
        raise ValueError(f'margin_px is {margin_px}; it must lie in [0, block_px = {block_px}].')


def _deal(counts: NDArray[np.int64], shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.int8]:
    """Split of each block: in random order, each goes to the split that lacks most."""
    wanted = np.asarray(shares, dtype=float)
    if len(counts) < int((wanted > 0).sum()):
        raise ValueError(
            f'{len(counts)} blocks cannot be shared out over {int((wanted > 0).sum())} splits. Use smaller blocks '
            '(--block-px), or shares of 0 for some splits.'
        )
    split, held, left = np.zeros(len(counts), dtype=np.int8), np.zeros(len(SPLITS)), len(counts)
    for block in rng.permutation(len(counts)):
        lack = np.where(wanted > 0, wanted * counts.sum() - held, -np.inf)
        empty = (wanted > 0) & (held == 0)
        if left <= empty.sum():  # the last blocks go to splits that have none
            lack[~empty] = -np.inf
        chosen = int(np.argmax(lack))
        split[block], held[chosen], left = chosen, held[chosen] + counts[block], left - 1
    return split
