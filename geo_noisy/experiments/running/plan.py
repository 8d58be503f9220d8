"""What a sweep would do, and what it would cost, before it does anything."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torchgeo.datasets import DatasetNotFoundError

from geo_noisy.experiments.grids.grid import WORLD_KEYS, Cell, fingerprint
from geo_noisy.experiments.grids.grid_file import Config
from geo_noisy.experiments.names import plain
from geo_noisy.experiments.running.cell import CELL_ERRORS, shared_feature_keys
from geo_noisy.experiments.running.stages import DONE
from geo_noisy.experiments.running.trainer import build_trainer, check_cells, quiet
from geo_noisy.experiments.table import read_table

OPTIMISER_NUMBERS = 2
"""Numbers that AdamW keeps beside each trainable weight; SGD with momentum keeps one."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one stage costs.

    Attributes:
        steps: Optimiser steps; None where the data are not there to count.
        nbytes: Size of a checkpoint with its optimiser, at most.
        reason: Why the steps are not known.
    """

    steps: int | None
    nbytes: int
    reason: str = ''


def plan(cells: Sequence[Cell], folder: Path) -> str:
    """Check all cells, and say what is to do, what is shared, and what it costs.

    Data sets are opened to count steps, not read; no weights are fetched, and nothing is written.

    Args:
        cells: Cells of a grid.
        folder: Folder of the sweep, which may hold finished cells.

    Returns:
        Lines of text: a table of the cells, then the sums.

    Raises:
        ValueError: If a cell sets what its stages do not take.
    """
    check_cells(cells)
    table = read_table(folder)
    done = set(table.loc[table['error'].isna(), 'key']) if len(table) else set()
    todo = [cell for cell in cells if cell.key not in done]
    costs: dict[str, Cost] = {}
    lines = [f'{"cell":60} {"seed":>5} {"pretraining":>12} {"steps":>8} {"probe steps":>11}']
    pretrained: dict[str, str] = {}
    for cell in cells:
        probe = _cost(cell.probe, costs)
        words = [f'{plain(cell.name)[:60]:60} {cell.seed:5}']
        if cell.pretrain is None:
            words += [f'{"none":>12} {"":>8}']
        else:
            shared = pretrained.setdefault(cell.pretrain_key, cell.key) != cell.key
            words += [f'{cell.pretrain_key:>12} {"shared" if shared else _count(_cost(cell.pretrain, costs)):>8}']
        lines += [' '.join([*words, f'{_count(probe):>11}', 'done' if cell.key in done else '']).rstrip()]
    stages = {cell.pretrain_key: cell.pretrain for cell in todo if cell.pretrain is not None}
    sums = [_cost(stage, costs) for stage in stages.values()]
    probes = [_cost(cell.probe, costs) for cell in todo]
    nbytes = 2 * sum(cost.nbytes for cost in sums) + sum(cost.nbytes for cost in probes)
    lines += [
        '',
        f'{len(cells)} cells, {len(cells) - len(todo)} of them done in {folder}.',
        f'To do: {len(stages)} pretrainings of {_total(sums)} steps in all, {len(todo)} probes of {_total(probes)}.',
        f'Shared: {sum(cell.pretrain is not None for cell in todo) - len(stages)} cells take a pretraining of another; '
        f'{len(shared_feature_keys(todo))} sets of features serve several probes.',
        f'Disk: up to {nbytes / 1e9:.1f} GB of checkpoints (best and last of a pretraining, best of a probe).',
    ]
    reasons = dict.fromkeys(cost.reason for cost in costs.values() if cost.reason)
    return '\n'.join([*lines, *(f'Steps marked ? are not known: {plain(reason)}' for reason in reasons)])


def planned_steps(cells: Sequence[Cell], folder: Path) -> int | None:
    """Steps that cells take together, but for pretrainings that have ended; None where that is not known."""
    costs: dict[str, Cost] = {}
    stages = {cell.pretrain_key: cell.pretrain for cell in cells if cell.pretrain is not None}
    left = [stage for key, stage in stages.items() if not (folder / 'pretrain' / key / DONE).exists()]
    try:
        steps = [_cost(stage, costs).steps for stage in [*left, *(cell.probe for cell in cells)]]
    except (*CELL_ERRORS, DatasetNotFoundError):  # the row of that cell will tell
        return None
    return None if None in steps else sum(count for count in steps if count is not None)


def _cost(stage: Config, known: dict[str, Cost]) -> Cost:
    """Cost of a stage; stages that differ by their seeds alone cost the same."""
    stage = _light(stage)
    key = fingerprint(stage)
    if key not in known:
        known[key] = _measure(stage)
    return known[key]


def _light(stage: Config) -> Config:
    """A stage that is quick to build: no seeds, no images in memory, no pretrained weights."""
    light: Config = json.loads(json.dumps(stage))
    light['seed_everything'] = 0
    for part, changes in (('data', {'in_memory': False}), ('model', {'weights': None})):
        arguments = light[part].get('init_args') or {}
        light[part]['init_args'] = arguments | {name: value for name, value in changes.items() if name in arguments}
    for key in WORLD_KEYS:
        light['data']['init_args'].pop(key.rsplit('.', 1)[-1], None)
    return light


def _measure(stage: Config) -> Cost:
    with quiet():
        cli = build_trainer(stage | {'trainer': stage['trainer'] | {'callbacks': []}}, Path('/nonexistent'))
    weights = list(cli.model.state_dict().values())
    trainable = sum(p.numel() * p.element_size() for p in cli.model.parameters() if p.requires_grad)
    nbytes = sum(values.numel() * values.element_size() for values in weights) + OPTIMISER_NUMBERS * trainable
    trainer = cli.trainer
    if trainer.max_steps > 0:
        return Cost(trainer.max_steps, nbytes)
    if trainer.max_epochs is None or trainer.max_epochs < 0:
        return Cost(None, nbytes, 'neither trainer.max_epochs nor trainer.max_steps ends the training.')
    try:
        cli.datamodule.setup('fit')
        batches = len(cli.datamodule.train_dataloader())
    except (*CELL_ERRORS, DatasetNotFoundError) as error:
        return Cost(None, nbytes, str(error))
    visits = cli.model.hparams.get('cached_views') or 1
    return Cost(_steps(trainer, batches * visits), nbytes)


def _steps(trainer: Any, batches: int) -> int:
    limit = trainer.limit_train_batches
    if limit is not None:
        batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
    return int(-(-batches // trainer.accumulate_grad_batches) * trainer.max_epochs)


def _count(cost: Cost) -> str:
    return '?' if cost.steps is None else f'{cost.steps:,}'


def _total(costs: Sequence[Cost]) -> str:
    unknown = any(cost.steps is None for cost in costs)
    return f'{sum(cost.steps or 0 for cost in costs):,}{" and more (?)" if unknown else ""}'
