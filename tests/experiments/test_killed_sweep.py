"""A sweep killed at any moment goes on, and ends with the same rows; Ray gives the same rows, too."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from geo_noisy.experiments.grids.grid import read_grid
from geo_noisy.experiments.running.sweep import run_grid
from geo_noisy.experiments.table import OUTCOMES, SOURCES, read_table
from geo_noisy.main import main
from tests.experiments.grids import tiny_grid

ROOT = Path(__file__).parents[2]
SMOKE = ROOT / 'configs' / 'sweeps' / 'smoke.yaml'
BY_IMAGE = (OUTCOMES, SOURCES)  # lists, which are arrays where they were read from a file
TIMES = ['ended', 'pretrain_seconds', 'probe_seconds']


def assert_same_rows(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Every column but the times is equal, bit for bit."""
    first, second = (frame.sort_values('key').reset_index(drop=True) for frame in (first, second))
    columns = [column for column in first if column not in (*TIMES, *BY_IMAGE)]
    pd.testing.assert_frame_equal(first[columns], second[columns], check_exact=True, check_like=True)
    for column in BY_IMAGE:
        for ours, theirs in zip(first[column], second[column], strict=True):
            assert np.array_equal(np.stack(list(ours)), np.stack(list(theirs)))


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """The smoke grid with one seed."""
    path = tmp_path / 'one_seed.yaml'
    path.write_text(yaml.safe_dump(yaml.safe_load(SMOKE.read_text()) | {'seeds': [0]}))
    return path


@pytest.mark.slow
def test_killed_and_restarted(tmp_path: Path, grid: Path) -> None:
    words = [sys.executable, '-m', 'tests.experiments.killed_sweep', str(grid), str(tmp_path), '--kills', '5']
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)
    assert result.returncode == 0, result.stderr
    kills = re.search(r'killed (\d+) times', result.stdout)
    assert kills is not None
    assert int(kills.group(1)) >= 3
    whole, killed = read_table(tmp_path / 'whole'), read_table(tmp_path / 'killed')
    assert len(whole) == len(read_grid(grid)) == 5
    assert whole['error'].isna().all()
    assert_same_rows(whole, killed)


@pytest.mark.slow
def test_processes_give_the_same_rows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch.set_num_threads(1)
    cells = [{'name': 'random', 'pretrain': None}]
    cells += [{'name': 'within', 'pretrain': 'within-image', 'axes': {'checkpoint': ['best', 'last']}}]  # shared
    grid = tiny_grid(tmp_path, seeds=[0], cells=cells, compare=[])
    here = run_grid(read_grid(grid), tmp_path / 'here')
    words = ['sweep', str(grid), '--output', str(tmp_path / 'processes'), '--processes', '2']
    assert main(words) == 0
    assert_same_rows(here, read_table(tmp_path / 'processes'))
    # The bar counted every step of every stage, a shared pretraining once, and ends full.
    last = capfd.readouterr().err.replace('\r', '\n').strip().splitlines()[-1]
    assert last.startswith(f'{len(here)} of {len(here)} cells done: 100 %')


def test_processes_and_ray_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='processes is 2'):
        run_grid(read_grid(tiny_grid(tmp_path)), tmp_path, engine='ray', processes=2)


@pytest.fixture(scope='module')
def ray() -> Iterator[None]:
    """A Ray cluster of this machine's, whatever other clusters it is part of."""
    ray = pytest.importorskip('ray')
    ray.init(address='local', num_cpus=2, log_to_driver=False, include_dashboard=False)
    yield
    ray.shutdown()


@pytest.mark.slow
@pytest.mark.usefixtures('ray')
def test_ray_gives_the_same_rows(tmp_path: Path, grid: Path) -> None:
    torch.set_num_threads(1)
    here = run_grid(read_grid(grid), tmp_path / 'local')
    words = ['sweep', str(grid), '--output', str(tmp_path / 'ray'), '--engine', 'ray', '--cpus', '1', '--gpus', '0']
    assert main(words) == 0
    assert_same_rows(here, read_table(tmp_path / 'ray'))
    # What is done is done for either engine: nothing is run again.
    before = set(read_table(tmp_path / 'ray')['ended'])
    assert set(run_grid(read_grid(grid), tmp_path / 'ray')['ended']) == before


@pytest.mark.slow
@pytest.mark.usefixtures('ray')
def test_ray_pretrains_once_and_records_a_process_that_dies(tmp_path: Path) -> None:
    grid = yaml.safe_load(SMOKE.read_text()) | {'seeds': [0], 'compare': []}
    grid['cells'] = [
        {'name': 'shared', 'pretrain': 'within', 'axes': {'probe.model.init_args.lr': [0.001, 0.01, 0.1]}},
        {'name': 'dies', 'pretrain': None, 'set': {'probe.model.class_path': 'tests.experiments.dying.DyingProbe'}},
    ]
    path = tmp_path / 'grid.yaml'
    path.write_text(yaml.safe_dump(grid))
    table = run_grid(read_grid(path), tmp_path / 'run', engine='ray')
    assert table['error'].isna().tolist() == [True, True, True, False]
    assert 'the process of this cell died' in table['error'][3]
    assert len(list((tmp_path / 'run' / 'pretrain').glob('*/version_*'))) == 1


def test_unknown_engine(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="engine is 'spark'"):
        run_grid([], tmp_path, engine='spark')  # type: ignore[arg-type]


def test_engine_options_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['sweep', str(SMOKE), '--output', 'x', '--engine', 'spark']) == 2
    assert "--engine: expected one of 'local', 'ray', got spark" in capsys.readouterr().err
