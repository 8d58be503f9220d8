"""Train, validation and test by blocks of ground, so that no ground is on two sides."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.locations import MARGIN, SPLITS, Locations


def assign_blocks(
    locations: Locations, *, size_px: int, block_px: int, margin_px: int, shares: Sequence[float], seed: int
) -> NDArray[np.int8]:
    """Assign the windows of whole blocks to splits; windows too near to a block of another split go to none.

    Files of different sites do not overlap, so blocks are counted within each site.

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
        ValueError: If shares do not make sense, or there are fewer blocks than splits, or a split ends empty.
    """
    _check(shares, block_px=block_px, margin_px=margin_px, size_px=size_px)
    half = -(-margin_px // 2)
    first_col, first_row = (locations.col - half) // block_px, (locations.row - half) // block_px
    last_col = (locations.col + size_px - 1 + half) // block_px
    last_row = (locations.row + size_px - 1 + half) // block_px
    middle = np.column_stack(
        [locations.site, (locations.col + size_px // 2) // block_px, (locations.row + size_px // 2) // block_px]
    )
    blocks, block, counts = np.unique(middle, axis=0, return_inverse=True, return_counts=True)
    split_of = _deal(counts, shares, np.random.default_rng(seed))
    known = {tuple(key): int(split) for key, split in zip(blocks.tolist(), split_of, strict=True)}
    split = split_of[block.reshape(-1)]
    for cols, rows in ((first_col, first_row), (first_col, last_row), (last_col, first_row), (last_col, last_row)):
        corners = zip(locations.site.tolist(), cols.tolist(), rows.tolist(), strict=True)
        there = np.array([known.get(corner, -9) for corner in corners])
        split = np.where((there != -9) & (there != split_of[block.reshape(-1)]), MARGIN, split)
    empty = [SPLITS[k] for k, share in enumerate(shares) if share > 0 and not (split == k).any()]
    if empty:
        raise ValueError(
            f'No location is left for {", ".join(empty)}: with block_px={block_px} there are {len(blocks)} blocks of '
            f'{len(locations)} windows, and margin_px={margin_px} takes the rest. Use smaller ones.'
        )
    return split.astype(np.int8)


def _check(shares: Sequence[float], *, block_px: int, margin_px: int, size_px: int) -> None:
    if len(shares) != len(SPLITS) or min(shares) < 0 or not np.isclose(sum(shares), 1):
        raise ValueError(f'shares are {tuple(shares)}; give three that add up to 1, for train, validation and test.')
    if block_px < size_px:
        raise ValueError(f'block_px is {block_px}; a block must hold a window of {size_px} px.')
    if not 0 <= margin_px <= block_px:
        raise ValueError(f'margin_px is {margin_px}; it must lie in [0, block_px = {block_px}].')


def _deal(counts: NDArray[np.int64], shares: Sequence[float], rng: np.random.Generator) -> NDArray[np.int8]:
    """Split of each block: in random order, each goes to the split that lacks most of its share."""
    wanted = np.asarray(shares, dtype=float)
    if len(counts) < int((wanted > 0).sum()):
        raise ValueError(
            f'{len(counts)} blocks cannot be shared out over {int((wanted > 0).sum())} splits. Use smaller blocks '
            '(--block-px), or shares of 0 for some splits.'
        )
    split, held, total = np.zeros(len(counts), dtype=np.int8), np.zeros(len(SPLITS)), counts.sum()
    for block in rng.permutation(len(counts)):
        lack = np.where(wanted > 0, 1 - held / np.maximum(wanted * total, 1e-12), -np.inf)
        chosen = int(np.argmax(lack))
        split[block], held[chosen] = chosen, held[chosen] + counts[block]
    return split
