"""All cells."""

from collections import Counter

from tests.corpus import (
    checkpoints,
    configs,
    grids,
    images,
    index_files,
    polygons,
    rasters,
    results,
    tables,
    uses,
    words,
)
from tests.corpus.cell import Cell

READERS = (rasters, polygons, index_files, tables, images, configs, checkpoints, grids, results, uses, words)


def every_cell() -> list[Cell]:
    """All cells, in an order that stays.

    Raises:
        ValueError: If two are of the same reader, field and damage.
    """
    cells = [cell for reader in READERS for cell in reader.cells()]
    twice = [name for name, count in Counter(cell.name for cell in cells).items() if count > 1]
    if twice:
        raise ValueError(f'Cells that are there twice: {twice}.')
    return cells
