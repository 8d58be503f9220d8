"""The windows of an index, column by column."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

SPLITS = ('train', 'val', 'test')
MARGIN, UNASSIGNED = -1, -2


@dataclass(frozen=True)
class Locations:
    """Windows on the grids of their sites; each [n].

    Attributes:
        site: Number of the site.
        col: First column on the site's grid.
        row: First row.
        place: Number of the place; windows of different places never overlap.
        split: 0 train, 1 validation, 2 test, -1 in a margin between two, -2 not assigned.
    """

    site: NDArray[np.int32]
    col: NDArray[np.int32]
    row: NDArray[np.int32]
    place: NDArray[np.int64]
    split: NDArray[np.int8]

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.site)

    def take(self, rows: NDArray[np.int64]) -> 'Locations':
        """Some of the windows."""
        return Locations(*(getattr(self, column.name)[rows] for column in fields(self)))
