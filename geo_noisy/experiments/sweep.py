"""Run the cells of a grid; what is done is not done again."""

import datetime
import json
import shutil
from argparse import ArgumentError
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from filelock import FileLock, Timeout
from lightning.fabric.utilities.exceptions import MisconfigurationException
from tqdm import tqdm

from geo_noisy.experiments.factors import describe
from geo_noisy.experiments.grid import Cell, fingerprint
from geo_noisy.experiments.provenance import code_version, provenance
from geo_noisy.experiments.stages import pretrain, probe
from geo_noisy.experiments.table import OUTCOMES, add_row, read_table, write_csv

Engine = Literal['local', 'ray']

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

ENCODER_KEYS = ('model', 'in_channels', 'output_stride', 'weights', 'calibrate_batch_norm', 'band_mean', 'band_std')
"""Arguments of a probe that change the features it works on."""


def run_grid(
    cells: Sequence[Cell], folder: Path, *, engine: Engine = 'local', cpus: float = 1, gpus: float = 0
) -> pd.DataFrame:
    """Run every cell whose row is not in the table yet.

    Cells that share a pretraining share its run; cells that share an encoder and a downstream data set share the
    encoder's features. A cell that fails gets a row with its error, is tried again the next time, and does not stop
    the others.

    Args:
        cells: Cells of a grid.
        folder: Folder of runs and table; one that all machines see where Ray has several.
        engine: ``local`` runs one cell after another, ``ray`` spreads them over a Ray cluster.
        cpus: CPUs of a cell, for Ray.
        gpus: GPUs of a cell, or a share of one, for Ray.

    Returns:
        The rows of these cells, in their order.

    Raises:
        ValueError: If the engine is unknown, or another sweep runs in the folder.
    """
    if engine not in ('local', 'ray'):
        raise ValueError(f"engine is {engine!r}; choose 'local' or 'ray'.")
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / '.lock', timeout=0):  # given up by the system where this process dies
            return _run_missing(cells, folder, engine=engine, cpus=cpus, gpus=gpus)
    except Timeout as error:
        raise ValueError(
            f'Another sweep is running in {folder}: wait for its end, or choose another folder.'
        ) from error


def _run_missing(cells: Sequence[Cell], folder: Path, *, engine: Engine, cpus: float, gpus: float) -> pd.DataFrame:
    table = read_table(folder)
    done = set(table.loc[table.get('error', pd.Series(dtype=str)).isna(), 'key']) if len(table) else set()
    todo = [cell for cell in cells if cell.key not in done]
    shared = _shared_features(cells)
    if engine == 'ray':
        from geo_noisy.experiments.ray_engine import run_on_ray

        rows = run_on_ray(todo, folder, shared_features=shared, cpus=cpus, gpus=gpus)
    else:
        rows = (run_cell(cell, folder, shared_features=shared) for cell in todo)
    with tqdm(total=len(cells), initial=len(cells) - len(todo), desc='Cells', unit='cell') as bar:
        for row in rows:
            table = add_row(folder, row)
            bar.set_postfix_str(f'{row["name"]}, seed {row["seed"]}')
            bar.update()
    shutil.rmtree(folder / 'features', ignore_errors=True)
    write_csv(folder, table)  # a sweep killed after its last cell may lack it
    # The folder may hold rows of an earlier version of the grid.
    order = {cell.key: number for number, cell in enumerate(cells)}
    table = table[table['key'].isin(order)]
    return table.sort_values('key', key=lambda keys: keys.map(order)).reset_index(drop=True)


def run_cell(cell: Cell, folder: Path, *, shared_features: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Pretrain, probe and test one cell.

    Args:
        cell: What to run.
        folder: Folder of runs and table.
        shared_features: Fingerprints of encoder and data set whose features are kept for other cells.

    Returns:
        The cell's row: what it was, with what it was run, what came out, or its error.
    """
    row = start_row(cell)
    try:
        return row | _run_stages(cell, folder, shared_features) | end_row()
    except CELL_ERRORS as error:
        tqdm.write(f'{cell.name}, seed {cell.seed} failed: {error}')
        return row | end_row(f'{type(error).__name__}: {error}')


def start_row(cell: Cell) -> dict[str, Any]:
    """What is known of a cell before it runs."""
    return {
        'key': cell.key,
        'name': cell.name,
        'seed': cell.seed,
        'settings': json.dumps(dict(cell.settings)),
        'config': json.dumps({'pretrain': cell.pretrain, 'probe': cell.probe}),
        **provenance(),
    }


def end_row(error: str | None = None) -> dict[str, Any]:
    """When a cell ended, and whether well."""
    return {'ended': datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds'), 'error': error}


def _run_stages(cell: Cell, folder: Path, shared_features: frozenset[str]) -> dict[str, Any]:
    weights: Path | None = None
    facts: dict[str, Any] = {}
    resolved: dict[str, Any] = {'pretrain': None}
    if cell.pretrain is not None:
        run = folder / 'pretrain' / cell.pretrain_key
        weights, pretrained = pretrain(cell.pretrain, run, checkpoint=cell.checkpoint)
        resolved['pretrain'] = pretrained['config']
        facts = {
            'pretrain_key': cell.pretrain_key,
            'pretrain_steps': pretrained['steps'],
            'pretrain_seconds': pretrained['seconds'],
            **{f'pretrain_{key}': value for key, value in pretrained.get('provenance', {}).items()},
        }
        facts |= {f'pretrain_{name}': value for name, value in pretrained['metrics'].items()}
    features = feature_key(cell)
    keep = folder / 'features' / features if features in shared_features else None
    probed = probe(cell.probe, folder / 'probe' / cell.key, weights, feature_folder=keep)
    resolved['probe'] = probed['config']
    text = json.dumps(resolved).replace(str(folder), '.')  # the same wherever the sweep lies
    facts |= {'config': text, 'config_hash': fingerprint(json.loads(text))}
    facts |= describe(resolved['pretrain'], resolved['probe'], checkpoint=cell.checkpoint)
    facts |= {'probe_steps': probed['steps'], 'probe_seconds': probed['seconds']}
    if 'outcomes' in probed:
        facts[OUTCOMES] = probed['outcomes']
    return facts | dict(probed['metrics'])


def _shared_features(cells: Sequence[Cell]) -> frozenset[str]:
    """Fingerprints of encoder and data set that more than one cell takes features of."""
    counts = Counter(
        feature_key(cell) for cell in cells if cell.probe['model'].get('init_args', {}).get('cache_features')
    )
    return frozenset(key for key, count in counts.items() if count > 1)


def feature_key(cell: Cell) -> str:
    """Fingerprint of what decides the features that a probe works on: the encoder, and the downstream images."""
    probe_model, trainer = cell.probe['model'].get('init_args', {}), cell.probe.get('trainer', {})
    encoder = {key: probe_model.get(key) for key in ENCODER_KEYS}
    source = cell.probe['seed_everything'] if cell.pretrain is None else [cell.pretrain_key, cell.checkpoint]
    machine = [trainer.get('precision'), trainer.get('accelerator'), code_version()]
    return fingerprint([source, encoder, cell.probe['data'], machine])
