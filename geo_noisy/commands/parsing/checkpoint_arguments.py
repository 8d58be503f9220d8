"""What a checkpoint to go on from must be, and where it says of the model what the config says otherwise."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from geo_noisy.errors import InputError, UsageError

_SHOWN = 6


def check_checkpoint(path: str | None) -> None:
    """Check what a checkpoint holds, without its tensors, before Lightning takes it for one.

    Args:
        path: A file; an address, a word such as ``last`` and None are left to Lightning.

    Raises:
        UsageError: If the path leads to a folder, a pipe or a device.
        InputError: If the file holds no state of a training.
    """
    if path is None or not Path(path).exists():
        return
    if not Path(path).is_file():
        raise UsageError(f'ckpt_path is {path}, which is no file: give a checkpoint, such as last.ckpt.')
    if not zipfile.is_zipfile(path):
        return  # Lightning reads it, or tells why not
    content = torch.load(path, map_location='meta', mmap=True, weights_only=True)
    if not isinstance(content, Mapping):
        raise InputError(
            f'The checkpoint {path} holds a {type(content).__name__}, no state of a training: give one that a training '
            'wrote, or give weights alone as model.init_args.weights.'
        )


def replaced(stated: Any, taken: Any, *, checkpoint: str | None) -> Iterator[str]:
    """What to tell of arguments that a checkpoint replaced.

    Args:
        stated: The model as the command and its configs state it.
        taken: The model with the arguments of the checkpoint.
        checkpoint: The checkpoint; None for none.

    Raises:
        UsageError: If the checkpoint is of another class.
    """
    if checkpoint is None or stated is None:
        return
    names = [str(model.class_path).rpartition('.')[2] for model in (taken, stated)]
    if names[0] != names[1]:
        raise UsageError(
            f'The checkpoint {checkpoint} is of a {names[0]}, the config of a {names[1]}: go on with the config of the '
            'checkpoint, or start anew from its encoder (model.init_args.weights).'
        )
    own, other = (dict(model.get('init_args') or {}) for model in (stated, taken))
    changed = [name for name in own if name in other and own[name] != other[name]]
    if changed:
        told = '; '.join(f'{name} {other[name]} (config: {own[name]})' for name in changed[:_SHOWN])
        more = f'; and {len(changed) - _SHOWN} more' if len(changed) > _SHOWN else ''
        yield f'arguments of the model are those of the checkpoint {checkpoint}: {told}{more}.'
