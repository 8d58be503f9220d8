"""One cell of a grid, from its pretraining to its row: what every engine calls."""

import datetime
import json
from argparse import ArgumentError
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.fabric.utilities.exceptions import MisconfigurationException
from tqdm import tqdm

from geo_noisy.experiments.grids.factors import describe
from geo_noisy.experiments.grids.grid import Cell, fingerprint
from geo_noisy.experiments.running.progress import Count, count_nothing
from geo_noisy.experiments.running.provenance import code_version, provenance
from geo_noisy.experiments.running.stages import pretrain, probe
from geo_noisy.experiments.table import OUTCOMES, SOURCES

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

FEATURES = '.features'
"""Folder of features that cells share; the sweep removes what it put there."""

ENCODER_KEYS = (
    'model',
    'in_channels',
    'output_stride',
    'weights',
    'calibrate_batch_norm',
    'band_mean',
    'band_std',
    'views',
    'cached_views',
)
"""Arguments of a probe that change the features it works on."""


def run_cell(
    cell: Cell, folder: Path, *, shared_features: frozenset[str] = frozenset(), count: Count = count_nothing
) -> dict[str, Any]:
    """Pretrain, probe and test one cell.

    Args:
        cell: What to run.
        folder: Folder of runs and table.
        shared_features: Fingerprints of encoder and data set whose features are kept for other cells.
        count: Is told of the steps that were taken.

    Returns:
        The cell's row: what it was, with what it was run, what came out, or its error.
    """
    row = start_row(cell)
    try:
        return row | _run_stages(cell, folder, shared_features, count) | end_row()
    except CELL_ERRORS as error:
        tqdm.write(f'{cell.name}, seed {cell.seed} failed: {error}')
        return row | end_row(f'{type(error).__name__}: {error}')


def start_row(cell: Cell) -> dict[str, Any]:
    """What is known of a cell before it runs."""
    return {
        'key': cell.key,
        'name': cell.name,
        'entry': cell.entry,
        'seed': cell.seed,
        'settings': json.dumps(dict(cell.settings)),
        'config': json.dumps({'pretrain': cell.pretrain, 'probe': cell.probe}),
        **provenance(),
    }


def end_row(error: str | None = None) -> dict[str, Any]:
    """When a cell ended, and whether well."""
    return {'ended': datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds'), 'error': error}


def _run_stages(cell: Cell, folder: Path, shared_features: frozenset[str], count: Count) -> dict[str, Any]:
    weights: Path | None = None
    facts: dict[str, Any] = {}
    resolved: dict[str, Any] = {'pretrain': None}
    if cell.pretrain is not None:
        run = folder / 'pretrain' / cell.pretrain_key
        weights, pretrained = pretrain(cell.pretrain, run, checkpoint=cell.checkpoint, count=count)
        resolved['pretrain'] = pretrained['config']
        facts = {
            'pretrain_key': cell.pretrain_key,
            'pretrain_steps': pretrained['steps'],
            'pretrain_seconds': pretrained['seconds'],
            **{f'pretrain_{key}': value for key, value in pretrained.get('provenance', {}).items()},
        }
        facts |= {f'pretrain_{name}': value for name, value in pretrained['metrics'].items()}
    features = feature_key(cell)
    keep = folder / FEATURES / features if features in shared_features else None
    probed = probe(cell.probe, folder / 'probe' / cell.key, weights, feature_folder=keep, count=count)
    resolved['probe'] = probed['config']
    text = json.dumps(resolved).replace(str(folder), '.')  # the same wherever the sweep lies
    facts |= {'config': text, 'config_hash': fingerprint(json.loads(text))}
    facts |= describe(resolved['pretrain'], resolved['probe'], checkpoint=cell.checkpoint)
    facts |= {'probe_steps': probed['steps'], 'probe_seconds': probed['seconds']}
    facts |= {column: probed[column] for column in (OUTCOMES, SOURCES) if column in probed}
    return facts | dict(probed['metrics'])


def shared_feature_keys(cells: Sequence[Cell]) -> frozenset[str]:
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
