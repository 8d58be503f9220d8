"""What the scripts complete, in a real shell."""

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest

from geo_noisy.commands.listing import COMMANDS
from geo_noisy.main import main


@pytest.fixture(scope='module')
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('completion') / 'geo-noisy'
    with path.open('w') as file, contextlib.redirect_stdout(file):
        assert main(['completion', 'bash']) == 0
    return path


def completed(script: Path, *words: str) -> list[str]:
    """What bash offers for the last of some words."""
    line = ' '.join(f'"{word}"' for word in words)
    asked = f'source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; COMP_LINE="{" ".join(words)}"; '
    asked += '$(complete -p geo-noisy | sed "s/.*-F \\([^ ]*\\).*/\\1/"); printf "%s\\n" "${COMPREPLY[@]}"'
    found = subprocess.run(['bash', '-c', asked], capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_commands_are_completed(script: Path) -> None:
    assert completed(script, 'geo-noisy', 'do') == ['doctor']
    everything = {name for commands in COMMANDS.values() for name in commands}
    assert everything <= set(completed(script, 'geo-noisy', ''))


def test_options_are_completed(script: Path) -> None:
    assert completed(script, 'geo-noisy', 'index', '--size') == ['--size-px']
    assert '--trainer.max_epochs' in completed(script, 'geo-noisy', 'fit', '--trainer.max_e')


def test_wrong_shells_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['completion', 'fish']) == 2
    assert 'fish' in capsys.readouterr().err


@pytest.mark.skipif(shutil.which('zsh') is None, reason='there is no zsh')
def test_zsh_takes_its_script(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(['completion', 'zsh']) == 0
    (tmp_path / '_geo-noisy').write_text(capsys.readouterr().out)
    subprocess.run(['zsh', '-n', str(tmp_path / '_geo-noisy')], check=True)
