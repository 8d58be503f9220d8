"""Run the cells of a grid; what is done is not done again."""

import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd
from filelock import FileLock, Timeout
from tqdm import tqdm

from geo_noisy.experiments.grids.grid import Cell
from geo_noisy.experiments.judging.primary import PrimaryTest, fix_primary
from geo_noisy.experiments.names import plain
from geo_noisy.experiments.running.cell import FEATURES, run_cell, shared_feature_keys
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
        engine: ``local`` runs one cell after another, ``ray`` spreads them over a Ray cluster.
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
    check_cells(cells)
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / '.lock', timeout=0):  # given up by the system where this process dies
            fix_primary(folder, primary)
            return _run_missing(cells, folder, engine=engine, cpus=cpus, gpus=gpus)
    except Timeout as error:
        raise ValueError(
            f'Another sweep is running in {folder}: wait for its end, or choose another folder.'
        ) from error


def _run_missing(cells: Sequence[Cell], folder: Path, *, engine: Engine, cpus: float, gpus: float) -> pd.DataFrame:
    table = read_table(folder)
    done = set(table.loc[table['error'].isna(), 'key']) if len(table) else set()
    todo = [cell for cell in cells if cell.key not in done]
    shared = shared_feature_keys(cells)
    if engine == 'ray':
        rows = run_on_ray(todo, folder, shared_features=shared, cpus=cpus, gpus=gpus)
    else:
        rows = (run_cell(cell, folder, shared_features=shared) for cell in todo)
    with tqdm(total=len(cells), initial=len(cells) - len(todo), desc='Cells', unit='cell') as bar:
        for row in rows:
            table = add_row(folder, row)
            bar.set_postfix_str(f'{plain(row["name"])}, seed {row["seed"]}')
            bar.update()
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
