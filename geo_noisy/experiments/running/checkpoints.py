"""Checkpoints in the folder of a sweep: read as weights alone, whole, and with numbers in them."""

import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

# What torch raises at a file that is empty, cut, text, or holds more than weights.
_UNREADABLE = (
    TypeError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    LookupError,
    AttributeError,
    pickle.UnpicklingError,
    struct.error,
)


def read_weights(path: Path) -> dict[str, Tensor] | None:
    """Read the weights of a checkpoint; code in it is never run.

    Args:
        path: A checkpoint of Lightning's.

    Returns:
        Its ``state_dict``; None, with a warning that says why, where the file is not whole or not a checkpoint.
    """
    try:
        checkpoint = torch.load(path, map_location='cpu', weights_only=True)
    except _UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        warnings.warn(f'{path} is not whole, or holds more than weights: it is not used ({reason}).', stacklevel=2)
        return None
    state = checkpoint.get('state_dict') if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict):
        warnings.warn(f'{path} has no state_dict: it is no checkpoint, and is not used.', stacklevel=2)
        return None
    return state


def check_finite(state: Mapping[str, Tensor], what: str) -> None:
    """Check that all weights are numbers: scores of any others mean nothing.

    Raises:
        ValueError: If a weight is NaN or infinite; the message names it.
    """
    for name, values in state.items():
        if values.is_floating_point() and not values.isfinite().all():
            count = int((~values.isfinite()).sum())
            raise ValueError(
                f'{what}: {count} of {values.numel()} values of {name} are NaN or infinite: training diverged. '
                'Lower the learning rate, or look for bad values in the images.'
            )
