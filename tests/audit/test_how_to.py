"""The how-to of docs/regions.md, followed word for word."""

import glob
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from geo_noisy.main import main

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / 'docs' / 'regions.md').read_text(encoding='utf-8')


def blocks(language: str, heading: str = 'How-to') -> list[str]:
    """Blocks of a chapter."""
    (chapter,) = [part for part in TEXT.split('\n## ') if part.startswith(heading)]
    found = re.findall(r'^```(\w*)\n(.*?)^```$', chapter, flags=re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    return tmp_path


def fit(words: list[str]) -> str:
    """Run the trainer as from a shell and give what it says; in this process it would keep hold of captured streams."""
    words = [*words, '--trainer.accelerator=cpu', '--trainer.enable_progress_bar=false']
    done = subprocess.run([sys.executable, '-m', 'geo_noisy.main', *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 'excepthook' not in done.stderr  # as files that are left open to the end of Python give
    return done.stdout + done.stderr


def test_the_how_to_works_word_for_word(workplace, capsys):
    commands = [line for block in blocks('sh') for line in block.strip().splitlines()]
    assert len(commands) == 3
    for command in commands[:2]:
        assert main(shlex.split(command)[1:]) == 0
    printed = capsys.readouterr().out
    (audit,) = [block for block in blocks('') if block.startswith('Ground')]
    for line in audit.splitlines():
        assert line == '...' or line in printed
    assert (workplace / 'region' / 'map.html').exists()
    exec(compile(blocks('python')[0], 'docs/regions.md', 'exec'), {})
    assert (workplace / 'region' / 'pairs.png').exists()
    small = [*shlex.split(commands[2])[1:], '--data.init_args.length=80', '--data.init_args.val_length=16']
    fit(small)
    assert list((workplace / 'region' / 'runs').rglob('*.ckpt'))
    follow_labels(workplace)


def follow_labels(workplace: Path) -> None:
    """The chapter on labels, which goes on from there."""
    first, second = blocks('sh', 'Labels of your region')[0].strip().splitlines()
    said = fit([*shlex.split(first)[1:], '--trainer.max_epochs=2'])
    for line in blocks('', 'Labels of your region')[0].strip().splitlines():
        assert line in said
    words = [word for part in shlex.split(second)[1:] for word in expanded(part)]
    assert 'test_f1_macro' in fit(words)
    exec(compile(blocks('python', 'Labels of your region')[0], 'docs/regions.md', 'exec'), {})
    assert (workplace / 'region' / 'labelled.png').exists()


def expanded(word: str) -> list[str]:
    """A word as a shell would give it."""
    return sorted(glob.glob(word)) if '*' in word else [word]


@pytest.mark.parametrize('picture', re.findall(r'\]\((images/[^)]*)\)', TEXT))
def test_pictures_are_there_and_small(picture):
    assert (ROOT / 'docs' / picture).stat().st_size < 300 * 1024


@pytest.mark.shared
@pytest.mark.slow
def test_the_same_on_naip(workplace, shared):
    lines = [line.strip() for line in TEXT.splitlines() if line.startswith('    geo-noisy')]
    folder = str(shared / 'regions' / 'naip')
    indexing, fitting = (shlex.split(line.replace('NAIP_FOLDER', folder))[1:] for line in lines)
    assert main(indexing) == 0
    small = ['--trainer.max_epochs=1', '--data.init_args.length=160', '--data.init_args.val_length=32']
    fit([*fitting, *small, '--data.init_args.num_workers=0'])
    assert list(workplace.rglob('*.ckpt'))
