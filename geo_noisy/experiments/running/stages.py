"""One stage of a cell: TorchGeo's trainer on a configuration, in a folder of its own."""

import dataclasses
import json
import math
import shutil
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import yaml
from numpy.typing import NDArray

from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.experiments.grids.grid import set_path
from geo_noisy.experiments.grids.grid_file import Config
from geo_noisy.experiments.running.checkpoints import check_finite, read_weights
from geo_noisy.experiments.running.ledger import Ledger, numbers
from geo_noisy.experiments.running.progress import Count, StepCounter, count_nothing
from geo_noisy.experiments.running.provenance import provenance
from geo_noisy.experiments.running.trainer import build_trainer, quiet
from geo_noisy.experiments.table import OUTCOMES, SOURCES, write_atomically
from geo_noisy.tasks.probe import Probe

DONE = 'done.json'


@runtime_checkable
class HasSources(Protocol):
    """A data set that knows from which texture, or image, its pixels come."""

    def sources(self) -> NDArray[np.int64]:
        """Number of the source of each class's pixels in each image, [N, classes]; -1 for none."""
        ...


def pretrain(
    config: Config, folder: Path, *, checkpoint: str = 'best', count: Count = count_nothing
) -> tuple[Path, dict[str, Any]]:
    """Pretrain, unless the folder holds a finished run; goes on from the last checkpoint of a stopped one.

    Args:
        config: As in a YAML file for ``fit``.
        folder: Folder of the run.
        checkpoint: Which checkpoint to return: 'best' or 'last'.
        count: Is told of the steps that were taken, of a stopped run too.

    Returns:
        Path of the checkpoint, and facts about the run: steps, seconds, metrics, resolved configuration.

    Raises:
        ValueError: If the run has no such checkpoint (the queue never filled, say), or its weights are not finite.
    """
    facts = _finished(folder)
    if facts is None:
        facts = _fit(config, folder, count=count) | {'provenance': provenance()}
        write_atomically(folder / DONE, json.dumps(facts, indent=2))
    path = facts['checkpoints'][checkpoint]
    state = read_weights(folder / path) if path else None
    if state is None:
        raise ValueError(f'{folder} holds no {checkpoint} checkpoint: see the warnings of its training.')
    check_finite(state, f'{checkpoint} checkpoint of the pretraining')
    return folder / path, facts


def _finished(folder: Path) -> dict[str, Any] | None:
    """Facts of a run that ended; None where it did not, or one of its checkpoints is gone or not whole.

    In the latter case all of them are removed: a run goes on from the last checkpoint, which knows of the others.
    """
    if not (folder / DONE).exists():
        return None
    try:
        facts: dict[str, Any] = json.loads((folder / DONE).read_text())
        paths = [folder / path for path in facts['checkpoints'].values() if path]
    except (ValueError, LookupError, AttributeError) as error:
        warnings.warn(f'{folder / DONE} is not whole ({error}): this pretraining is looked at again.', stacklevel=2)
        return None
    if all(path.exists() and read_weights(path) is not None for path in paths):
        return facts
    warnings.warn(f'{folder} lacks a whole checkpoint of its run: this pretraining starts anew.', stacklevel=2)
    shutil.rmtree(folder / 'checkpoints', ignore_errors=True)
    return None


def probe(
    config: Config,
    folder: Path,
    weights: Path | None,
    *,
    feature_folder: Path | None = None,
    count: Count = count_nothing,
) -> dict[str, Any]:
    """Train a probe on an encoder and test it.

    Args:
        config: As in a YAML file for ``fit``.
        folder: Folder of the run.
        weights: Checkpoint of the encoder; None leaves what the configuration says.
        feature_folder: Where to keep the encoder's features for other probes; None keeps them for this one alone.
        count: Is told of the steps that were taken.

    Returns:
        Facts about the run: steps, seconds, validation and test metrics, resolved configuration, and by test image
        what was answered and where its pixels come from, where probe and data set tell.
    """
    config = json.loads(json.dumps(config))
    if weights is not None:
        set_path(config, 'model.init_args.weights', str(weights))
    if feature_folder is not None:
        set_path(config, 'model.init_args.feature_folder', str(feature_folder))
    return _fit(config, folder, test=True, count=count)


def _fit(config: Config, folder: Path, *, count: Count, test: bool = False) -> dict[str, Any]:
    """Fit, and test the best epoch where asked to; metrics go to a CSV file in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / 'config.yaml', yaml.safe_dump(config, sort_keys=False))
    started = time.perf_counter()
    with quiet():
        cli = build_trainer(config, folder)
        ledger = Ledger()
        cli.trainer.callbacks.append(StepCounter(count))
        cli.trainer.callbacks.insert(0, ledger)  # before the checkpoints, which keep its state
        last = None if test else _last_checkpoint(folder)
        cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=last, weights_only=True)
        metrics = ledger.metrics | ledger.convergence(late=test)
        metrics |= _best_score(cli.trainer.checkpoint_callback)
        if test:
            best = cli.trainer.checkpoint_callback.best_model_path
            results = cli.trainer.test(
                cli.model, cli.datamodule, ckpt_path=best or None, verbose=False, weights_only=True
            )
            metrics |= numbers(results[0])
            check_finite(cli.model.state_dict(), 'probe')
            _check_scores(metrics)
    callback = cli.trainer.checkpoint_callback
    facts: dict[str, Any] = {
        'steps': cli.trainer.global_step,
        'seconds': round(ledger.seconds_before + time.perf_counter() - started, 1),
        'metrics': metrics,
        'config': _resolved(cli),
        'checkpoints': {
            'best': _relative(getattr(callback, 'best_model_path', ''), folder),
            'last': _relative(getattr(callback, 'last_model_path', ''), folder),
        },
    }
    return facts | (_by_image(cli) if test else {})


def _by_image(cli: Any) -> dict[str, Any]:
    """What was answered on each test image, and where its pixels come from, as far as probe and data set tell."""
    found: dict[str, Any] = {}
    if isinstance(cli.model, Probe) and cli.model.test_outcomes is not None:
        found[OUTCOMES] = list(cli.model.test_outcomes.flatten(1).numpy())
    if isinstance(cli.datamodule.test_dataset, HasSources):
        found[SOURCES] = list(cli.datamodule.test_dataset.sources())
    return found


def _last_checkpoint(folder: Path) -> str | None:
    """Path of the checkpoint to go on from; None, without the file, where a kill left half of it."""
    path = folder / 'checkpoints' / 'last.ckpt'
    if not path.exists():
        return None
    if read_weights(path) is None:
        warnings.warn(f'{folder} has no whole checkpoint to go on from: this pretraining starts anew.', stacklevel=2)
        path.unlink()
        return None
    return str(path)


def _resolved(cli: Any) -> Config:
    """The configuration as it ran, with every default; a policy that a data module chooses itself is in it, too."""
    config: Config = json.loads(cli.parser.dump(cli.config, format='json', skip_none=False))
    if isinstance(cli.datamodule, PairDataModule):
        config['data']['init_args']['policy'] = dataclasses.asdict(cli.datamodule.policy)
    return config


def _best_score(callback: Any) -> dict[str, float]:
    """Value of the monitored metric at the best checkpoint, under ``best_<metric>``."""
    score = getattr(callback, 'best_model_score', None)
    return {} if score is None else {f'best_{callback.monitor}': float(score)}


def _check_scores(metrics: Mapping[str, float]) -> None:
    """Check that a test gave numbers: scores of features that are not finite mean nothing."""
    bad = [name for name, value in metrics.items() if name.startswith('test_') and not math.isfinite(value)]
    if bad:
        raise ValueError(f'{", ".join(bad)} of the probe are not finite: look for bad values in the images.')


def _relative(path: str, folder: Path) -> str:
    return str(Path(path).relative_to(folder)) if path else ''
