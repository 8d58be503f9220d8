"""A step of MoCo v2, views included, beside TorchGeo's and beside its arithmetic alone."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import lightning.pytorch as pl
import torch
from lightly.models.utils import update_momentum
from torch import Tensor
from torchgeo.tasks import MoCo

from geo_noisy.tasks import MomentumContrast
from geo_noisy.tasks.hardware import channels_last_pays
from tests.benchmarks.bench_views import kornia_views
from tests.benchmarks.rows import Comparison

QUEUE, CHANNELS = 1024, 512


def pairs(count: int, side: int) -> dict[str, Tensor]:
    """A batch of the pair contract."""
    return {
        'image': torch.rand(count, 2, 3, side, side),
        'mask': torch.randint(0, 2, (count, 2, side, side)),
        'draw': torch.arange(count),
        'place': torch.arange(count),
        'exposure': torch.zeros(count, dtype=torch.bool),
        'noisy': torch.zeros(count, dtype=torch.int8),
    }


def stepper(task: Any, batch: dict[str, Tensor], precision: torch.dtype | None = None) -> Callable[[], None]:
    """Forward, backward and update, each task with its own optimiser."""
    task.log = lambda *_, **__: None
    task._trainer = pl.Trainer(accelerator='cpu', logger=False, enable_checkpointing=False)
    task.train()
    with mock.patch.object(pl.Trainer, 'estimated_stepping_batches', 1000):
        optimizer = task.configure_optimizers()['optimizer']

    def _step() -> None:
        optimizer.zero_grad()
        with torch.autocast('cpu', precision, enabled=precision is not None):
            loss = task.training_step(batch, 0)
        loss.backward()
        optimizer.step()

    return _step


def arithmetic(task: MomentumContrast, image: Tensor) -> Callable[[], None]:
    """Query forward and backward, key forward and momentum: the least that a step can cost."""
    layout = torch.channels_last if channels_last_pays(image) else torch.contiguous_format
    task.to(memory_format=layout).train()
    image = image.contiguous(memory_format=layout)

    def _work() -> None:
        task.zero_grad()
        update_momentum(task.model, task.key_encoder, 0.999)
        task.encode_key(image)
        task.encode_query(image)[0].sum().backward()

    return _work


def torchgeo(side: int) -> MoCo:
    """The peer with the same network, head, queue and operations of views."""
    return MoCo(
        'resnet18', version=2, lr=0.03, layers=2, hidden_dim=CHANNELS, output_dim=128, size=side,
        memory_bank_size=QUEUE, augmentation1=kornia_views(side), augmentation2=kornia_views(side),
    )  # fmt: skip


def comparisons() -> Iterator[Comparison]:
    """Two sizes; in float32, in bfloat16 on one side and on both; and beside the bound."""
    for count, side in ((64, 64), (16, 256)):
        size, batch = f'{count} pairs of {side} px', pairs(count, side)
        stacked = {'image': batch['image'].flatten(1, 2)}
        ours, theirs = stepper(MomentumContrast(queue_size=QUEUE), batch), stepper(torchgeo(side), stacked)
        half = stepper(MomentumContrast(queue_size=QUEUE), batch, torch.bfloat16)
        their_half = stepper(torchgeo(side), stacked, torch.bfloat16)
        bound = arithmetic(MomentumContrast(queue_size=QUEUE), batch['image'][:, 0])
        yield Comparison('MoCo v2 step', size, 'TorchGeo MoCo', 1.1, ours, theirs, rounds=5)
        yield Comparison('MoCo v2 step, bf16', size, 'TorchGeo MoCo, float32', 1.5, half, theirs, rounds=5)
        yield Comparison('MoCo v2 step, bf16', size, 'TorchGeo MoCo, bf16', 1, half, their_half, rounds=5)
        yield Comparison('MoCo v2 step', size, 'its arithmetic alone', 0.9, ours, bound, rounds=5)
