"""Rows of a table of results made ready to be compared."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.experiments.table import OUTCOMES

METRICS = {'CIFAR-10': 'test_accuracy'}
"""Headline metric of a data set, where it is not macro-F1."""

SCORE = 'score'
"""Column of the headline metric, in points."""

BASELINES = ('random encoder', 'random encoder, uncalibrated', 'ImageNet', 'ImageNet, fine-tuned', 'supervised')
FROZEN_BASELINES = ('random encoder', 'random encoder, uncalibrated', 'ImageNet')

# What sets experiments apart beside data, loss and noise: such rows are never drawn or compared together.
SETTING = ('encoder', 'label_fraction', 'downstream_noise', 'fine_tuned', 'match', 'checkpoint', 'variant')
_DOWNSTREAM = ('encoder', 'label_fraction', 'downstream_noise')

# Keys of a configuration that are factors, or differ from seed to seed and from folder to folder.
_NOT_OF_A_VARIANT = (
    'seed_everything',
    'data.init_args.seed',
    'data.init_args.r_img',
    'data.init_args.policy',
    'data.init_args.label_fraction',
    'data.init_args.noise',
    'data.init_args.root',
    'data.init_args.num_workers',
    'model.init_args.model',
    'model.init_args.freeze',
    'model.init_args.classes',
    'model.init_args.cache_features',
    'model.init_args.feature_folder',
    'trainer.logger',
    'trainer.default_root_dir',
    'trainer.accelerator',
    'trainer.devices',
    'trainer.callbacks',
)


def metric_of(data: str) -> str:
    """Column of the headline metric of a data set."""
    return METRICS.get(data, 'test_f1_macro')


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out failed and repeated rows, settle types, and add the headline metric and the variant.

    Rows of one data set and loss whose configurations differ in anything but the factors (another learning rate, more
    epochs) are of different variants; ``variant`` says in what they differ, and is empty where there is one alone.

    Args:
        table: Rows as ``geo-noisy sweep`` writes them.

    Raises:
        ValueError: If the rows lack the factors that reports group by.
    """
    missing = {'data', 'loss', 'r_pairs', 'r_img', 'mere_exposure', *SETTING[:-1]} - set(table)
    if missing:
        raise ValueError(f'The table has no columns {sorted(missing)}: run the sweep again with this version.')
    table = table[table['error'].isna()].drop_duplicates('key', keep='last').copy()
    table[['r_pairs', 'r_img']] = table[['r_pairs', 'r_img']].astype(float)
    # From CSV, booleans with gaps are text.
    for column in ('mere_exposure', 'fine_tuned'):
        table[column] = table[column].map({True: True, 'True': True}).eq(True)
    for column in ('match', 'checkpoint', 'downstream_noise', 'encoder'):
        table[column] = table[column].fillna('').astype(str)
    table[SCORE] = [100 * row[metric_of(row['data'])] for _, row in table.iterrows()]
    table['variant'] = _variants(table)
    return table


def settings(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Take prepared rows apart by setting; baselines go with every setting of the same downstream task.

    A setting holds for each data set on its own: rows of a data set that has one setting alone go with all others.

    Yields:
        What sets this part apart ('' where there is one setting alone), and its rows.
    """
    pretrained = ~table['loss'].isin(BASELINES)
    found: dict[Any, str] = {}
    for _, rows in table[pretrained].groupby('data'):
        varied = [column for column in SETTING[:-1] if rows[column].nunique() > 1]
        for index, row in rows.iterrows():
            parts = [f'{column} {row[column]}' for column in varied] + ([row['variant']] if row['variant'] else [])
            found[index] = ', '.join(parts)
    labels = pd.Series(found, dtype=object).reindex(table.index, fill_value='')
    named = list(dict.fromkeys(label for label in labels if label))
    for label in named or ['']:
        chosen = table[pretrained & labels.isin([label, ''])]
        yield label, pd.concat([_baselines_of(table, chosen), chosen])


def outcomes_of(row: pd.Series) -> NDArray | None:
    """Confusion matrix of each test image of a row, [N, classes, classes]; None where the table has none."""
    stored = row.get(OUTCOMES)
    if stored is None or isinstance(stored, float):  # pandas' mark of a gap is a float
        return None
    flat = np.stack([np.asarray(cells) for cells in stored])
    side = round(flat.shape[1] ** 0.5)
    return flat.reshape(len(flat), side, side)


def _baselines_of(table: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Baselines on the downstream tasks of pretrained rows; all of them where there are none."""
    baselines = table[table['loss'].isin(BASELINES)]
    if chosen.empty:
        return baselines
    keys = ['data', *_DOWNSTREAM]
    tasks = set(chosen[keys].itertuples(index=False, name=None))
    return baselines[[task in tasks for task in baselines[keys].itertuples(index=False, name=None)]]


def _variants(table: pd.DataFrame) -> pd.Series:
    """For each row, the keys and values in which its data set and loss have several configurations."""
    if 'config' not in table:
        return pd.Series('', index=table.index)
    found: dict[Any, str] = {}
    flat = {index: _flatten(json.loads(text)) for index, text in table['config'].items()}
    for _, rows in table.groupby(['data', 'loss', *SETTING[:-1]], dropna=False):
        configs = [flat[index] for index in rows.index]
        keys = dict.fromkeys(key for config in configs for key in config)
        varied = [key for key in keys if len({config.get(key) for config in configs}) > 1]
        for index in rows.index:
            found[index] = ', '.join(f'{key}={flat[index].get(key)}' for key in varied)
    return pd.Series(found, dtype=object).reindex(table.index, fill_value='')


def _flatten(config: Mapping[str, Any], prefix: str = '') -> dict[str, str]:
    """Values by dotted path, behind ``pretrain.`` and ``probe.``, but for those that make no variant."""
    result: dict[str, str] = {}
    for key, value in config.items():
        path = f'{prefix}{key}'
        if path == 'probe.model.init_args.weights' or path.partition('.')[2] in _NOT_OF_A_VARIANT:
            continue
        if isinstance(value, Mapping):
            result |= _flatten(value, f'{path}.')
        else:
            result[path] = json.dumps(value)
    return result
