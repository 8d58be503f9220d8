"""Commands in processes of their own, forked from one that has everything imported: a second saved on each."""

import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

import geo_noisy.commands.index
import geo_noisy.commands.trainer  # noqa: F401  # so that a child starts at once
from geo_noisy.main import main


@dataclass
class Running:
    """A command that runs.

    Attributes:
        pid: Its process.
        out: File of what it prints.
        err: File of what it says of errors.
    """

    pid: int
    out: Path
    err: Path

    def wait(self, limit_s: float) -> int | None:
        """Exit status, negative for a signal; None, after killing it, where it takes longer."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return None

    def told(self) -> str:
        """What it printed and said."""
        return ''.join(path.read_text(errors='replace') for path in (self.out, self.err) if path.is_file())


def start(
    words: list[str], *, logs: Path, before: Callable[[], object] = lambda: None, out: Path | None = None
) -> Running:
    """Start a command in the present folder.

    Args:
        words: Its words.
        logs: Folder for what it prints.
        before: Called in the new process, to limit it.
        out: Where it prints to, in place of a file in ``logs``.
    """
    running = Running(0, out or logs / 'out', logs / 'err')
    sys.stdout.flush()
    sys.stderr.flush()
    running.pid = os.fork()
    if running.pid == 0:
        status = 70
        try:
            os.setpgid(0, 0)
            for descriptor, path in ((0, Path(os.devnull)), (1, running.out), (2, running.err)):
                os.dup2(os.open(path, os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT), descriptor)
            sys.stdin, sys.stdout, sys.stderr = (os.fdopen(k, 'r' if k == 0 else 'w') for k in range(3))
            torch.set_num_threads(1)
            tqdm.set_lock(threading.RLock())  # its own is shared by all, and stays taken by a process that is killed
            warnings.resetwarnings()
            sys.argv = ['geo-noisy', *words]
            before()
            status = main()
        finally:
            sys.stderr.flush()
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
            os._exit(status)
    return running
