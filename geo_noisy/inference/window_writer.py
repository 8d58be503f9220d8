"""Embeddings by window from Lightning's ``predict``, in the file that ``geo-noisy embed`` writes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import BasePredictionWriter
from torch import Tensor

from geo_noisy.inference.window_table import Rows, write_windows
from geo_noisy.models.encoder import PretrainedEncoder
from geo_noisy.regions.pair_index import PairIndex


class WindowWriter(BasePredictionWriter):
    """Writes each window and date of the pairs that ``predict`` goes over once, as GeoParquet; keeps no predictions.

    For :class:`~geo_noisy.datamodules.TemporalPairsDataModule` and any split of it (``predict_split``).
    """

    def __init__(self, output: str) -> None:
        """Initialise a new WindowWriter.

        Args:
            output: GeoParquet file to write; with several processes each writes one, named by its rank.
        """
        super().__init__(write_interval='batch')
        self.output = Path(output)

    def on_predict_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep no predictions in memory, and check that there are windows.

        Raises:
            ValueError: If the data set has none.
        """
        trainer.predict_loop.return_predictions = False
        datamodule: Any = getattr(trainer, 'datamodule', None)
        dataset: Any = getattr(datamodule, 'predict_dataset', None)
        if not isinstance(getattr(dataset, 'pair_index', None), PairIndex):
            raise ValueError(
                f'WindowWriter writes windows of an index, and {type(dataset).__name__} has none; use PredictionWriter.'
            )
        self._index: PairIndex = dataset.pair_index
        self._seen: set[tuple[int, int]] = set()
        self._rows: list[tuple[int, int]] = []
        self._features: list[Tensor] = []

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
        """Keep the features of windows and dates that were not seen before.

        Args:
            trainer: The trainer.
            pl_module: The task.
            prediction: Features of both dates, [B, 2, D].
            batch_indices: Keys of the pairs.
            batch: What was predicted on.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.
        """
        for key, features in zip(batch_indices or (), prediction.detach().float().cpu(), strict=True):
            for date, feature in zip((key.earlier, key.later), features, strict=True):
                if (key.location, date) not in self._seen:
                    self._seen.add((key.location, date))
                    self._rows.append((key.location, date))
                    self._features.append(feature)

    def on_predict_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write the file."""
        task: Any = pl_module
        encoder = PretrainedEncoder(
            task.model,
            name=task.hparams['model'],
            in_channels=task.hparams['in_channels'],
            output_stride=task.hparams['output_stride'],
            statistics=(task.band_mean.flatten().tolist(), task.band_std.flatten().tolist()),
        )
        several = f'{self.output.stem}-rank{trainer.global_rank}{self.output.suffix}'
        path = self.output.with_name(several) if trainer.world_size > 1 else self.output
        features = int(self._features[0].numel()) if self._features else task.channels
        write_windows(path, self._parts(), crs=self._index.crs, model=encoder.digest, features=features)

    def _parts(self) -> Iterator[Rows]:
        index = self._index
        for start in range(0, len(self._rows), 4096):
            rows = np.array(self._rows[start : start + 4096])
            files = index.files.iloc[index.dates[index.offsets[rows[:, 0]] + rows[:, 1]]]
            yield Rows(
                index.windows_in(index.crs)[rows[:, 0]],
                files['time'].to_numpy(dtype=np.int64),
                [paths[0] for paths in files['paths']],
                np.full(len(rows), np.nan, dtype=np.float32),
                torch.stack(self._features[start : start + 4096]).numpy(),
            )
