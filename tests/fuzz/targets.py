"""What is fuzzed: each target reads bytes, and may raise nothing but what it says of bad input."""

import contextlib
import json
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo_noisy.commands.parsing.config_words import check_config
from geo_noisy.datasets.xbd.labels import read_label
from geo_noisy.errors import InputError
from geo_noisy.experiments.grids.grid_file import GRID_SCHEMA, check, read_mapping
from geo_noisy.experiments.table import check_table
from geo_noisy.models.weights import read_weights
from geo_noisy.pairs import PairPolicy
from geo_noisy.regions.dates.columns import read_dates
from geo_noisy.regions.files.headers import read_header
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.index_checks import check_metadata

Target = Callable[[bytes], Any]
_FOLDER = Path(tempfile.mkdtemp(prefix='geo-noisy-fuzz-'))


def _file(content: bytes, suffix: str) -> Path:
    path = _FOLDER / f'input{suffix}'
    path.write_bytes(content)
    return path


def label(content: bytes) -> None:
    """An xBD label."""
    with contextlib.suppress(InputError):
        read_label(_file(content, '.json'), post=True)


def repaired_label(content: bytes) -> None:
    """An xBD label whose polygons are mended."""
    with contextlib.suppress(InputError):
        read_label(_file(content, '.json'), post=True, repair=True)


def index(content: bytes) -> None:
    """What stands beside the rows of an index."""
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError):
        return
    with contextlib.suppress(InputError):
        check_metadata(stored, 'x.parquet')


def dates(content: bytes) -> None:
    """A column of dates."""
    lines = content.decode(errors='replace').split('\n')[:20]
    with contextlib.suppress(ValueError):
        read = read_dates(pd.Series(lines, dtype=object), where='x')
        assert (read.start <= read.stop).all()


def numbers(content: bytes) -> None:
    """A column of numbers that may be dates."""
    values = np.frombuffer(content[: len(content) // 8 * 8][:160], dtype=np.float64)
    if len(values):
        with contextlib.suppress(ValueError):
            read_dates(pd.Series(values), where='x')


def grid(content: bytes) -> None:
    """A grid of a sweep."""
    with contextlib.suppress(ValueError):
        check(read_mapping(_file(content, '.yaml')), GRID_SCHEMA, 'x')


def config(content: bytes) -> None:
    """A config of the trainer."""
    with contextlib.suppress(ValueError):
        check_config(str(_file(content, '.yaml')))


def results(content: bytes) -> None:
    """A table of results."""
    try:
        table = pd.DataFrame(json.loads(content))
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return
    with contextlib.suppress(InputError):
        check_table(table, 'x')


def policy(content: bytes) -> None:
    """A policy of pairs."""
    try:
        arguments = json.loads(content)
    except (ValueError, RecursionError):
        return
    if isinstance(arguments, dict):
        with contextlib.suppress(ValueError, TypeError):
            made = PairPolicy(**arguments)
            assert made.rate is None or 0 <= made.rate <= 1


def checkpoint(content: bytes) -> None:
    """A file of weights."""
    with contextlib.suppress(ValueError), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        read_weights(_file(content, '.ckpt'))


def raster(content: bytes) -> None:
    """The header of a raster."""
    with contextlib.suppress(RasterProblemError):
        read_header(str(_file(content, '.tif')))


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (label, repaired_label, index, dates, numbers, grid, config, results, policy, checkpoint, raster)
}
