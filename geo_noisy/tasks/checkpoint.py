"""The checkpoint with the best validation loss, among those that may count."""

import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from geo_noisy.whole_file import whole_file


class WholeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place, then renames it; Lightning's own copies it out of the temporary folder."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint whole; to an address, as Lightning does."""
        if '://' in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        with whole_file(Path(path)) as unfinished:
            torch.save(checkpoint, unfinished)


class BestCheckpoint(ModelCheckpoint):
    """Keeps the best checkpoint, and never one whose monitored value is not finite: what was not measured is NaN.

    Checkpoints are written beside their place and renamed: a kill or a full disk leaves the one before.
    """

    def setup(self, trainer: 'pl.Trainer', pl_module: 'pl.LightningModule', stage: str) -> None:
        """Have the checkpoints written whole."""
        if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:  # not one that the user has chosen
            trainer.strategy.checkpoint_io = WholeCheckpointIO()
        super().setup(trainer, pl_module, stage)

    def check_monitor_top_k(self, trainer: 'pl.Trainer', current: Tensor | None = None) -> bool:
        """Whether the present value is finite and among the best."""
        if current is None or not math.isfinite(float(torch.as_tensor(current))):
            return False
        return super().check_monitor_top_k(trainer, current)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state; of a run folder that was moved, the paths are taken to its present place."""
        stored, here = state_dict.get('dirpath'), self.dirpath
        if stored and here and str(stored) != str(here):
            moved = {name: _moved(value, str(stored), str(here)) for name, value in state_dict.items()}
            if all(Path(path).exists() for path in moved['best_k_models']):
                state_dict = moved
        super().load_state_dict(state_dict)


def _moved(value: Any, stored: str, here: str) -> Any:
    """A path, or the paths in a state, with one folder in place of another."""
    if isinstance(value, dict):
        return {_moved(key, stored, here): _moved(entry, stored, here) for key, entry in value.items()}
    return here + value[len(stored) :] if isinstance(value, str) and value.startswith(stored) else value
