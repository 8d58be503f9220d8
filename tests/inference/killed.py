"""Work that is killed at some moments and begun again, each time in a process of its own, with its peak of memory."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


def run_killed(work: Callable[[], None], done: Callable[[], int], *, kills: Sequence[int]) -> float:
    """Run work in child processes: kill one whenever so many parts are done, then let the last end.

    Returns:
        Peak of memory of the children, in GiB.
    """
    for parts in kills:
        child = _start(work)
        while done() < parts:
            if os.waitpid(child, os.WNOHANG) != (0, 0):
                raise AssertionError(f'ended before {parts} parts were there')
            time.sleep(0.002)
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    status = os.waitpid(_start(work), 0)[1]
    assert status == 0, status
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def _start(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    return child


def parts_in(folder: Path) -> int:
    """Finished parts of all outputs in a folder."""
    return len(list(folder.glob('.*.parts/[0-9]*.npz')))


if __name__ == '__main__':  # a small work, for the tests: the words of `geo-noisy embed --by cell`, the folder last
    from geo_noisy.main import main

    def work() -> None:
        assert main(sys.argv[1:]) == 0

    run_killed(work, lambda: parts_in(Path(sys.argv[-1])), kills=(3, 20))
