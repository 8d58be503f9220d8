"""Run the cells of a grid; what is done is not done again."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from filelock import FileLock, Timeout

from geo_noisy.experiments.grids.grid import Cell
from geo_noisy.experiments.judging.primary import PrimaryTest, fix_primary
from geo_noisy.experiments.names import plain
from geo_noisy.experiments.running.cell import FEATURES, run_cell, shared_feature_keys
from geo_noisy.experiments.running.plan import planned_steps
from geo_noisy.experiments.running.processes import run_in_processes
from geo_noisy.experiments.running.progress import SweepBar
from geo_noisy.experiments.running.ray_engine import run_on_ray
from geo_noisy.experiments.running.trainer import check_cells
from geo_noisy.experiments.table import add_row, read_table, write_csv

Engine = Literal['local', 'ray']


def run_grid(
    cells: Sequence[Cell],
    folder: Path,
    *,
    primary: Sequence[PrimaryTest] = (),
    engine: Engine = 'local',
    processes: int = 1,
    cpus: float = 1,
    gpus: float = 0,
) -> pd.DataFrame:
    """Run every cell whose row is not in the table yet.

    Cells that share a pretraining share its run; cells that share an encoder and a downstream data set share the
    encoder's features. A cell that fails gets a row with its error, is tried again the next time, and does not stop
    the others.

    Args:
        cells: Cells of a grid.
        folder: Folder of runs and table; one that all machines see where Ray has several.
        primary: Tests that are written into the folder before its first cell runs, and may not change later.
        engine: ``local`` runs cells on this machine, ``ray`` spreads them over a Ray cluster.
        processes: Cells that run at once on this machine; they share the threads.
        cpus: CPUs of a cell, for Ray.
        gpus: GPUs of a cell, or a share of one, for Ray.

    Returns:
        The rows of these cells, in their order.

    Raises:
        ValueError: If the engine is unknown, a cell sets what its stages do not take, another sweep runs in the
            folder, or it began with other primary tests.
    """
    if engine not in ('local', 'ray'):
        raise ValueError(f"engine is {engine!r}; choose 'local' or 'ray'.")
    if processes < 1 or (processes > 1 and engine == 'ray'):
        raise ValueError(f'processes is {processes}; give 1 or more, or 1 where Ray says how many cells run at once.')
    check_cells(cells)
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / '.lock', timeout=0):  # given up by the system where this process dies
            fix_primary(folder, primary)
            return _run_missing(cells, folder, engine=engine, processes=processes, cpus=cpus, gpus=gpus)
    except Timeout as error:
        raise ValueError(
            f'Another sweep is running in {folder}: wait for its end, or choose another folder.'
        ) from error


def _run_missing(
    cells: Sequence[Cell], folder: Path, *, engine: Engine, processes: int, cpus: float, gpus: float
) -> pd.DataFrame:
    table = read_table(folder)
    done = set(table.loc[table['error'].isna(), 'key']) if len(table) else set()
    todo = [cell for cell in cells if cell.key not in done]
    shared = shared_feature_keys(cells)
    steps = planned_steps(todo, folder) if engine == 'local' else None
    with SweepBar(cells=len(cells), done=len(cells) - len(todo), steps=steps) as bar:
        if engine == 'ray':
            rows = run_on_ray(todo, folder, shared_features=shared, cpus=cpus, gpus=gpus)
        elif processes > 1 and len(todo) > 1:
            rows = run_in_processes(todo, folder, shared_features=shared, processes=processes, count=bar.count)
        else:
            rows = (run_cell(cell, folder, shared_features=shared, count=bar.count) for cell in todo)
        for row in rows:
            table = add_row(folder, row)
            bar.end_cell(f'{plain(row["name"])}, seed {row["seed"]}')
    _remove_features(folder / FEATURES, shared)
    write_csv(folder, table)  # a sweep killed after its last cell may lack it
    # The folder may hold rows of an earlier version of the grid.
    order = {cell.key: number for number, cell in enumerate(cells)}
    table = table[table['key'].isin(order)]
    return table.sort_values('key', key=lambda keys: keys.map(order)).reset_index(drop=True)


def _remove_features(folder: Path, keys: Collection[str]) -> None:
    """Remove the features of these keys, and their folder where nothing else is in it."""
    for key in keys:
        shutil.rmtree(folder / key, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
