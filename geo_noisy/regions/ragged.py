"""Rows of unequal length, held as one flat array and the offsets at which rows start."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def offsets_of(lengths: Ints) -> Ints:
    """Offsets [n + 1] of rows with these lengths [n]."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])


def expand(starts: Ints, lengths: Ints) -> Ints:
    """The numbers ``starts[k], starts[k] + 1, ...``, ``lengths[k]`` of them, one row after the other."""
    offsets = offsets_of(lengths)
    return np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)


def take_rows(offsets: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Offsets after taking some rows, and the flat positions that they hold."""
    lengths = np.diff(offsets)[rows]
    return offsets_of(lengths), expand(offsets[rows], lengths)


def keep_flat(offsets: Ints, kept: NDArray[np.bool_]) -> Ints:
    """Offsets after keeping some of the flat items."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept, dtype=np.int64)])[offsets]


def row_of_flat(offsets: Ints) -> Ints:
    """The row of each flat item."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
