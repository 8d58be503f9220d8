"""The demo: what it runs, what it says, and its figure."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from PIL import Image

from geo_noisy.experiments import demo
from geo_noisy.experiments.grids.grid import read_comparisons, read_grid
from geo_noisy.experiments.judging.contrasts import Contrast
from geo_noisy.experiments.judging.gates import Gate
from geo_noisy.experiments.judging.statistics import Interval
from geo_noisy.experiments.running.trainer import check_cells
from geo_noisy.main import main


def test_grid() -> None:
    cells = read_grid(demo.DEMO)
    check_cells(cells)
    assert len(cells) == 12
    assert len({cell.pretrain_key for cell in cells if cell.pretrain}) == 6
    assert {cell.seed for cell in cells} == {0, 1, 2}
    rates = {cell.name: cell.pretrain['data']['init_args']['policy']['rate'] for cell in cells if cell.pretrain}
    assert rates == {demo.CLEAN: 0.0, 'all pairs noisy': 1.0}
    assert read_comparisons(demo.DEMO)[0] == (demo.CLEAN, 'random encoder')


@pytest.mark.parametrize(
    ('points', 'words'),
    [
        (
            [8, 9, 10],
            r'9.0 points of macro-F1 better .*\+6.5 to \+11.5 over 3 seeds\): so pretraining helps',
        ),
        ([-1, 2, 5], r'2.0 points of macro-F1 better .*: so this run shows no gain\.$'),
        ([-8, -9, -10], r'9.0 points of macro-F1 worse .*: so pretraining harms here\.$'),
    ],
)
def test_sentence(points: list[float], words: str) -> None:
    gate = Gate('clean', 'random', Contrast(Interval.of(points), (0, 1, 2), 1))
    assert pd.Series([demo.sentence(gate)]).str.contains(words).all(), demo.sentence(gate)


def test_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The grid as it is but for its size, and seeds of one's own."""
    grid = yaml.safe_load(demo.DEMO.read_text())
    grid['shared'] |= {'trainer.max_epochs': 1, 'data.init_args.train_count': 32, 'data.init_args.val_count': 16}
    grid['shared']['data.init_args.cells'] = 4
    grid['probe']['data']['init_args']['test_count'] = 16
    small = tmp_path / 'small.yaml'
    small.write_text(yaml.safe_dump(grid))
    monkeypatch.setattr(demo, 'DEMO', small)
    folder = tmp_path / 'run'
    assert main(['demo', '--output', str(folder), '--seeds', '5', '7', '--processes', '1']) == 0
    printed = capsys.readouterr().out
    assert '| pretraining | mean | training | late gain | seed 5 | seed 7 |' in printed
    assert printed.rstrip().splitlines()[-1].startswith('Pretrained on pairs without a label')
    with Image.open(folder / 'demo.png') as figure:
        assert figure.width > 800
    assert main(['demo', '--output', str(folder), '--seeds', '5', '7', '--processes', '1']) == 0  # all is done
    assert capsys.readouterr().out.splitlines()[-1] == printed.splitlines()[-1]


@pytest.mark.parametrize('seeds', [['3'], ['3', '3'], ['-1', '2']])
def test_bad_seeds(seeds: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['demo', '--output', str(tmp_path), '--seeds', *seeds]) == 2
    assert 'give two or more, each once, of 0 or more' in capsys.readouterr().err
