"""The command line itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from geo_noisy import __version__
from geo_noisy.main import COMMANDS, main

HEAVY = ('torch', 'numpy', 'lightning', 'torchgeo', 'geopandas', 'rasterio', 'jsonargparse')


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['--version']) == 0
    assert capsys.readouterr().out.strip() == __version__


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(['--help']) == 0
    out = capsys.readouterr().out
    assert all(f'  {name} ' in out for commands in COMMANDS.values() for name in commands)


@pytest.mark.parametrize(
    ('words', 'absent'),
    [(['--help'], HEAVY), (['--version'], HEAVY), (['index', '--help'], ('torch', 'lightning', 'torchgeo'))],
)
def test_nothing_heavy_is_imported_before_a_command_needs_it(words: list[str], absent: tuple[str, ...]) -> None:
    code = f'import sys; from geo_noisy.main import main; main({words}); print(*sys.modules, file=sys.stderr)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert not set(absent) & set(done.stderr.split())


def test_a_command_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['indx']) == 2
    assert capsys.readouterr().err == "geo-noisy: there is no command 'indx'; did you mean index?\n"


def test_a_wrong_grid_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = tmp_path / 'grid.yaml'
    grid.write_text('cells: []\n')
    assert main(['sweep', str(grid), '--output', str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith('geo-noisy: ' + str(grid))


def test_a_missing_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['sweep', str(tmp_path / 'none.yaml'), '--output', str(tmp_path)]) == 2
    assert 'none.yaml' in capsys.readouterr().err


@pytest.mark.parametrize('command', ['scenes', 'index', 'sweep', 'report', 'demo'])
def test_help_and_a_wrong_option_of_each_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, '--help']) == 0
    assert capsys.readouterr().out.startswith(f'usage: geo-noisy {command} ')
    assert main([command, '--wrong-option', '1']) == 2
    assert capsys.readouterr().err.count('\n') == 1


@pytest.mark.parametrize('command', sorted({name for commands in COMMANDS.values() for name in commands}))
def test_output_has_its_short_form_everywhere(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    if command in ('fit', 'validate', 'test', 'predict'):  # the trainer's own parser: folders are in the config
        return
    assert main([command, '--help']) == 0
    shown = capsys.readouterr().out
    assert ('--output' in shown) == ('  -o ' in shown or '-o OUTPUT' in shown or '-o FILE' in shown)
