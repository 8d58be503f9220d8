"""A grid file: which cells there are, and the full configuration of each."""

import copy
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Config = dict[str, Any]


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
    """

    name: str
    seed: int
    settings: Mapping[str, Any]
    pretrain: Config | None
    probe: Config
    checkpoint: str = 'best'

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
    a configuration as for ``fit`` or the path of one, relative to the grid; and ``cells``, each with a ``name``, a
    ``pretrain`` stage (or null), and ``set`` and ``axes``: settings by dotted path from ``pretrain`` or ``probe``,
    where axes are crossed,
    ``seeds`` of its own where it does not take all, and ``checkpoint``: which one is probed, ``best`` or ``last``.

    Raises:
        ValueError: If a key is missing or unknown; the message names file and key.
    """
    grid = yaml.safe_load(path.read_text())
    unknown = grid.keys() - {'seeds', 'shared', 'pretrain', 'probe', 'cells', 'compare'}
    missing = {'seeds', 'probe', 'cells'} - grid.keys()
    if unknown or missing:
        raise ValueError(f'{path}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}.')
    stages = {name: _read_stage(stage, path.parent) for name, stage in grid.get('pretrain', {}).items()}
    probe = _read_stage(grid['probe'], path.parent)
    cells = [
        _build_cell(path, cell, settings, seed, stages, probe, grid.get('shared', {}))
        for cell in grid['cells']
        for settings in _crossed(cell.get('axes', {}))
        for seed in cell.get('seeds', grid['seeds'])
    ]
    repeated = {cell.key for cell in cells if [other.key for other in cells].count(cell.key) > 1}
    if repeated:
        names = sorted({cell.name for cell in cells if cell.key in repeated})
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


def _read_stage(stage: Config | str, folder: Path) -> Config:
    if isinstance(stage, str):
        file = folder / stage
        if not file.is_file():
            raise ValueError(f'There is no stage file {file}.')
        return dict(yaml.safe_load(file.read_text()))
    return stage


def _crossed(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _build_cell(
    path: Path, cell: Config, crossed: Config, seed: int, stages: Mapping[str, Config], probe: Config, shared: Config
) -> Cell:
    name, stage = cell.get('name'), cell.get('pretrain')
    if name is None or (stage is not None and stage not in stages):
        raise ValueError(f'{path}: cell {cell} needs a name, and a pretrain stage among {sorted(stages)} or null.')
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
            if key.startswith(f'{part}.'):
                set_path(config, key.removeprefix(f'{part}.'), value)
    stray = [key for key in settings if key.split('.')[0] not in configs]
    if stray:
        raise ValueError(f'{path}: cell {name!r} sets {stray}, but it has only the stages {sorted(configs)}.')
    labels = [name, *(f'{key.rsplit(".", 1)[-1]}={value}' for key, value in crossed.items())]
    checkpoint = cell.get('checkpoint', 'best')
    if checkpoint not in ('best', 'last'):
        raise ValueError(f"{path}: cell {name!r} has checkpoint {checkpoint!r}; choose 'best' or 'last'.")
    return Cell(', '.join(labels), seed, settings, configs.get('pretrain'), configs['probe'], checkpoint)


def set_path(config: Config, dotted: str, value: Any) -> None:
    """Set a value in nested dicts by a dotted path, creating dicts on the way."""
    *parents, last = dotted.split('.')
    for parent in parents:
        config = config.setdefault(parent, {})
    config[last] = value
