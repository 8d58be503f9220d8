"""The checkpoint with the best validation loss, among those that may count."""

import math

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor


class BestCheckpoint(ModelCheckpoint):
    """Keeps the best checkpoint, and never one whose monitored value is not finite.

    ``MomentumContrast`` logs an infinite ``val_loss`` until its queue has been filled once.
    """

    def check_monitor_top_k(self, trainer: 'pl.Trainer', current: Tensor | None = None) -> bool:
        """Whether the present value is finite and among the best."""
        if current is None or not math.isfinite(float(torch.as_tensor(current))):
            return False
        return super().check_monitor_top_k(trainer, current)
