"""A pretraining run that kills itself without warning, to be started in a process of its own."""

import multiprocessing
import os
import signal
import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from geo_noisy.tasks import DenseContrast, MomentumContrast
from tests.data.vts import pairs_datamodule, trainer


class Kill(Callback):
    """Ends the process after a step, as a power cut would."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def build_task(name: str) -> pl.LightningModule:
    """The task under test; the first weights are those of seed 0."""
    pl.seed_everything(0, verbose=False)
    if name == 'moco':
        return MomentumContrast(queue_size=16, lr=0.1, key_momentum=0.9, batch_norm_splits=2, warmup_steps=3)
    return DenseContrast(loss='cross', output_stride=8, lr=0.1)


def pretrain(name: str, folder: Path, workers: int, steps: int, die_at: int | None) -> None:
    """Train with a checkpoint every second step, from the last one where there is one, and save the final state."""
    multiprocessing.set_start_method('fork', force=True)  # as in a main process; a child of a server inherits its way
    torch.set_num_threads(1)
    warnings.simplefilter('ignore')
    # The kill comes before the checkpoint of its step, so that some steps have to be done again.
    callbacks: list[Callback] = [] if die_at is None else [Kill(die_at)]
    callbacks.append(ModelCheckpoint(folder, save_last=True, every_n_train_steps=2, save_top_k=0))
    run = trainer(
        folder,
        max_steps=steps,
        max_epochs=None,
        callbacks=callbacks,
        enable_checkpointing=True,
        num_sanity_val_steps=0,
    )
    last = folder / 'last.ckpt'
    datamodule = pairs_datamodule(num_workers=workers, train_count=40)
    run.fit(build_task(name), datamodule, ckpt_path=str(last) if last.exists() else None)
    run.save_checkpoint(folder / 'final.ckpt')
