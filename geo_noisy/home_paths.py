"""Paths that start with ``~/``: shells write most of them out, YAML and ``--option=~/path`` leave it to programs."""

import os
from argparse import Namespace
from pathlib import Path
from typing import Any

_HOME = '~/'


def with_home(text: str) -> str:
    """A path that starts with ``~/`` from the user's home, as shells write it out; any other text as it is."""
    return os.path.expanduser(text) if text.startswith(_HOME) else text


def with_homes(value: Any) -> Any:
    """Values of a config, whatever they are nested in, with ``~/`` at the start of paths written out."""
    if isinstance(value, Namespace):
        return type(value)(**{name: with_homes(held) for name, held in vars(value).items()})
    if isinstance(value, dict):
        return {name: with_homes(held) for name, held in value.items()}
    if isinstance(value, list):
        return [with_homes(held) for held in value]
    if isinstance(value, Path):
        return Path(with_home(str(value)))
    return with_home(value) if isinstance(value, str) else value
