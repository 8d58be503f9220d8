"""The learning rate over a run: a linear rise, then half a cosine."""

import math
import warnings
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

Unit = Literal['step', 'epoch']


def cosine_share(step: int, *, length: float, warmup: int = 0) -> float:
    """Share of the learning rate at a step: a linear rise over ``warmup`` steps, then half a cosine down to 0.

    It is a function of the step alone: a resumed run goes on with it, and never climbs again at its end.

    Args:
        step: Steps done.
        length: Steps of the run; infinite for a rate that stays.
        warmup: Steps of the rise, below ``length``.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    return (1 + math.cos(math.pi * min((step - warmup) / (length - warmup), 1))) / 2


def cosine_schedule(optimizer: Optimizer, *, length: float, warmup: int = 0) -> LambdaLR:
    """A schedule by :func:`cosine_share`; a warm-up as long as the run is cut to leave one step."""
    rise = int(min(warmup, length - 1))
    return LambdaLR(optimizer, lambda step: cosine_share(step, length=length, warmup=rise))


def warn_of_length(before: float, now: float, *, unit: Unit) -> None:
    """Warn when a run goes on with another length than that of its checkpoint."""
    if before != now:
        warnings.warn(
            f'The schedule of the learning rate ran over {before} {unit}s in the checkpoint, and this run has {now}: '
            f'from here on it follows a cosine over {now} {unit}s, so it goes on at another rate. For the rate of the '
            'checkpoint give the length it was made with.',
            stacklevel=2,
        )
