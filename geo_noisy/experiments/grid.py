"""A grid file: which cells there are, and the full configuration of each."""

import copy
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Config = dict[str, Any]

CELL_KEYS = {'name', 'pretrain', 'set', 'axes', 'seeds', 'optional'}


@dataclass(frozen=True)
class Cell:
    """One pretraining (or none), one probe of it, one seed.

    Attributes:
        name: What the cell is called in tables and figures; cells that differ by the seed alone share it.
        seed: Seed of initialisation, order and views of both stages.
        settings: The values that set this cell apart, by dotted path.
        pretrain: Configuration of the pretraining, as in a YAML file for ``fit``; None probes an encoder as it is.
        probe: Configuration of the probe.
        checkpoint: Which checkpoint of the pretraining is probed: 'best' or 'last'.
        optional: Whether the sweep is whole without it (weights that cannot be had everywhere).
    """

    name: str
    seed: int
    settings: Mapping[str, Any]
    pretrain: Config | None
    probe: Config
    checkpoint: str = 'best'
    optional: bool = False

    @property
    def pretrain_key(self) -> str:
        """Fingerprint of the pretraining: cells that share it share its checkpoint."""
        return fingerprint(self.pretrain)

    @property
    def key(self) -> str:
        """Fingerprint of the whole cell."""
        return fingerprint([self.pretrain, self.probe, *([] if self.checkpoint == 'best' else [self.checkpoint])])


def fingerprint(config: Any) -> str:
    """Twelve hexadecimal digits of a configuration."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()[:12]


def read_grid(path: Path) -> list[Cell]:
    """Read a grid file and expand it into cells.

    A grid has ``seeds``; ``shared`` settings by dotted path; named ``pretrain`` stages and one ``probe`` stage, each
    a configuration as for ``fit`` or the path of one, relative to the grid; and ``cells``. Each cell has

    * a ``name``, and a ``pretrain`` stage (or null);
    * ``set`` and ``axes``, where axes are crossed: settings by dotted path from ``pretrain``, ``probe``, or ``both``
      for both stages, and ``checkpoint``: which one is probed, ``best`` (default) or ``last``;
    * ``seeds`` of its own, where it does not take all;
    * ``optional``: whether the sweep is whole without it.

    Raises:
        ValueError: If a key is missing or unknown; the message names file and key.
    """
    grid = _read_mapping(path)
    unknown = grid.keys() - {'seeds', 'shared', 'pretrain', 'probe', 'cells', 'compare'}
    missing = {'seeds', 'probe', 'cells'} - grid.keys()
    if unknown or missing:
        raise ValueError(f'{path}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}.')
    for key in ('seeds', 'cells'):
        _check_list(path, key, grid[key])
    stages = {name: _read_stage(stage, path.parent) for name, stage in grid.get('pretrain', {}).items()}
    probe = _read_stage(grid['probe'], path.parent)
    for cell in grid['cells']:
        _check_cell(path, cell, stages)
    # All cells of one seed come before those of the next: a part of a sweep can be compared.
    seeds = dict.fromkeys(seed for cell in grid['cells'] for seed in cell.get('seeds', grid['seeds']))
    cells = [
        _build_cell(path, cell, settings, seed, stages, probe, grid.get('shared', {}))
        for seed in seeds
        for cell in grid['cells']
        if seed in cell.get('seeds', grid['seeds'])
        for settings in _crossed(path, cell)
    ]
    counts = Counter(cell.key for cell in cells)
    if counts.total() > len(counts):
        names = sorted({cell.name for cell in cells if counts[cell.key] > 1})
        raise ValueError(f'{path}: cells {names} have the same configuration.')
    return cells


def read_comparisons(path: Path) -> list[tuple[str, str]]:
    """The pairs of cell names that a grid asks to compare, under its key ``compare``."""
    names = {cell.name for cell in read_grid(path)}
    comparisons = [(first, second) for first, second in yaml.safe_load(path.read_text()).get('compare', [])]
    unknown = {name for pair in comparisons for name in pair} - names
    if unknown:
        raise ValueError(f'{path}: compare names {sorted(unknown)}, which are no cells. Cells: {sorted(names)}.')
    return comparisons


def _read_mapping(path: Path) -> Config:
    try:
        content = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f'{path} is not YAML: {error}') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} holds no keys with values, but {content!r}.')
    return content


def _check_list(path: Path, name: str, value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise ValueError(f'{path}: {name} is {value!r}; give a list of at least one.')


def _read_stage(stage: Config | str, folder: Path) -> Config:
    file = folder / stage if isinstance(stage, str) else None
    if file is not None and not file.is_file():
        raise ValueError(f'There is no stage file {file}.')
    config = stage if file is None else _read_mapping(file)
    if not isinstance(config, dict) or not all(
        isinstance(config.get(part), dict) and 'class_path' in config[part] for part in ('model', 'data')
    ):
        raise ValueError(f'Stage {file or stage}: give model and data with a class_path each, as for `geo-noisy fit`.')
    return {'trainer': {}} | config


def _crossed(path: Path, cell: Config) -> list[dict[str, Any]]:
    axes = cell.get('axes', {})
    for key, values in axes.items():
        _check_list(path, f'axis {key} of cell {cell.get("name")!r}', values)
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _check_cell(path: Path, cell: Any, stages: Mapping[str, Config]) -> None:
    if not isinstance(cell, dict):
        raise ValueError(f'{path}: cell {cell!r} is no mapping with a name and a pretrain stage.')
    name, stage = cell.get('name'), cell.get('pretrain')
    if name is None or (stage is not None and stage not in stages):
        raise ValueError(f'{path}: cell {cell} needs a name, and a pretrain stage among {sorted(stages)} or null.')
    unknown = cell.keys() - CELL_KEYS
    if unknown:
        raise ValueError(f'{path}: cell {name!r} has unknown keys {sorted(unknown)}; choose among {sorted(CELL_KEYS)}.')
    if 'seeds' in cell:
        _check_list(path, f'seeds of cell {name!r}', cell['seeds'])


def _build_cell(
    path: Path, cell: Config, crossed: Config, seed: int, stages: Mapping[str, Config], probe: Config, shared: Config
) -> Cell:
    name, stage = cell['name'], cell.get('pretrain')
    settings = cell.get('set', {}) | crossed
    configs: dict[str, Config] = {'probe': copy.deepcopy(probe)}
    if stage is not None:
        configs['pretrain'] = copy.deepcopy(stages[stage])
    for part, config in configs.items():
        for key, value in shared.items():
            set_path(config, key, value)
        for key, value in (('seed_everything', seed), ('data.init_args.seed', seed)):
            set_path(config, key, value)
        for key, value in settings.items():
            stage_of_key, _, rest = key.partition('.')
            if rest and stage_of_key in (part, 'both'):
                set_path(config, rest, value)
    places = {*configs, 'both'}
    stray = [key for key in settings if key != 'checkpoint' and ('.' not in key or key.split('.')[0] not in places)]
    if stray:
        raise ValueError(f'{path}: cell {name!r} sets {stray}; give dotted paths from {sorted(places)}, or checkpoint.')
    if any(key.endswith('.seed_everything') for key in settings):
        raise ValueError(f'{path}: cell {name!r} sets seed_everything; seeds come from the key `seeds`.')
    labels = [name, *(f'{key.rsplit(".", 1)[-1]}={value}' for key, value in crossed.items())]
    checkpoint = settings.get('checkpoint', 'best')
    if checkpoint not in ('best', 'last'):
        raise ValueError(f"{path}: cell {name!r} has checkpoint {checkpoint!r}; choose 'best' or 'last'.")
    pretrain = configs.get('pretrain')
    return Cell(
        ', '.join(labels), seed, settings, pretrain, configs['probe'], checkpoint, bool(cell.get('optional', False))
    )


def set_path(config: Config, dotted: str, value: Any) -> None:
    """Set a value in nested dicts by a dotted path, creating dicts on the way."""
    *parents, last = dotted.split('.')
    for parent in parents:
        config = config.setdefault(parent, {})
    config[last] = value
