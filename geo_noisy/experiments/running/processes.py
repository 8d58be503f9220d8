"""Run the cells of a grid in several processes of this machine."""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

import torch

from geo_noisy.experiments.grids.grid import Cell
from geo_noisy.experiments.running.cell import CELL_ERRORS, run_cell
from geo_noisy.experiments.running.progress import Count
from geo_noisy.experiments.running.stages import pretrain

NO_BARS = 'TQDM_DISABLE'
LOOK_SECONDS = 0.5
"""How often the steps of all processes are added up."""


def run_in_processes(
    cells: Sequence[Cell], folder: Path, *, shared_features: frozenset[str], processes: int, count: Count
) -> Iterator[dict[str, Any]]:
    """Run cells in processes that share this process's threads; a cell waits for its pretraining.

    Args:
        cells: Cells to run.
        folder: Folder of runs.
        shared_features: As in :func:`~geo_noisy.experiments.running.cell.run_cell`.
        processes: How many run at once.
        count: Is told of the steps that were taken.

    Yields:
        Rows, in the order in which cells end.

    Raises:
        concurrent.futures.process.BrokenProcessPool: If a process died (of memory, say); what ended is kept.
    """
    context = multiprocessing.get_context('spawn')  # forked copies of torch's threads can hang
    steps = context.Value('q', 0)
    threads = max(1, torch.get_num_threads() // processes)
    seen = 0
    with (
        _no_bars_below(),
        ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(threads, steps)) as pool,
    ):
        try:
            waiting = _first_tasks(pool, cells, folder, shared_features)
            while waiting:
                ended, _ = wait(waiting, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
                count(steps.value - seen)
                seen = steps.value
                for future in ended:
                    row, followers = future.result(), waiting.pop(future)
                    if row is not None:
                        yield row
                    for cell in followers:
                        waiting[pool.submit(_run, cell, folder, shared_features)] = []
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@contextlib.contextmanager
def _no_bars_below() -> Iterator[None]:
    """Bars of several processes would write over each other; processes that start now have none."""
    before = os.environ.get(NO_BARS)
    os.environ[NO_BARS] = '1'
    try:
        yield
    finally:
        if before is None:
            del os.environ[NO_BARS]
        else:
            os.environ[NO_BARS] = before


def _first_tasks(
    pool: ProcessPoolExecutor, cells: Sequence[Cell], folder: Path, shared_features: frozenset[str]
) -> dict[Future[dict[str, Any] | None], list[Cell]]:
    """The pretrainings, which take longest, and the cells that need none; with the cells that wait for each."""
    by_pretraining: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.pretrain is not None:
            by_pretraining.setdefault(cell.pretrain_key, []).append(cell)
    tasks: dict[Future[dict[str, Any] | None], list[Cell]] = {}
    for followers in by_pretraining.values():
        tasks[pool.submit(_pretrain, followers[0], folder)] = followers
    for cell in cells:
        if cell.pretrain is None:
            tasks[pool.submit(_run, cell, folder, shared_features)] = []
    return tasks


_steps: Any = None  # of a worker: the counter that all processes share


def _start(threads: int, steps: Any) -> None:
    global _steps  # what a process is given at its start has no other place
    _steps = steps
    torch.set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the parent does, however it ends: nobody would take the rows."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _count(steps: int) -> None:
    with _steps.get_lock():
        _steps.value += steps


def _pretrain(cell: Cell, folder: Path) -> None:
    """Pretrain; an error shows again, and is recorded, in the cells that need this encoder."""
    assert cell.pretrain is not None
    with contextlib.suppress(*CELL_ERRORS):
        pretrain(cell.pretrain, folder / 'pretrain' / cell.pretrain_key, checkpoint=cell.checkpoint, count=_count)


def _run(cell: Cell, folder: Path, shared_features: frozenset[str]) -> dict[str, Any]:
    return run_cell(cell, folder, shared_features=shared_features, count=_count)
