"""What a run was set to, in plain values, and what of it is another in the run that goes on from its checkpoint."""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Plain = str | int | float | bool | None


def plain_settings(values: Mapping[str, Any], *, prefix: str = '') -> dict[str, Plain]:
    """Settings under dotted names; what is no plain value (a tensor, a module) is left out.

    Args:
        values: Settings by name: plain values, paths, dataclasses, and sequences and mappings of them.
        prefix: What the names start with.
    """
    settings: dict[str, Plain] = {}
    for name, value in values.items():
        key = f'{prefix}{name}'
        match value:
            case None | bool() | int() | float() | str():
                settings[key] = value
            case Path():
                settings[key] = str(value)
            case Mapping():
                settings |= plain_settings({str(k): v for k, v in value.items()}, prefix=f'{key}.')
            case list() | tuple():
                settings |= plain_settings({str(i): v for i, v in enumerate(value)}, prefix=f'{key}.')
            case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
                fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
                settings |= plain_settings(fields, prefix=f'{key}.')
    return settings


def changes(before: Mapping[str, Plain], now: Mapping[str, Plain]) -> list[str]:
    """What is another now, as sentences without a full stop: name, old and new value."""
    return [
        f'{name} was {_shown(before, name)} and is {_shown(now, name)}'
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name)
    ]


def warn_of_changes(before: Mapping[str, Plain], now: Mapping[str, Plain], *, of: str) -> None:
    """Warn of settings that differ from those of the checkpoint a run goes on from.

    Args:
        before: Settings in the checkpoint.
        now: Settings of this run.
        of: What they belong to, for the message.
    """
    found: Sequence[str] = changes(before, now)
    if found:
        warnings.warn(
            f'This run goes on from a checkpoint that was made with another {of}: {"; ".join(found)}. It will not be '
            'the run that an unbroken one would have been.',
            stacklevel=2,
        )


def _shown(values: Mapping[str, Plain], name: str) -> str:
    return repr(values[name]) if name in values else 'absent'
