"""A grid: which cells there are, and the full configuration of each."""

import copy
import functools
import hashlib
import itertools
import json
import pydoc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonargparse

import geo_noisy.datamodules
from geo_noisy.experiments.grids.grid_file import Config, read_grid_file
from geo_noisy.experiments.names import plain

WORLD_KEYS = ('data.init_args.seed', 'data.init_args.split_seed', 'data.init_args.dataset_seed')
"""What a seed sets beside ``seed_everything``, where the data module has it: a seed is a world of its own."""


@dataclass(frozen=True)
class Cell:
    """One pretraining (or none), one probe of it, one seed.

    Attributes:
        name: What the cell is called in tables and figures; cells that differ by the seed alone share it.
        entry: Name of the entry of the grid that it comes from, without the values of its axes.
        seed: Seed of initialisation, order, views and data of both stages.
        settings: The values that set this cell apart, by dotted path.
        pretrain: Configuration of the pretraining, as in a YAML file for ``fit``; None probes an encoder as it is.
        probe: Configuration of the probe.
        checkpoint: Which checkpoint of the pretraining is probed: 'best' or 'last'.
        optional: Whether the sweep is whole without it (weights that cannot be had everywhere).
    """

    name: str
    entry: str
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
    * ``optional``: whether the sweep is whole without it;
    * ``later``: whether it comes after the others of its piece.

    All cells of one seed come before those of the next, so that a part of a sweep can be compared; ``pieces`` says
    how many seeds are run together instead: ``[8, 4]`` runs eight seeds, first without the later cells, then four.

    A seed sets ``seed_everything`` and the data modules' ``seed`` in both stages, and their ``split_seed`` and
    ``dataset_seed`` where they have them and neither a stage nor ``shared`` does: a world of its own.

    Raises:
        ValueError: If the grid is not as above, or two of its cells have one name or one configuration; the message
            names file, place, value and remedy.
    """
    grid = read_grid_file(path)
    entries = [(entry, list(_crossed(path, entry, grid['pretrain']))) for entry in grid['cells']]
    seeds = list(dict.fromkeys(seed for entry, _ in entries for seed in entry.get('seeds', grid['seeds'])))
    cells = [
        _build_cell(path, grid, entry, axes, seed)
        for piece in _pieces(path, seeds, grid.get('pieces', [1] * len(seeds)))
        for later in (False, True)
        for seed in piece
        for entry, crossed in entries
        if seed in entry.get('seeds', grid['seeds']) and entry.get('later', False) == later
        for axes in crossed
    ]
    named = _repeated((cell.name, cell.seed) for cell in cells)
    if named:
        names = sorted({name for name, _ in named})
        raise ValueError(f'{path}: several cells are called {names}; give each a name of its own.')
    configured = _repeated(cell.key for cell in cells)
    if configured:
        names = sorted({cell.name for cell in cells if cell.key in configured})
        raise ValueError(f'{path}: cells {names} have the same configuration; leave all but one out.')
    return cells


def read_comparisons(path: Path) -> list[tuple[str, str]]:
    """The pairs of cell names that a grid asks to compare, under its key ``compare``."""
    names = {cell.name for cell in read_grid(path)}
    comparisons = [(first, second) for first, second in read_grid_file(path).get('compare', [])]
    unknown = {name for pair in comparisons for name in pair} - names
    if unknown:
        raise ValueError(f'{path}: compare names {sorted(unknown)}, which are no cells. Cells: {sorted(names)}.')
    return comparisons


def set_path(config: Config, dotted: str, value: Any) -> None:
    """Set a value in nested dicts by a dotted path, creating dicts on the way.

    Raises:
        ValueError: If something on the way is no mapping.
    """
    *parents, last = dotted.split('.')
    for number, parent in enumerate(parents):
        inner = config.get(parent)
        if inner is None:
            inner = config[parent] = {}
        if not isinstance(inner, dict):
            raise ValueError(f'{dotted} leads nowhere: {".".join(parents[: number + 1])} is {inner!r}, no mapping.')
        config = inner
    config[last] = value


@functools.cache
def world_keys(class_path: str) -> tuple[str, ...]:
    """Which of ``WORLD_KEYS`` a data module takes, by its signature; none where there is no such class."""
    datamodule = pydoc.locate(class_path) or getattr(geo_noisy.datamodules, class_path, None)
    if not isinstance(datamodule, type):
        return ()  # for the check of the configurations to tell
    arguments = jsonargparse.ArgumentParser().add_class_arguments(datamodule, fail_untyped=False)
    return tuple(key for key in WORLD_KEYS if key.rsplit('.', 1)[-1] in arguments)


def _pieces(path: Path, seeds: Sequence[int], sizes: Sequence[int]) -> Iterator[Sequence[int]]:
    if sum(sizes) != len(seeds):
        raise ValueError(f'{path}: pieces is {sizes}, {sum(sizes)} seeds in all, but the cells have {len(seeds)}.')
    start = 0
    for size in sizes:
        yield seeds[start : start + size]
        start += size


def _repeated(values: Iterable[Any]) -> set[Any]:
    return {value for value, count in Counter(values).items() if count > 1}


def _crossed(path: Path, entry: Config, stages: Mapping[str, Config]) -> Iterator[Config]:
    """Check an entry of the cells, and cross its axes."""
    name, stage, settings, axes = entry['name'], entry['pretrain'], entry.get('set', {}), entry.get('axes', {})
    if name != plain(name):
        raise ValueError(f'{path}: cell {name!r} has line breaks, control characters or outer spaces in its name.')
    if stage is not None and stage not in stages:
        raise ValueError(f'{path}: cell {name!r} has pretrain {stage!r}; choose among {sorted(stages)} or null.')
    places = {'probe', 'both'} if stage is None else {'pretrain', 'probe', 'both'}
    for key in (*settings, *axes):
        words = key.split('.')
        if key != 'checkpoint' and (len(words) < 2 or words[0] not in places or not all(words)):
            raise ValueError(
                f'{path}: cell {name!r} sets {key!r}; give dotted paths from {sorted(places)}, or checkpoint.'
            )
        if words[-1] == 'seed_everything':
            raise ValueError(f'{path}: cell {name!r} sets seed_everything; seeds come from the key `seeds`.')
    both = sorted(settings.keys() & axes.keys())
    if both:
        raise ValueError(f'{path}: cell {name!r} has {both} under set and under axes; keep one.')
    for checkpoint in [settings.get('checkpoint', 'best'), *axes.get('checkpoint', [])]:
        if checkpoint not in ('best', 'last'):
            raise ValueError(f"{path}: cell {name!r} has checkpoint {checkpoint!r}; choose 'best' or 'last'.")
    for values in itertools.product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _build_cell(path: Path, grid: Config, entry: Config, axes: Config, seed: int) -> Cell:
    settings = entry.get('set', {}) | axes
    stages = {'probe': grid['probe']}
    if entry['pretrain'] is not None:
        stages['pretrain'] = grid['pretrain'][entry['pretrain']]
    try:
        configs = {
            part: _stage_of_cell(part, stage, shared=grid.get('shared', {}), settings=settings, seed=seed)
            for part, stage in stages.items()
        }
    except ValueError as error:
        raise ValueError(f'{path}: cell {entry["name"]!r}: {error}') from error
    return Cell(
        name=', '.join([entry['name'], *(f'{key.rsplit(".", 1)[-1]}={value}' for key, value in axes.items())]),
        entry=entry['name'],
        seed=seed,
        settings=settings,
        pretrain=configs.get('pretrain'),
        probe=configs['probe'],
        checkpoint=settings.get('checkpoint', 'best'),
        optional=entry.get('optional', False),
    )


def _stage_of_cell(part: str, stage: Config, *, shared: Config, settings: Config, seed: int) -> Config:
    """Configuration of a stage: as it stands, then what is shared, what the cell sets, and the seed for the rest."""
    config = copy.deepcopy(stage)
    own = {rest: value for place, rest, value in _by_place(settings) if place in (part, 'both')}
    for key, value in (shared | own).items():
        set_path(config, key, value)
    set_path(config, 'seed_everything', seed)
    for key in world_keys(config['data']['class_path']):
        chosen = config['data'].get('init_args') or {}
        if key not in own and (key == WORLD_KEYS[0] or key.rsplit('.', 1)[-1] not in chosen):
            set_path(config, key, seed)
    return config


def _by_place(settings: Config) -> Iterator[tuple[str, str, Any]]:
    for key, value in settings.items():
        place, _, rest = key.partition('.')
        yield place, rest, value
