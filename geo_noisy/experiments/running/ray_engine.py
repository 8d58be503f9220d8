"""Spread the cells of a grid over a Ray cluster, of one machine or many."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from geo_noisy.experiments.grids.grid import Cell
from geo_noisy.experiments.running.cell import CELL_ERRORS, end_row, run_cell, start_row
from geo_noisy.experiments.running.stages import pretrain


def run_on_ray(
    cells: Sequence[Cell], folder: Path, *, shared_features: frozenset[str], cpus: float = 1, gpus: float = 0
) -> Iterator[dict[str, Any]]:
    """Run cells on the cluster of ``RAY_ADDRESS``, or on one that is started here.

    Each pretraining is a task, and each cell a task that waits for its pretraining. Tasks use as many threads as
    this process, so that their numbers are the same as without Ray.

    Args:
        cells: Cells to run.
        folder: Folder of runs, which every machine must see.
        shared_features: As in :func:`~geo_noisy.experiments.running.cell.run_cell`.
        cpus: CPUs of a task.
        gpus: GPUs of a task, or a share of one.

    Yields:
        Rows, in the order in which cells end.

    Raises:
        ModuleNotFoundError: If Ray is not installed.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("`--engine ray` needs Ray: pip install 'geo-noisy[ray]'") from error
    started_here = not ray.is_initialized()
    if started_here:
        ray.init(log_to_driver=False, include_dashboard=False)
    try:
        pretraining = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=1)(_pretrain)
        running = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=1)(_run)
        threads = torch.get_num_threads()
        first = {cell.pretrain_key: cell for cell in reversed(cells) if cell.pretrain is not None}
        encoders = {key: pretraining.remote(first[key], folder, threads) for key in reversed(first)}
        waiting = {
            running.remote(cell, folder, shared_features, threads, encoders.get(cell.pretrain_key)): cell
            for cell in cells
        }
        while waiting:
            (ended,), _ = ray.wait(list(waiting), num_returns=1)
            cell = waiting.pop(ended)
            try:
                yield ray.get(ended)
            except ray.exceptions.RayError as error:  # its process died, or that of its pretraining
                yield start_row(cell) | end_row(f'{type(error).__name__}: the process of this cell died. {error}')
    finally:
        if started_here:
            ray.shutdown()


def _pretrain(cell: Cell, folder: Path, threads: int) -> None:
    """Pretrain; an error shows again, and is recorded, in the cells that need this encoder."""
    torch.set_num_threads(threads)
    assert cell.pretrain is not None
    with contextlib.suppress(*CELL_ERRORS):
        pretrain(cell.pretrain, folder / 'pretrain' / cell.pretrain_key, checkpoint=cell.checkpoint)


def _run(cell: Cell, folder: Path, shared_features: frozenset[str], threads: int, encoder: None) -> dict[str, Any]:
    """Run a cell, after the pretraining that Ray hands over as ``encoder`` has ended."""
    torch.set_num_threads(threads)
    return run_cell(cell, folder, shared_features=shared_features)
