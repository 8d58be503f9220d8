"""Whole epochs: pretraining beside the same steps on one resident batch, a probe beside a TorchGeo task."""

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchgeo.tasks import SemanticSegmentation
from torchvision.models.segmentation.fcn import FCNHead

from geo_noisy.datamodules import VTSPairsDataModule, VTSSegmentationDataModule
from geo_noisy.models import build_encoder
from geo_noisy.models.encoder import last_features
from geo_noisy.tasks import DenseContrast, MomentumContrast, SegmentationProbe
from geo_noisy.tasks.pretraining import PairTask
from geo_noisy.transforms import ColorViews, Views
from tests.benchmarks.rows import Comparison

VTS: dict[str, Any] = {'size_px': 64, 'in_memory': True, 'batch_size': 32}
CLASSES = ['layered', 'veined', 'matted']


def comparisons() -> Iterator[Comparison]:
    """An epoch of pretraining on VTS by two tasks; an epoch of a probe, from the second on, plain and augmented."""
    for name, task in (('MoCo', partial(MomentumContrast, queue_size=256)), ('within-image', DenseContrast)):
        data = VTSPairsDataModule(**VTS, train_count=512, val_count=32)
        data.setup('fit')
        yield Comparison(
            f'pretraining epoch, {name}', '512 pairs of 64 px', 'one batch again and again', 0.9,
            partial(_fit, task, data), partial(_fit_resident, task, data), rounds=3,
        )  # fmt: skip
    for name, views, wanted in (('plain', None, 10), ('augmented', ColorViews(), 1)):
        yield Comparison(
            f'probe epoch after the first, {name}', '512 images of 64 px', 'TorchGeo SemanticSegmentation, frozen',
            wanted, partial(_second_epoch, partial(_probe, views)), partial(_second_epoch, partial(_peer, views)),
            rounds=2,
        )  # fmt: skip


def _trainer(**options: Any) -> pl.Trainer:
    return pl.Trainer(
        accelerator='cpu', logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, limit_val_batches=0, default_root_dir=tempfile.gettempdir(), **options,
    )  # fmt: skip


def _fit(task: Callable[[], PairTask], data: VTSPairsDataModule) -> None:
    _trainer(max_epochs=1).fit(task(), data)


def _fit_resident(task: Callable[[], PairTask], data: VTSPairsDataModule) -> None:
    """The same number of steps without a loader: one batch, scaled before."""
    batch = data.aug(next(iter(data.train_dataloader())))
    steps = len(data.train_dataloader())
    _trainer(max_steps=steps).fit(task(), DataLoader(_Resident(batch, steps), batch_size=None))


class _Resident(torch.utils.data.Dataset[dict[str, Tensor]]):
    """One batch at every place."""

    def __init__(self, batch: dict[str, Tensor], steps: int) -> None:
        self.batch, self.steps = batch, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        return self.batch


class FrozenSegmentation(SemanticSegmentation):
    """The same encoder and head as a TorchGeo user would train them: batch norm of the encoder in eval mode."""

    def configure_models(self) -> None:
        """Build both."""
        encoder = build_encoder('resnet18').requires_grad_(False)
        self.model = nn.ModuleDict({'encoder': encoder, 'head': FCNHead(512, len(CLASSES))})

    def configure_optimizers(self) -> torch.optim.Optimizer:  # type: ignore[override]
        """AdamW, without the plateau schedule: no validation is timed."""
        return torch.optim.AdamW(self.model['head'].parameters(), lr=self.hparams['lr'])

    def on_train_epoch_start(self) -> None:
        """Keep the encoder's batch norm as it is."""
        self.model['encoder'].eval()

    def forward(self, image: Tensor) -> Tensor:
        """Class scores [B, classes, H, W]."""
        scores = self.model['head'](last_features(self.model['encoder'], image))
        return nn.functional.interpolate(scores, size=image.shape[-2:], mode='bilinear', align_corners=False)


class _Augmented(FrozenSegmentation):
    """With the same views, in every step."""

    views: Views

    def training_step(self, batch: dict[str, Tensor], batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        loss: Tensor = super().training_step(self.views(batch), batch_idx, dataloader_idx)
        return loss


def _probe(views: Views | None) -> pl.LightningModule:
    cache = 'memory' if views is None else None
    return SegmentationProbe(model='resnet18', classes=CLASSES, views=views, cache_features=cache)


def _peer(views: Views | None) -> pl.LightningModule:
    kind = FrozenSegmentation if views is None else _Augmented
    task = kind(model='fcn', num_classes=len(CLASSES), task='multiclass', ignore_index=255)
    if views is not None:
        task.views = views
    return task


class _Clock(pl.Callback):
    """Process CPU time of each epoch of training."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.begun = time.process_time()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.seconds.append(time.process_time() - self.begun)


def _second_epoch(task: Callable[[], pl.LightningModule]) -> float:
    """Seconds of the second of two epochs."""
    clock = _Clock()
    data = VTSSegmentationDataModule(**VTS, train_count=512, val_count=32, test_count=32)
    _trainer(max_epochs=2, callbacks=[clock]).fit(task(), data)
    return clock.seconds[1]
