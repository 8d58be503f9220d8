"""Numbers of Lightning's trainer that it takes as they are, and fails over, or does nothing, much later."""

import math
from typing import Any

from geo_noisy.errors import UsageError

_AT_LEAST = {
    'accumulate_grad_batches': 1, 'check_val_every_n_epoch': 1, 'gradient_clip_val': 0, 'max_epochs': -1,
    'max_steps': -1, 'min_epochs': 0, 'min_steps': 0, 'num_nodes': 1, 'limit_train_batches': 0, 'limit_val_batches': 0,
    'limit_test_batches': 0, 'limit_predict_batches': 0, 'reload_dataloaders_every_n_epochs': 0,
}  # fmt: skip


def check_trainer(trainer: Any) -> None:
    """Check numbers of a trainer's config.

    Args:
        trainer: Values by name.

    Raises:
        UsageError: If one is below what it may be, or not finite; the message names it and its value.
    """
    for name, low in _AT_LEAST.items():
        value = trainer.get(name)
        if isinstance(value, int | float) and not low <= value < math.inf:
            raise UsageError(f'trainer.{name} is {value}; give a number from {low}.')
