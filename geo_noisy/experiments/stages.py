"""One stage of a cell: TorchGeo's trainer on a configuration, in a folder of its own."""

import contextlib
import io
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from geo_noisy.experiments.grid import Config, set_path
from geo_noisy.experiments.table import write_atomically

DONE = 'done.json'

# True of every run here, and nothing a user could act on.
UNHELPFUL = (
    '.*does not have many workers.*',
    '.*Checkpoint directory .* exists and is not empty.*',
    ".*LightningCLI's args parameter.*",
    '.*in eval mode at the start of training.*',
    '.*isinstance.treespec, LeafSpec.* is deprecated.*',
)


def pretrain(config: Config, folder: Path, *, checkpoint: str = 'best') -> tuple[Path, dict[str, Any]]:
    """Pretrain, unless the folder holds a finished run; goes on from the last checkpoint of a stopped one.

    Args:
        config: As in a YAML file for ``fit``.
        folder: Folder of the run.
        checkpoint: Which checkpoint to return: 'best' or 'last'.

    Returns:
        Path of the checkpoint, and facts about the run: steps, seconds, metrics.

    Raises:
        ValueError: If the run has no such checkpoint (the queue never filled, say).
    """
    done = folder / DONE
    if not done.exists():
        facts = _fit(config, folder)
        write_atomically(done, json.dumps(facts, indent=2))
    facts = json.loads(done.read_text())
    path = facts['checkpoints'][checkpoint]
    if not path:
        raise ValueError(f'{folder} holds no {checkpoint} checkpoint: see the warnings of its training.')
    return folder / path, facts


def probe(config: Config, folder: Path, weights: Path | None) -> dict[str, Any]:
    """Train a probe on an encoder and test it.

    Args:
        config: As in a YAML file for ``fit``.
        folder: Folder of the run.
        weights: Checkpoint of the encoder; None leaves what the configuration says.

    Returns:
        Facts about the run: steps, seconds, validation and test metrics.
    """
    if weights is not None:
        config = json.loads(json.dumps(config))
        set_path(config, 'model.init_args.weights', str(weights))
    return _fit(config, folder, test=True)


def _fit(config: Config, folder: Path, *, test: bool = False) -> dict[str, Any]:
    """Fit, and test the best epoch where asked to; metrics go to a CSV file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / 'config.yaml', yaml.safe_dump(config, sort_keys=False))
    started = time.perf_counter()
    with quiet():
        cli = build_trainer(config, folder)
        last = folder / 'checkpoints' / 'last.ckpt'
        cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=str(last) if last.exists() and not test else None)
        metrics = _numbers(cli.trainer.callback_metrics)
        if test:
            best = cli.trainer.checkpoint_callback.best_model_path
            results = cli.trainer.test(cli.model, cli.datamodule, ckpt_path=best or None, verbose=False)
            metrics |= _numbers(results[0])
    callback = cli.trainer.checkpoint_callback
    return {
        'steps': cli.trainer.global_step,
        'seconds': round(time.perf_counter() - started, 1),
        'metrics': metrics,
        'checkpoints': {
            'best': _relative(getattr(callback, 'best_model_path', ''), folder),
            'last': _relative(getattr(callback, 'last_model_path', ''), folder),
        },
    }


def build_trainer(config: Config, folder: Path) -> Any:
    """TorchGeo's command line on a configuration, without running a subcommand."""
    from lightning.pytorch.cli import LightningCLI
    from torchgeo.datamodules import BaseDataModule
    from torchgeo.tasks import BaseTask

    import geo_noisy.datamodules
    import geo_noisy.tasks  # noqa: F401  # importing makes the class names known

    config = json.loads(json.dumps(config))
    set_path(config, 'trainer.default_root_dir', str(folder))
    logger = {'class_path': 'lightning.pytorch.loggers.CSVLogger', 'init_args': {'save_dir': str(folder), 'name': ''}}
    config['trainer'].setdefault('logger', logger)
    for callback in config['trainer'].get('callbacks', []):
        if callback['class_path'].endswith('Checkpoint'):
            set_path(callback, 'init_args.dirpath', str(folder / 'checkpoints'))
    return LightningCLI(
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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leave out what Lightning says at the start of every one of many runs; warnings of ours still come through."""
    import logging

    loggers = [logging.getLogger(name) for name in ('lightning.pytorch', 'lightning.fabric')]
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


def _numbers(metrics: Any) -> dict[str, float]:
    return {name: float(value) for name, value in metrics.items()}


def _relative(path: str, folder: Path) -> str:
    return str(Path(path).relative_to(folder)) if path else ''
