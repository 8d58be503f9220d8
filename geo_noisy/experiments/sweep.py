"""Run the cells of a grid one after another; what is done is not done again."""

import datetime
import importlib.metadata
import json
import platform
from argparse import ArgumentError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from lightning.fabric.utilities.exceptions import MisconfigurationException
from tqdm import tqdm

from geo_noisy.experiments.grid import Cell
from geo_noisy.experiments.stages import pretrain, probe
from geo_noisy.experiments.table import add_row, read_table

# What a wrong configuration, bad data or a full disk raise; anything else is a fault of ours and stops the sweep.
CELL_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    RuntimeError,
    OSError,
    ArithmeticError,
    ArgumentError,
    MisconfigurationException,
)
PACKAGES = ('geo-noisy', 'torch', 'torchgeo', 'lightning', 'kornia', 'segmentation-models-pytorch', 'numpy')


def run_grid(cells: Sequence[Cell], folder: Path) -> pd.DataFrame:
    """Run every cell whose row is not in the table yet.

    Cells that share a pretraining share its run. A cell that fails gets a row with its error, is tried again the
    next time, and does not stop the others.

    Args:
        cells: Cells of a grid.
        folder: Folder of runs and table.

    Returns:
        The rows of these cells.
    """
    folder = folder.resolve()
    table = read_table(folder)
    done = set(table.loc[table.get('error', pd.Series(dtype=str)).isna(), 'key']) if len(table) else set()
    bar = tqdm(cells, desc='Cells', unit='cell')
    for cell in bar:
        bar.set_postfix_str(f'{cell.name}, seed {cell.seed}')
        if cell.key not in done:
            table = add_row(folder, run_cell(cell, folder))
    # The folder may hold rows of an earlier version of the grid.
    return table[table['key'].isin([cell.key for cell in cells])].reset_index(drop=True)


def run_cell(cell: Cell, folder: Path) -> dict[str, Any]:
    """Pretrain, probe and test one cell; returns its row."""
    row: dict[str, Any] = {
        'key': cell.key,
        'name': cell.name,
        'seed': cell.seed,
        'settings': json.dumps(dict(cell.settings)),
        'config': json.dumps({'pretrain': cell.pretrain, 'probe': cell.probe}),
        'versions': json.dumps({name: importlib.metadata.version(name) for name in PACKAGES}),
        'hardware': f'{platform.machine()}, {platform.system()}',
        'ended': '',
        'error': None,
    }
    try:
        row |= _run_stages(cell, folder)
    except CELL_ERRORS as error:
        row['error'] = f'{type(error).__name__}: {error}'
        tqdm.write(f'{cell.name}, seed {cell.seed} failed: {row["error"]}')
    row['ended'] = datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds')
    return row


def _run_stages(cell: Cell, folder: Path) -> dict[str, Any]:
    weights: Path | None = None
    facts: dict[str, Any] = {}
    if cell.pretrain is not None:
        run = folder / 'pretrain' / cell.pretrain_key
        weights, pretrained = pretrain(cell.pretrain, run, checkpoint=cell.checkpoint)
        facts = {
            'pretrain_key': cell.pretrain_key,
            'pretrain_steps': pretrained['steps'],
            'pretrain_seconds': pretrained['seconds'],
        }
        facts |= {f'pretrain_{name}': value for name, value in pretrained['metrics'].items()}
    probed = probe(cell.probe, folder / 'probe' / cell.key, weights)
    facts |= {'probe_steps': probed['steps'], 'probe_seconds': probed['seconds']}
    return facts | dict(probed['metrics'])
