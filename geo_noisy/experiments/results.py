"""Rows of a table of results made ready to be compared."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.experiments.grids.grid import WORLD_KEYS
from geo_noisy.experiments.table import OUTCOMES, SOURCES

METRICS = {'CIFAR-10': 'test_accuracy'}
"""Headline metric of a data set, where it is not macro-F1."""

SCORE = 'score'
"""Column of the headline metric, in points."""

BASELINES = ('random encoder', 'random encoder, uncalibrated', 'ImageNet', 'ImageNet, fine-tuned', 'supervised')
FROZEN_BASELINES = ('random encoder', 'random encoder, uncalibrated', 'ImageNet')

# What sets experiments apart beside data, loss and noise: such rows are never drawn or compared together.
SETTING = ('encoder', 'label_fraction', 'downstream_noise', 'fine_tuned', 'match', 'changed', 'checkpoint', 'variant')
DOWNSTREAM = ('encoder', 'label_fraction', 'downstream_noise')
"""What a downstream task is, beside its data."""

# Keys of a configuration that differ from seed to seed, from folder to folder and from machine to machine.
_NO_SETTING = (
    'seed_everything',
    *WORLD_KEYS,
    'data.init_args.root',
    'data.init_args.num_workers',
    'model.init_args.cache_features',
    'model.init_args.feature_folder',
    'trainer.logger',
    'trainer.default_root_dir',
    'trainer.accelerator',
    'trainer.devices',
    'trainer.callbacks',
)
# Keys that are factors, of which reports make axes and settings.
_FACTORS = (
    'data.init_args.r_img',
    'data.init_args.policy',
    'data.init_args.label_fraction',
    'data.init_args.noise',
    'model.init_args.model',
    'model.init_args.changed',
    'model.init_args.freeze',
    'model.init_args.classes',
    'model.init_args.weights',
)


def metric_of(data: str) -> str:
    """Column of the headline metric of a data set."""
    return METRICS.get(data, 'test_f1_macro')


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out failed and repeated rows, settle types, and add the headline metric and the variant.

    Rows of one data set and loss whose configurations differ in anything but the factors (another learning rate, more
    epochs) are of different variants; ``variant`` says in what they differ, and is empty where there is one alone.
    Likewise a name that stands for several configurations is followed by what sets each apart; ``cell`` keeps the
    name as it was, ``entry`` that of the grid's entry.

    Args:
        table: Rows as ``geo-noisy sweep`` writes them, of one table or of several.

    Raises:
        InputError: If the rows lack the factors that reports group by, a cell has no score, or two scores.
    """
    table = table if 'changed' in table else table.assign(changed=None)  # of a version that knew no such loss
    missing = {'data', 'loss', 'r_pairs', 'r_img', 'mere_exposure', *SETTING[:-1]} - set(table)
    if missing:
        raise InputError(f'The table has no columns {sorted(missing)}: run the sweep again with this version.')
    table = table[table['error'].isna()].reset_index(drop=True)
    scores = [row.get(metric_of(row['data'])) for _, row in table.iterrows()]
    table[SCORE] = 100 * pd.to_numeric(pd.Series(scores, index=table.index, dtype=object))
    unscored = table[table[SCORE].isna()]
    if len(unscored):
        row = unscored.iloc[0]
        raise InputError(
            f'The row of key {row["key"]!r} (name {row["name"]!r}, seed {row["seed"]}) has no '
            f'{metric_of(row["data"])}, and no error either: remove it, and sweep again.'
        )
    table = table.drop_duplicates(['key', SCORE], keep='last').copy()
    table[['r_pairs', 'r_img']] = table[['r_pairs', 'r_img']].astype(float)
    # From CSV, booleans with gaps are text.
    for column in ('mere_exposure', 'fine_tuned'):
        table[column] = table[column].map({True: True, 'True': True}).eq(True)
    for column in ('match', 'changed', 'checkpoint', 'downstream_noise', 'encoder'):
        table[column] = table[column].fillna('').astype(str)
    table['label_fraction'] = table['label_fraction'].astype(float).fillna(1.0)  # data without that option: all labels
    configs = _configs(table)
    table['variant'] = variants(configs, table.groupby(['data', 'loss', *SETTING[:-1]], dropna=False).groups)
    table['cell'] = table['name']
    if 'entry' not in table:
        table['entry'] = table['name']
    _tell_names_apart(table, configs)
    return table


def _tell_names_apart(table: pd.DataFrame, configs: Mapping[Any, Mapping[str, str]]) -> None:
    """Follow each name of several settings by what sets it apart, so that no two of them are averaged."""
    factors = ['loss', *SETTING[:-1], 'r_pairs', 'r_img', 'mere_exposure']
    full = {
        index: {'checkpoint': str(table.at[index, 'checkpoint']), **config}
        if config
        else {factor: str(table.at[index, factor]) for factor in factors}  # of a table without configurations
        for index, config in configs.items()
    }
    apart = variants(full, table.groupby(['data', 'name'], dropna=False).groups, left_out=())
    apart = apart.reindex(table.index, fill_value='')
    table['name'] = table['name'] + apart.map(lambda text: f' [{text}]' if text else '')
    twice = table[table.duplicated(['data', 'name', 'seed'], keep=False)]
    if len(twice):
        row, keys = twice.iloc[0], twice['key'].tolist()
        raise InputError(
            f'{row["name"]!r}, seed {row["seed"]}, is there twice with the same settings (keys {keys[0]!r} and '
            f'{keys[1]!r}): leave one of the two out.'
        )


def settings(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Take prepared rows apart by setting; baselines go with every setting of the same downstream task.

    A setting holds for each data set on its own: rows of a data set that has one setting alone go with all others, and
    so do those on which it has no bearing what is done about changed ground.

    Yields:
        What sets this part apart ('' where there is one setting alone), and its rows.
    """
    pretrained = ~table['loss'].isin(BASELINES)
    found: dict[Any, str] = {}
    for _, rows in table[pretrained].groupby('data'):
        varied = [column for column in SETTING[:-1] if rows[column].nunique() > 1]
        for index, row in rows.iterrows():
            parts = [f'{column} {row[column]}' for column in varied if column != 'changed' or row[column]]
            parts += [row['variant']] if row['variant'] else []
            found[index] = ', '.join(parts)
    labels = pd.Series(found, dtype=object).reindex(table.index, fill_value='')
    named = list(dict.fromkeys(label for label in labels if label))
    for label in named or ['']:
        chosen = table[pretrained & labels.isin([label, ''])]
        yield label, table.loc[[*_baselines_of(table, chosen).index, *chosen.index]]


def outcomes_of(row: pd.Series) -> NDArray | None:
    """Confusion matrix of each test image of a row, [N, classes, classes]; None where the table has none."""
    flat = _lists_of(row, OUTCOMES)
    if flat is None:
        return None
    side = round(flat.shape[1] ** 0.5)
    return flat.reshape(len(flat), side, side)


def sources_of(row: pd.Series) -> NDArray | None:
    """Number of the texture, or image, that each class's pixels of each test image come from, [N, classes]."""
    return _lists_of(row, SOURCES)


def _lists_of(row: pd.Series, column: str) -> NDArray | None:
    stored = row.get(column)
    if stored is None or isinstance(stored, float):  # pandas' mark of a gap is a float
        return None
    return np.stack([np.asarray(values) for values in stored])


def _baselines_of(table: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    """Baselines on the downstream tasks of pretrained rows; all of them where there are none."""
    baselines = table[table['loss'].isin(BASELINES)]
    if chosen.empty:
        return baselines
    keys = ['data', *DOWNSTREAM]
    tasks = set(chosen[keys].itertuples(index=False, name=None))
    return baselines[[task in tasks for task in baselines[keys].itertuples(index=False, name=None)]]


def variants(
    configs: Mapping[Any, Mapping[str, str]],
    groups: Mapping[Any, Iterable[Any]],
    *,
    left_out: Collection[str] = _FACTORS,
) -> pd.Series:
    """For each row, the keys and values in which its group has several configurations; '' where it has one.

    Args:
        configs: For each row, values by dotted path.
        groups: Rows of each group.
        left_out: Keys, without ``pretrain.`` or ``probe.``, that make no variant; all below them likewise.
    """
    found: dict[Any, str] = {}
    for rows in groups.values():
        there = [row for row in rows if row in configs]
        keys = dict.fromkeys(key for row in there for key in configs[row])
        counted = [key for key in keys if not _below(key.partition('.')[2], left_out)]
        varied = [key for key in counted if len({configs[row].get(key) for row in there}) > 1]
        for row in there:
            found[row] = ', '.join(f'{key}={configs[row].get(key)}' for key in varied)
    return pd.Series(found, dtype=object)


def _configs(table: pd.DataFrame) -> dict[Any, dict[str, str]]:
    """For each row its configuration, as values by dotted path, but for seeds, places and machines."""
    if 'config' not in table:
        return {index: {} for index in table.index}
    return {index: dict(_flatten(json.loads(text))) for index, text in table['config'].items()}


def _flatten(config: Mapping[str, Any], prefix: str = '') -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        path = f'{prefix}{key}'
        if path == 'probe.model.init_args.weights' and isinstance(value, str):
            continue  # the checkpoint of the pretraining
        if _below(path.partition('.')[2], _NO_SETTING):
            continue
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f'{path}.')
        else:
            yield path, json.dumps(value)


def _below(path: str, names: Collection[str]) -> bool:
    return any(path == name or path.startswith(f'{name}.') for name in names)
