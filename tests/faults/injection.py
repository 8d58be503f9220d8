"""One fault while one command runs, and what must hold afterwards."""

import contextlib
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.corpus.forked import Running, start
from tests.faults.work import Work

LIMIT_S = 90
"""Longest that a command of these may take."""


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        kind: Its name.
        works: Names of the commands that it is tried on.
        prepare: Changes the folder before the command starts.
        limit: Limits the process from within, before it begins.
        strike: Called while the command runs, with the seconds that an unbroken run takes.
        mend: Undoes what would keep a second run from going well.
        statuses: Exit statuses that are right; a negative one is a signal. Empty for any.
        names: What has to be told, where the status is no signal's.
        again: Whether what is run again after it must end as unbroken.
        twice: Whether a second run is started in the same folder at a seeded moment.
        possible: Whether this machine lets it be tried.
    """

    kind: str
    works: tuple[str, ...]
    prepare: Callable[[Path], object] = lambda folder: None
    limit: Callable[[], object] = lambda: None
    strike: Callable[[Running, random.Random, float], object] | None = None
    mend: Callable[[Path], object] = lambda folder: None
    statuses: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    again: bool = True
    twice: bool = False
    possible: Callable[[], bool] = lambda: True


@dataclass
class Outcome:
    """What was wrong after a fault.

    Attributes:
        lost: What had been there, and is not.
        wrong: What a second run made otherwise than an unbroken one, or how the command ended.
        half: What cannot be read.
    """

    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.wrong or self.half)


def inject(fault: Fault, work: Work, sound: Path, *, seed: int) -> Outcome:
    """Run a command into a fault, look at what is left, and run it again.

    Args:
        fault: The fault.
        work: The command, with what it makes unbroken.
        sound: Folder of sound inputs.
        seed: Seed of the moment.
    """
    outcome, rng = Outcome(), random.Random(f'{fault.kind} {work.name} {seed}')
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, 'folder')
        shutil.copytree(sound, folder, symlinks=True)
        with contextlib.chdir(folder):
            work.before()
            fault.prepare(Path())
            kept = {path: path.read_bytes() for path in work.kept() if path.is_file()}
            running = start(work.words, logs=Path(place), before=fault.limit)
            if fault.strike:
                fault.strike(running, rng, work.seconds)
            if fault.twice:
                _run_beside(fault, work, Path(place), rng, outcome)
            status, told = running.wait(LIMIT_S), running.told()
            _check_end(fault, status, told, outcome)
            fault.mend(Path())
            outcome.half += [str(problem) for problem in work.unreadable()]
            outcome.lost += [
                str(path)
                for path, content in kept.items()
                if path.is_file() and work.is_input(path) and path.read_bytes() != content
            ]
            outcome.lost += [str(path) for path in kept if not path.exists()]
            if fault.again:
                _run_again(work, Path(place), outcome)
    return outcome


def _check_end(fault: Fault, status: int | None, told: str, outcome: Outcome) -> None:
    if status is None:
        outcome.wrong.append(f'hangs for {LIMIT_S} s: {told[-300:]!r}')
    elif fault.statuses and status not in (*fault.statuses, 0 if fault.strike else fault.statuses[0]):
        outcome.wrong.append(f'ended with {status}, not {fault.statuses}: {told[-300:]!r}')
    elif 0 <= status < 128:
        if 'Traceback' in told or 'this is unexpected' in told:
            outcome.wrong.append(f'foreign traceback: {told[-400:]!r}')
        outcome.wrong += [f'does not name {name!r}: {told[-300:]!r}' for name in fault.names if name not in told]


def _run_beside(fault: Fault, work: Work, place: Path, rng: random.Random, outcome: Outcome) -> None:
    """Start the command once more while it runs; it may be refused, and may lose nothing."""
    time.sleep(rng.uniform(0, work.seconds))
    logs = place / 'beside'
    logs.mkdir()
    second = start(work.words, logs=logs)
    _check_end(fault, second.wait(LIMIT_S), second.told(), outcome)


def _run_again(work: Work, logs: Path, outcome: Outcome) -> None:
    running = start(work.again(), logs=logs)
    status = running.wait(LIMIT_S)
    if status != 0:
        outcome.wrong.append(f'the second run ended with {status}: {running.told()[-400:]!r}')
        return
    outcome.half += [str(problem) for problem in work.unreadable()]
    if work.made() != work.unbroken:
        outcome.wrong.append('the second run made something else than an unbroken one')


def after_share(running: Running, rng: random.Random, seconds: float) -> None:
    """Wait for a seeded share of an unbroken run."""
    time.sleep(rng.uniform(0, seconds))


def signalled(number: int) -> Callable[[Running, random.Random, float], None]:
    """Send a signal at a seeded moment."""

    def strike(running: Running, rng: random.Random, seconds: float) -> None:
        after_share(running, rng, seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, number)

    return strike
