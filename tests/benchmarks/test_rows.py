"""The table of the benchmarks."""

import subprocess
import sys

import pytest

from tests.benchmarks.rows import HEADER, Comparison, line


def _work(numbers: int) -> int:
    return sum(range(numbers))


def test_a_slower_peer_has_a_ratio_above_1_and_all_columns() -> None:
    row = line(
        Comparison('sum', 'small', 'large', 1, lambda: _work(2_000), lambda: _work(2_000_000), lambda: 'exactly')
    )
    cells = [cell.strip() for cell in row.strip('|').split('|')]
    assert len(cells) == HEADER.splitlines()[0].count('|') - 1
    assert cells[:3] == ['sum', 'small', 'large']
    assert float(cells[5]) > 10
    assert cells[-1] == 'exactly'


def test_results_that_differ_are_no_row() -> None:
    def _differ() -> str:
        raise AssertionError('they differ')

    with pytest.raises(AssertionError, match='they differ'):
        line(Comparison('sum', 'small', 'large', 1, lambda: _work(1), lambda: _work(1), _differ))


def test_a_bench_that_is_not_there_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, '-m', 'tests.benchmarks', 'lossses'], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 2
    assert 'lossses' in run.stderr
