"""Runs cells, and tells how each was met."""

import contextlib
import fnmatch
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from geo_noisy.main import main
from tests.corpus.cell import Cell
from tests.corpus.forked import start

LONGEST_S = 120
"""A command that takes longer is said to hang."""
_HIDDEN = re.compile(r'(^|/)\.[^/]*$')


@dataclass(frozen=True)
class Answer:
    """What a command did.

    Attributes:
        status: Exit status; None where it did not end.
        out: What it printed.
        err: What it said of errors.
    """

    status: int | None
    out: str
    err: str


def in_process(words: list[str]) -> Answer:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    kept = mock.patch.dict(os.environ)  # fit sets options of GDAL there
    with kept, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter('default')
        warnings.showwarning = lambda message, category, *rest: err.write(f'{category.__name__}: {message}\n')
        status = main(words)
    return Answer(status, out.getvalue(), err.getvalue())


def forked(words: list[str]) -> Answer:
    """Run a command in a process of its own, forked from this one."""
    with tempfile.TemporaryDirectory() as logs:
        running = start(words, logs=Path(logs))
        status = running.wait(LONGEST_S)
        told = [path.read_text(errors='replace') for path in (running.out, running.err)]
    return Answer(status, *told)


def in_subprocess(words: list[str]) -> Answer:
    """Run a command as a user does."""
    try:
        done = subprocess.run(
            [sys.executable, '-m', 'geo_noisy.main', *words], capture_output=True, timeout=LONGEST_S, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        return Answer(None, _text(error.stdout), _text(error.stderr))
    return Answer(done.returncode, _text(done.stdout), _text(done.stderr))


def try_cell(cell: Cell, sound: Path, folder: Path, *, run=in_process) -> list[str]:
    """Make a cell's input in a folder and run its command.

    Returns:
        What is wrong with the answer; nothing where it was met well.
    """
    shutil.copytree(sound, folder, symlinks=True)
    with contextlib.chdir(folder):
        words = cell.prepare(Path())
        before = _state(Path())
        answer = run(words)
        after = _state(Path())
    return judge(cell, answer, before, after)


def judge(cell: Cell, answer: Answer, before: dict[str, object], after: dict[str, object]) -> list[str]:
    """What is wrong with an answer."""
    told = answer.out + answer.err
    problems = []
    if answer.status is None:
        problems.append(f'hangs for {LONGEST_S} s')
    elif answer.status != cell.status:
        problems.append(f'exit status {answer.status}, not {cell.status}')
    if 'Traceback' in told or 'this is unexpected' in told:
        problems.append('foreign traceback')
    problems += [f'does not name {name!r}' for name in cell.names if not re.search(name, told)]
    if '\x1b' in told:
        problems.append('escape codes in the output')
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    allowed = [*cell.outputs, '*/__pycache__*']
    left = sorted(name for name in changed if not any(fnmatch.fnmatch(name, pattern) for pattern in allowed))
    left += sorted(name for name in after.keys() - before.keys() - set(left) if _HIDDEN.search(name))
    if left:
        problems.append(f'left behind or changed: {left}')
    return problems and [*problems, f'it said: {told.strip()[-400:]!r}']


def _state(folder: Path) -> dict[str, object]:
    """Size and time of change of every file below a folder."""
    found: dict[str, object] = {}
    for place, folders, names in os.walk(os.fsencode(folder)):
        for name in [*names, *folders]:
            path = os.path.join(place, name)
            stat = os.lstat(path)
            shown = os.fsdecode(path).removeprefix('./')
            found[shown] = 'folder' if os.path.isdir(path) else (stat.st_size, stat.st_mtime_ns)
    return found


def _text(stream: bytes | None) -> str:
    return (stream or b'').decode(errors='replace')
