"""Numbers of samples, counted from either end as in a list."""

import operator
from typing import SupportsIndex


def row_of(index: SupportsIndex, *, count: int, of: str) -> int:
    """The row that a number stands for.

    Args:
        index: Number of a sample, from ``-count`` to ``count - 1``; negative ones count from the end.
        count: Number of samples.
        of: What they are samples of, for the message.

    Raises:
        IndexError: If there is no such row.
    """
    number = operator.index(index)
    if not -count <= number < count:
        raise IndexError(f'There is no sample {number} in {of}: its {count} are numbered from 0 to {count - 1}.')
    return number % count
