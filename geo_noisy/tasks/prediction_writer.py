"""Predictions on disk, a file a batch, so that memory does not grow with their number."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
from lightning.pytorch.callbacks import BasePredictionWriter
from numpy.typing import NDArray
from torch import Tensor

from geo_noisy.whole_file import whole_file

NAMED_BY = ('index', 'place', 'time', 'noise', 'noisy')
"""Keys of a batch that say what was predicted on."""


class PredictionWriter(BasePredictionWriter):
    """Writes what ``predict`` gives, a NumPy archive (``.npz``) a batch, and keeps none of it in memory.

    An archive holds ``features`` [B, 2, D] of a pretraining, or ``probabilities`` of a probe, beside what says which
    samples they are: their number in the data set (``index``), or ``place`` and ``time`` of pairs; ``bounds`` and
    ``transform`` where the batch has them. Files are named by loader, batch and, with several processes, rank.
    """

    def __init__(self, folder: str) -> None:
        """Initialise a new PredictionWriter.

        Args:
            folder: Where the files go; it is made where absent.
        """
        super().__init__(write_interval='batch')
        self.folder = Path(folder)

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep no predictions in memory."""
        trainer.predict_loop.return_predictions = False

    def write_on_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        prediction: Any,
        batch_indices: Sequence[Any] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write the predictions of a batch.

        Args:
            trainer: The trainer.
            pl_module: The task.
            prediction: A tensor, or tensors by name.
            batch_indices: Keys of the samples.
            batch: What was predicted on.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.
        """
        named = prediction if isinstance(prediction, Mapping) else {'features': prediction}
        tensors = {key: batch[key] for key in NAMED_BY if key in batch} | dict(named)
        arrays: dict[str, Any] = {key: _array(value) for key, value in tensors.items() if isinstance(value, Tensor)}
        rank = f'-rank{trainer.global_rank}' if trainer.world_size > 1 else ''
        with whole_file(self.folder / f'{dataloader_idx}-{batch_idx:06d}{rank}.npz') as part, part.open('wb') as file:
            np.savez(file, **arrays)


def _array(value: Tensor) -> NDArray[Any]:
    """A NumPy array; it has no bfloat16."""
    value = value.detach().cpu()
    return np.asarray(value.float().numpy() if value.is_floating_point() else value.numpy())
