"""Where a checkpoint says of the model what the config says otherwise."""

from collections.abc import Iterator
from typing import Any

from geo_noisy.errors import UsageError

_SHOWN = 6


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
