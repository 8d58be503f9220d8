"""Sixty seeded cells of the corpus, in this process; ``make test-faults`` tries all, each in its own."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.corpus.catalogue import every_cell
from tests.corpus.cell import Cell
from tests.corpus.sound import make_sound
from tests.corpus.verdict import try_cell

CELLS = every_cell()
QUICK = [cell for cell in CELLS if 'huge' not in cell.damage and 'sparse' not in cell.damage and cell.reader != 'xBD']


def chosen(seed: int = 0, count: int = 60) -> list[Cell]:
    """Cells of every reader, in turn."""
    order = random.Random(seed).sample(QUICK, len(QUICK))
    ranked = sorted(order, key=lambda cell: [other for other in order if other.reader == cell.reader].index(cell))
    return ranked[:count]


@pytest.fixture(scope='module')
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sound(tmp_path_factory.mktemp('corpus') / 'made')


def test_there_are_enough_cells_each_of_its_own_kind() -> None:
    assert len(CELLS) >= 300
    assert len({(cell.reader, cell.field, cell.damage) for cell in CELLS}) == len(CELLS)
    assert min(Counter(cell.reader for cell in CELLS).values()) >= 5


@pytest.mark.parametrize('cell', chosen(), ids=lambda cell: cell.name)
def test_bad_input_is_met_well(cell: Cell, sound: Path, tmp_path: Path) -> None:
    assert try_cell(cell, sound, tmp_path / 'place') == []
