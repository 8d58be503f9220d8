"""TorchGeo's command line on a configuration: parsed, checked against the real signatures, or ready to train."""

import contextlib
import io
import json
import re
import warnings
from argparse import ArgumentError
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.cli import LightningCLI
from torchgeo.datamodules import BaseDataModule
from torchgeo.tasks import BaseTask

import geo_noisy.datamodules
import geo_noisy.tasks  # noqa: F401  # importing makes the class names known
from geo_noisy.experiments.grids.grid import WORLD_KEYS, Cell, set_path
from geo_noisy.experiments.grids.grid_file import Config

LOGGERS = ('lightning.pytorch', 'lightning.fabric', 'pytorch_lightning')
"""The last speaks for the first where lightly has imported it."""

# True of every run here, and nothing a user could act on.
UNHELPFUL = (
    '.*does not have many workers.*',
    '.*Checkpoint directory .* exists and is not empty.*',
    ".*LightningCLI's args parameter.*",
    '.*in eval mode at the start of training.*',
    '.*isinstance.treespec, LeafSpec.* is deprecated.*',
)


class ParsedCLI(LightningCLI):
    """A command line that parses a configuration and builds nothing."""

    def instantiate_classes(self) -> None:
        """Build nothing."""


def build_trainer(config: Config, folder: Path) -> Any:
    """TorchGeo's command line on a configuration, without running a subcommand.

    Args:
        config: As in a YAML file for ``fit``.
        folder: Where metrics and checkpoints go.
    """
    config = json.loads(json.dumps(config))
    set_path(config, 'trainer.default_root_dir', str(folder))
    logger = {'class_path': 'lightning.pytorch.loggers.CSVLogger', 'init_args': {'save_dir': str(folder), 'name': ''}}
    config['trainer']['logger'] = logger
    for callback in config['trainer'].get('callbacks', []):
        if callback['class_path'].endswith('Checkpoint'):
            set_path(callback, 'init_args.dirpath', str(folder / 'checkpoints'))
            # What a stopped run left behind is written over, not numbered on.
            set_path(callback, 'init_args.enable_version_counter', False)
    return _command_line(LightningCLI, config)


def check_cells(cells: Sequence[Cell]) -> None:
    """Check every stage of every cell against the signatures of what it configures, before anything runs.

    A stage is parsed where it holds a key or a value that no stage of the same classes had before.

    Raises:
        ValueError: If a key or a value is not accepted; the message names cell, stage and key.
    """
    seen: set[tuple[str, ...]] = set()
    for cell in cells:
        for name, stage in (('pretrain', cell.pretrain), ('probe', cell.probe)):
            if stage is None:
                continue
            classes = tuple(stage[part]['class_path'] for part in ('model', 'data'))
            leaves = {(*classes, *leaf) for leaf in _leaves(stage) if not _is_seed(leaf, cell.seed)}
            if leaves <= seen:
                continue
            try:
                with quiet():
                    _command_line(ParsedCLI, json.loads(json.dumps(stage)))
            except (ArgumentError, ValueError, TypeError) as error:
                raise ValueError(f'Cell {cell.name!r}, {name}: {summary(error)}.') from error
            seen |= leaves


def summary(error: Exception) -> str:
    """One line of a parser's many: the key, and what is wrong with it."""
    text = str(error)
    keys = '.'.join(re.findall(r'Parser key "([^"]+)"', text))
    classes = re.findall(r"given class_path '([^']+)'", text)
    passed_over = (
        'Parser key',
        'Does not validate',
        'Subtypes',
        'Errors:',
        'Given value',
        'Problem with',
        "Expected a <class 'NoneType",
    )
    lines = [line.strip(' -') for line in text.splitlines()]
    reason = next((line for line in lines if line and not line.startswith(passed_over)), lines[0] if lines else text)
    return ', '.join(part for part in (keys, classes[-1] if classes else '', reason.rstrip('.')) if part)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leave out what Lightning says at the start of every one of many runs; warnings of ours still come through."""
    import logging

    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            for message in UNHELPFUL:
                warnings.filterwarnings('ignore', message=message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _command_line(cli: type[LightningCLI], config: Config) -> LightningCLI:
    return cli(
        model_class=BaseTask,
        datamodule_class=BaseDataModule,
        seed_everything_default=0,
        subclass_mode_model=True,
        subclass_mode_data=True,
        parser_kwargs={'exit_on_error': False},
        save_config_kwargs={'overwrite': True},
        args=config,
        run=False,
    )


def _leaves(config: Any, path: str = '') -> Iterator[tuple[str, str]]:
    """Dotted paths and values; whatever has a class of its own, below model and data, is one value."""
    nested = isinstance(config, dict) and (path in ('', 'model', 'data') or 'class_path' not in config)
    if not nested or not config:
        yield path, json.dumps(config, sort_keys=True)
        return
    for key, value in config.items():
        yield from _leaves(value, f'{path}.{key}' if path else key)


def _is_seed(leaf: tuple[str, str], seed: int) -> bool:
    path, value = leaf
    return value == str(seed) and (path == 'seed_everything' or path in WORLD_KEYS)
