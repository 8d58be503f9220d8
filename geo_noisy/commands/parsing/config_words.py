"""Configs and values on the trainer's command line, looked at before jsonargparse reads them."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from geo_noisy.errors import UsageError
from geo_noisy.experiments.grids.grid_file import read_mapping

_CONFIG = ('-c', '--config')
# Of a value that is nested in an argument of a class: --data.init_args.policy.rate=null
_NESTED_NULL = re.compile(r'^(--(?:model|data)\.init_args\.[\w.]+)\.(\w+)=(?:null|~)$')


def written_out(words: Sequence[str]) -> list[str]:
    """Words of a command line with nested nulls as jsonargparse reads them: it takes a bare one for the text 'None'."""
    joined: list[str] = []
    for word in words:
        if word in ('null', '~') and joined and re.fullmatch(r'--[\w.]+', joined[-1]):
            joined[-1] += '=null'
        else:
            joined.append(word)
    return [_NESTED_NULL.sub(r'\1={"\2": null}', word) for word in joined]


def config_files(words: Sequence[str]) -> Iterator[str]:
    """Files after ``--config``."""
    for word, following in pairwise([*words, '']):
        name, _, value = word.partition('=')
        if name in _CONFIG and (value or following):
            yield value or following


def check_config(path: str) -> None:
    """Make sure that a config is there, and holds keys with values.

    Raises:
        UsageError: If not; the message names the file, and the line where there is one.
    """
    if not Path(path).is_file():
        raise UsageError(f'The config {path} is not a file; `geo-noisy configs` lists those that come with geo-noisy.')
    try:
        read_mapping(Path(path), plain=False)
    except ValueError as error:
        raise UsageError(f'The config {error}') from error
