"""What is not a number ends a training, and is never a score."""

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules.sampled import origin

SHOWN = 5
"""Most samples of a batch that a message names."""


def check_finite(task: pl.LightningModule, loss: Tensor, batch: Sample, *, batch_idx: int) -> None:
    """Check the loss of a training step.

    Args:
        task: The task that trains.
        loss: Its loss.
        batch: What it was worked out from.
        batch_idx: Number of the batch in its epoch.

    Raises:
        FloatingPointError: If it is NaN or infinite: with the step and the batch, and which samples of it hold NaN.
    """
    if torch.isfinite(loss):
        return
    where = f'step {task.global_step} (epoch {task.current_epoch}, batch {batch_idx})'
    broken = [number for number in range(len(loss_input(batch))) if not _finite(loss_input(batch)[number])]
    if broken:
        samples = '; '.join(_describe(task, batch, number) for number in broken[:SHOWN])
        raise FloatingPointError(
            f'The loss is {loss.item()} at {where}, because {len(broken)} samples of the batch hold NaN or infinite '
            f'values: {samples}. Mend or leave out these images.'
        )
    samples = '; '.join(_describe(task, batch, number) for number in range(min(SHOWN, len(loss_input(batch)))))
    raise FloatingPointError(
        f'The loss is {loss.item()} at {where}, from images that are all finite: training has diverged. Lower the '
        f'learning rate, or raise the warm-up. The batch begins with {samples}.'
    )


def check_weights(task: pl.LightningModule) -> None:
    """Check the weights of a task after its last step.

    Raises:
        FloatingPointError: If one is NaN or infinite.
    """
    for name, weight in task.named_parameters():
        if not torch.isfinite(weight).all():
            raise FloatingPointError(
                f'{name} holds NaN or infinite values after step {task.global_step}: training has diverged. Lower the '
                'learning rate.'
            )


def warn_unmeasured(why: str) -> None:
    """Say that validation measured nothing, and why."""
    rank_zero_warn(f'Validation measured nothing, its scores are NaN, and no such epoch is the best: {why}.')


def loss_input(batch: Sample) -> Tensor:
    """What the loss of a batch was worked out from: images, or features in their place."""
    values: Tensor = batch['image'] if 'image' in batch else batch['feature']
    return values


def _finite(values: Tensor) -> bool:
    return bool(torch.isfinite(values).all())


def _describe(task: pl.LightningModule, batch: Sample, number: int) -> str:
    """A sample by its number in the batch, and what is known of it: number in the data set, place, dates, files."""
    parts = [f'sample {number} of the batch']
    if 'index' in batch:
        parts.append(f'number {int(batch["index"][number])} of the data set')
    if 'place' in batch:
        times = batch['time'][number].tolist() if 'time' in batch else []
        dataset = getattr(getattr(task.trainer, 'datamodule', None), 'train_dataset', None)
        parts += origin(dataset, place=int(batch['place'][number]), times=times)
    return ', '.join(parts)
