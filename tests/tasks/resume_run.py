"""The shipped configs in small, and runs of them that note every step, save everywhere and go on anywhere."""

import hashlib
import json
import multiprocessing
import os
import signal
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint
from lightning.pytorch.cli import LightningCLI
from torch import Tensor
from torchgeo.datamodules import BaseDataModule
from torchgeo.tasks import BaseTask

from geo_noisy.main import main
from tests.data.regions import write_series

STEPS = 6  # of an epoch
EPOCHS = 3
BATCH = 4

QUIET = (
    '--model.init_args.model=tu-test_resnet',
    f'--data.init_args.batch_size={BATCH}',
    '--data.init_args.seed=0',  # else that of the process, which is another after a restart here
    f'--trainer.max_epochs={EPOCHS}',
    '--trainer.accelerator=cpu',
    '--trainer.enable_progress_bar=false',
    '--trainer.enable_model_summary=false',
)
IMAGES = (
    '--data.init_args.size_px=32',
    '--data.init_args.cells=4',
    f'--data.init_args.train_count={STEPS * BATCH}',
    '--data.init_args.val_count=8',
)
# What makes each shipped config small; all else stays as it is shipped.
CONFIGS: dict[str, tuple[str, ...]] = {
    'vts/moco': (*IMAGES, '--model.init_args.queue_size=16', '--model.init_args.batch_norm_splits=2'),
    'vts/within_image': (*IMAGES, '--model.init_args.warmup_steps=4'),
    'vts/cross_image': (*IMAGES, '--model.init_args.warmup_steps=4'),
    'vts/ground': (*IMAGES, '--model.init_args.warmup_steps=4', '--model.init_args.output_stride=8'),
    'vts/probe': (*IMAGES, '--data.init_args.eval_batch_size=4'),
    'regions/vts': (
        f'--data.init_args.length={STEPS * BATCH}',
        '--data.init_args.val_length=8',
        '--model.init_args.queue_size=16',
    ),
}


def words(config: str, folder: Path, *more: str) -> list[str]:
    """Words of the command line that train a shipped config in small, with its logs in a folder."""
    index = [f'--data.init_args.index={region_index(folder)}'] if config.startswith('regions') else []
    logs = f'--trainer.logger.init_args.save_dir={folder}'
    return ['--config', f'configs/{config}.yaml', *QUIET, *CONFIGS[config], *index, logs, *more]


def region_index(folder: Path) -> Path:
    """An index of three dates, written by the command."""
    index = folder / 'pairs.parquet'
    if not index.exists():
        images = write_series(folder / 'images', bands=3, size_px=96)
        size = ['--size-px', '16', '--block-px', '32', '--split', '0.6', '0.4', '0']
        assert main(['index', str(images), *size, '-o', str(index)]) == 0
    return index


def digest(value: Any, into: Any = None) -> str:
    """A hash of nested states, bit for bit."""
    found = into or hashlib.sha256()
    if isinstance(value, dict):
        for key in sorted(value, key=str):
            found.update(str(key).encode())
            digest(value[key], found)
    elif isinstance(value, list | tuple):
        for entry in value:
            digest(entry, found)
    elif isinstance(value, Tensor):
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    else:
        found.update(repr(value).encode())
    return str(found.hexdigest())


class Note(Callback):
    """Notes for each batch since the first of all: the draws and places of its samples, and all weights after it."""

    def __init__(self, file: str | None = None, stop_at: int | None = None) -> None:
        self.file, self.stop_at = file, stop_at
        self.steps: dict[int, Any] = {}

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        keys = {name: batch[name].tolist() for name in ('draw', 'location', 'place', 'noisy', 'time') if name in batch}
        states = [pl_module.state_dict(), [optimizer.state_dict() for optimizer in trainer.optimizers]]
        rate = trainer.optimizers[0].param_groups[0]['lr']
        note = {'keys': keys, 'weights': digest(states), 'rate': rate}
        self.steps[trainer.fit_loop.total_batch_idx] = note
        trainer.should_stop = trainer.should_stop or len(self.steps) == self.stop_at
        if self.file is not None:
            with Path(self.file).open('a') as file:
                file.write(json.dumps([trainer.fit_loop.total_batch_idx, note]) + '\n')


class SaveEverywhere(Checkpoint):
    """Saves where Lightning's ``ModelCheckpoint`` can save: after a batch, a validation, an epoch."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def save(self, trainer: pl.Trainer, where: str) -> None:
        if not trainer.sanity_checking:
            trainer.save_checkpoint(self.folder / f'{trainer.fit_loop.total_batch_idx + 1:02d}-{where}.ckpt')

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.save(trainer, 'batch')

    def on_validation_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.save(trainer, 'validation')

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.save(trainer, 'epoch')


BATCH_HOOKS = ('on_train_batch_start', 'on_before_optimizer_step', 'on_train_batch_end')


class Kill(Callback):
    """Ends the process without warning, as a power cut would, at the first call of a hook after some steps."""

    def __init__(self, step: int, hook: str) -> None:
        self.step, self.hook = step, hook

    def _strike(self, trainer: pl.Trainer, hook: str) -> None:
        if hook == self.hook and trainer.global_step >= self.step:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_train_batch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self._strike(trainer, 'on_train_batch_start')

    def on_before_optimizer_step(self, trainer: pl.Trainer, *_: Any) -> None:
        self._strike(trainer, 'on_before_optimizer_step')

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._strike(trainer, 'on_train_batch_end')

    def on_validation_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self._strike(trainer, 'on_validation_end')


class Runs:
    """A command line parsed once by the class that ``geo-noisy fit`` uses, and run as often as wanted."""

    def __init__(self, arguments: Sequence[str]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of arguments given beside those of the process
            self.cli = LightningCLI(
                model_class=BaseTask,
                datamodule_class=BaseDataModule,
                save_config_callback=None,
                seed_everything_default=0,
                subclass_mode_model=True,
                subclass_mode_data=True,
                args=list(arguments),
                run=False,
            )

    def fit(
        self,
        checkpoint: Path | None = None,
        *,
        save_in: Path | None = None,
        stop_at: int | None = None,
        seed: int = 0,
    ) -> Note:
        """Train, from a checkpoint or from the start, and give what was noted."""
        pl.seed_everything(seed, workers=True, verbose=False)
        self.cli.instantiate_classes()
        trainer, note = self.cli.trainer, Note(stop_at=stop_at)
        trainer.callbacks.insert(0, note)
        if save_in is not None:
            trainer.callbacks.append(SaveEverywhere(str(save_in)))
        trainer.fit(self.cli.model, self.cli.datamodule, ckpt_path=checkpoint)
        return note


@dataclass
class Saved:
    """A checkpoint, and what an unbroken run does after it."""

    path: Path
    batch: int
    rest: dict[int, Any]


def unbroken(runs: Runs, folder: Path) -> list[Saved]:
    """Run without a break, and give all checkpoints on the way."""
    steps = runs.fit(save_in=folder).steps
    saved = [(path, int(path.name[:2])) for path in sorted(folder.glob('*.ckpt'))]
    return [Saved(path, at, {batch: note for batch, note in steps.items() if batch >= at}) for path, at in saved]


def train(arguments: Sequence[str]) -> None:
    """``geo-noisy fit`` in a process of its own, forked from one that has imported everything."""
    multiprocessing.set_start_method('fork', force=True)  # as in a main process; a child of a server inherits its way
    torch.set_num_threads(1)
    warnings.simplefilter('ignore')
    main(['fit', *arguments])
