"""What a task keeps in a checkpoint beside Lightning's own, so that a resumed run equals an unbroken one."""

from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from geo_noisy.datamodules.loader import batches_trained
from geo_noisy.datamodules.settings import Plain, changes, plain_settings

RESUME = 'geo_noisy_resume'
"""Key of that state in a checkpoint."""


def resume_state(task: pl.LightningModule) -> dict[str, Any]:
    """Random numbers of the CPU and the task's device, and gradients that wait for their step."""
    state: dict[str, Any] = {'random': torch.get_rng_state(), 'gradients': {}}
    if task.device.type == 'cuda':
        state['random_cuda'] = torch.cuda.get_rng_state(task.device)
    if _accumulating(task.trainer):
        state['gradients'] = {name: weight.grad for name, weight in task.named_parameters() if weight.grad is not None}
    return state


def restore(task: pl.LightningModule, state: Mapping[str, Any]) -> None:
    """Take the state up again, when training goes on at its batch."""
    if 'random' in state:
        torch.set_rng_state(state['random'])
    if 'random_cuda' in state and task.device.type == 'cuda':
        torch.cuda.set_rng_state(state['random_cuda'], task.device)
    for name, weight in task.named_parameters():
        if name in state.get('gradients', {}):
            weight.grad = state['gradients'][name].to(weight.device)


def mend_epoch_count(trainer: pl.Trainer) -> None:
    """Set right how many epochs were begun and ended, where Lightning goes on without beginning one.

    From the last hooks of an epoch, with ``max_steps``, it would end that epoch once more, with a batch too many where
    no validation is due: the next one begins instead. From the last batch it takes the next epoch as begun but does not
    count it, and the checkpoints of that one would mislead the restart after this one.
    """
    loop: Any = trainer.fit_loop
    counts = (loop.epoch_progress.total, loop.epoch_progress.current)
    if loop.restarted_on_epoch_end:
        for count in counts:
            count.completed = count.processed
        loop.reset_restart_stage()
        loop.epoch_loop.restarting = False
    elif loop.restarted_mid_epoch:
        for count in counts:
            count.ready = count.started = count.completed + 1


def _accumulating(trainer: pl.Trainer) -> bool:
    """Whether batches were trained on whose step is still to come (``accumulate_grad_batches``)."""
    done = batches_trained(trainer)
    return done % trainer.accumulate_grad_batches != 0 and done < trainer.num_training_batches


def plain_hparams(hparams: Mapping[str, Any]) -> dict[str, Plain]:
    """Hyper-parameters in plain values, without those that are the command line's own."""
    return plain_settings({name: value for name, value in hparams.items() if not name.startswith('_')})


def check_shapes(task: pl.LightningModule, weights: Mapping[str, Tensor], settings: Mapping[str, Plain]) -> None:
    """Refuse a checkpoint whose tensors do not fit.

    Args:
        task: The task.
        weights: Its state in the checkpoint.
        settings: Its hyper-parameters in the checkpoint.

    Raises:
        ValueError: With a tensor that does not fit, and the hyper-parameters that differ.
    """
    own = task.state_dict()
    for name in weights.keys() & own.keys():
        if weights[name].shape != own[name].shape:
            found = changes(settings, plain_hparams(task.hparams))
            raise ValueError(
                f'{name} is {list(weights[name].shape)} in the checkpoint and {list(own[name].shape)} here: '
                f'{"; ".join(found) or "the architectures differ"}. Go on with the settings of the checkpoint, or '
                'start anew from its encoder (model.init_args.weights).'
            )
