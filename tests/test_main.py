"""The command line itself."""

from pathlib import Path

import pytest

from geo_noisy import __version__
from geo_noisy.main import main


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match='0'):
        main(['--version'])
    assert capsys.readouterr().out.strip() == __version__


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert all(name in out for name in ('fit', 'validate', 'test', 'predict', 'demo', 'sweep', 'index', 'scenes'))


def test_a_wrong_grid_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = tmp_path / 'grid.yaml'
    grid.write_text('cells: []\n')
    assert main(['sweep', str(grid), '--output', str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith('geo-noisy: ' + str(grid))


def test_a_missing_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['sweep', str(tmp_path / 'none.yaml'), '--output', str(tmp_path)]) == 2
    assert 'none.yaml' in capsys.readouterr().err
