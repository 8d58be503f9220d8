"""One stage of a cell: TorchGeo's trainer on a configuration, in a folder of its own."""

import contextlib
import io
import json
import pickle
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
import yaml

from geo_noisy.experiments.grid import Config, set_path
from geo_noisy.experiments.provenance import provenance
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
        Path of the checkpoint, and facts about the run: steps, seconds, metrics, resolved configuration.

    Raises:
        ValueError: If the run has no such checkpoint (the queue never filled, say).
    """
    done = folder / DONE
    facts = json.loads(done.read_text()) if done.exists() else None
    if facts is None or not all((folder / path).exists() for path in facts['checkpoints'].values()):
        facts = _fit(config, folder) | {'provenance': provenance()}
        write_atomically(done, json.dumps(facts, indent=2))
    path = facts['checkpoints'][checkpoint]
    if not path:
        raise ValueError(f'{folder} holds no {checkpoint} checkpoint: see the warnings of its training.')
    return folder / path, facts


def probe(config: Config, folder: Path, weights: Path | None, *, feature_folder: Path | None = None) -> dict[str, Any]:
    """Train a probe on an encoder and test it.

    Args:
        config: As in a YAML file for ``fit``.
        folder: Folder of the run.
        weights: Checkpoint of the encoder; None leaves what the configuration says.
        feature_folder: Where to keep the encoder's features for other probes; None keeps them for this one alone.

    Returns:
        Facts about the run: steps, seconds, validation and test metrics, resolved configuration, and ``outcomes``:
        what the probe answered on each test image, where it keeps that.
    """
    config = json.loads(json.dumps(config))
    if weights is not None:
        set_path(config, 'model.init_args.weights', str(weights))
    if feature_folder is not None:
        set_path(config, 'model.init_args.feature_folder', str(feature_folder))
    return _fit(config, folder, test=True)


def _fit(config: Config, folder: Path, *, test: bool = False) -> dict[str, Any]:
    """Fit, and test the best epoch where asked to; metrics go to a CSV file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / 'config.yaml', yaml.safe_dump(config, sort_keys=False))
    started = time.perf_counter()
    with quiet():
        cli = build_trainer(config, folder)
        ledger = Ledger()
        cli.trainer.callbacks.insert(0, ledger)  # before the checkpoints, which keep its state
        last = None if test else _readable(folder / 'checkpoints' / 'last.ckpt')
        cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=last)
        metrics = ledger.metrics
        metrics |= _best_score(cli.trainer.checkpoint_callback)
        if test:
            best = cli.trainer.checkpoint_callback.best_model_path
            results = cli.trainer.test(cli.model, cli.datamodule, ckpt_path=best or None, verbose=False)
            metrics |= _numbers(results[0])
    callback = cli.trainer.checkpoint_callback
    facts: dict[str, Any] = {
        'steps': cli.trainer.global_step,
        'seconds': round(ledger.seconds_before + time.perf_counter() - started, 1),
        'metrics': metrics,
        'config': json.loads(cli.parser.dump(cli.config, format='json', skip_none=False)),
        'checkpoints': {
            'best': _relative(getattr(callback, 'best_model_path', ''), folder),
            'last': _relative(getattr(callback, 'last_model_path', ''), folder),
        },
    }
    outcomes = getattr(cli.model, 'test_outcomes', None)
    return facts if outcomes is None else facts | {'outcomes': list(outcomes.flatten(1).numpy())}


def _readable(checkpoint: Path) -> str | None:
    """Path of a checkpoint to go on from; None where there is none, or a kill left half of it."""
    if not checkpoint.exists():
        return None
    try:
        torch.load(checkpoint, map_location='meta', weights_only=False)
    except (EOFError, RuntimeError, pickle.UnpicklingError) as error:
        warnings.warn(f'{checkpoint} is not whole ({error}): this pretraining starts anew.', stacklevel=2)
        checkpoint.unlink()
        return None
    return str(checkpoint)


def _best_score(callback: Any) -> dict[str, float]:
    """Value of the monitored metric at the best checkpoint, under ``best_<metric>``."""
    score = getattr(callback, 'best_model_score', None)
    return {} if score is None else {f'best_{callback.monitor}': float(score)}


class Ledger(pl.Callback):
    """Keeps metrics and seconds in checkpoints: a run stopped after its last step still has them when it goes on."""

    def __init__(self) -> None:
        """Initialise a new Ledger."""
        self.metrics: dict[str, float] = {}
        self.seconds_before = 0.0
        self._started = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the metrics of the epoch."""
        self.metrics = _numbers(trainer.callback_metrics)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the metrics at the end, where any step was taken."""
        self.metrics |= _numbers(trainer.callback_metrics)

    def state_dict(self) -> dict[str, Any]:
        """Metrics and seconds up to here."""
        return {'metrics': self.metrics, 'seconds': self.seconds_before + time.perf_counter() - self._started}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the metrics and seconds of a stopped run."""
        self.metrics, self.seconds_before = state_dict['metrics'], state_dict['seconds']


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
    config['trainer']['logger'] = logger
    for callback in config['trainer'].get('callbacks', []):
        if callback['class_path'].endswith('Checkpoint'):
            set_path(callback, 'init_args.dirpath', str(folder / 'checkpoints'))
            # What a stopped run left behind is written over, not numbered on.
            set_path(callback, 'init_args.enable_version_counter', False)
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
