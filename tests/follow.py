"""Follows a page of the docs word for word, in an empty folder, and says how long each step took.

    python -m tests.follow docs/quickstart.md FOLDER

Blocks of ``sh`` and ``console`` go to a shell, in the order of the page; after them those of ``python``, to one Python.
The folder gets a link to the configs, as a checkout has them.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def blocks(text: str, *languages: str) -> list[tuple[str, str]]:
    """Language and text of each block of code, in the order of the page."""
    found = re.findall(r'^```(\w*)\n(.*?)^```$', text, flags=re.DOTALL | re.MULTILINE)
    return [(language, block) for language, block in found if language in languages]


def shell_lines(block: str) -> list[str]:
    """Commands of a block: prompts are taken off, continued lines joined."""
    lines = block.replace('\\\n', ' ').splitlines()
    return [line.removeprefix('$ ') for line in lines if line.strip() and not line.startswith('#')]


def steps(text: str) -> Iterator[tuple[str, list[str]]]:
    """What is to be run, as one would read it and as a process takes it."""
    python = [block for language, block in blocks(text, 'python')]
    for _, block in blocks(text, 'sh', 'console'):
        for line in shell_lines(block):
            yield line, ['bash', '-euc', line]
    if python:
        yield 'the Python of the page', [sys.executable, '-c', '\n'.join(python)]


def follow(page: Path, folder: Path) -> float:
    """Run a page; an error of a step ends it.

    Returns:
        Seconds in all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'configs').symlink_to(ROOT / 'configs')
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {
        'PATH': f'{os.environ["PATH"]}:{bin_folder}',
        'PYTHONPATH': str(ROOT),
        'MPLBACKEND': 'agg',
    }
    began = time.monotonic()
    for shown, words in steps(page.read_text(encoding='utf-8')):
        start = time.monotonic()
        subprocess.run(words, cwd=folder, env=environment, check=True)
        print(f'--- {time.monotonic() - start:6.1f} s  {shown}', flush=True)
    return time.monotonic() - began


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Follow a page of the docs word for word.')
    parser.add_argument('page', type=Path)
    parser.add_argument('folder', type=Path)
    arguments = parser.parse_args()
    print(f'--- {follow(arguments.page, arguments.folder):6.1f} s  in all')
