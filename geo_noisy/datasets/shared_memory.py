"""Holding a whole data set in memory that data loader workers share."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm


def stack_in_shared_memory(
    make: Callable[[int], Sequence[NDArray]], *, count: int, description: str
) -> tuple[Tensor, ...]:
    """Make every row of a data set once, into tensors that all processes share.

    The bytes are stated on the progress bar before the first row is kept.

    Args:
        make: Takes a row's number to its arrays, of the same shapes and types for every row.
        count: Number of rows, at least 1.
        description: Name on the progress bar.

    Returns:
        One tensor [count, ...] for each array of a row.

    Raises:
        MemoryError: If the shared memory does not suffice.
    """
    first = [np.asarray(array) for array in make(0)]
    size_bytes = count * sum(array.nbytes for array in first)
    try:
        stacks = tuple(_empty_shared(count, array) for array in first)
    except RuntimeError as error:
        raise MemoryError(
            f'{description} takes {_megabytes(size_bytes)} of shared memory, which is not there ({error}). '
            'Set in_memory=False, lower count or size_px, or give more shared memory (/dev/shm).'
        ) from error
    for row in tqdm(range(count), desc=f'{description}, {_megabytes(size_bytes)} in memory', leave=False):
        for stack, array in zip(stacks, make(row), strict=True):
            stack[row] = torch.from_numpy(np.asarray(array))
    return stacks


def _empty_shared(count: int, like: NDArray) -> Tensor:
    dtype = torch.from_numpy(np.empty(0, dtype=like.dtype)).dtype
    stack = torch.empty((count, *like.shape), dtype=dtype)
    stack.share_memory_()  # type: ignore[no-untyped-call]  # untyped in torch
    return stack


def _megabytes(size_bytes: int) -> str:
    return f'{size_bytes / 1e6:,.0f} MB'
