"""The primary tests: few, written into the grid before it runs, and the only ones that end in a verdict."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from geo_noisy.errors import InputError
from geo_noisy.experiments.grids.grid import read_grid
from geo_noisy.experiments.grids.grid_file import read_grid_file
from geo_noisy.experiments.judging.contrasts import Contrast, contrast
from geo_noisy.experiments.judging.gates import Gate, open_gate
from geo_noisy.experiments.judging.resampling import Resampler
from geo_noisy.experiments.judging.statistics import Interval, holm
from geo_noisy.experiments.table import write_atomically

MARGIN = 1.0
"""Points within which a difference is of no importance (paper, section V-A: randomness spans less than 1 %)."""
LEVEL = 0.05
FILE = 'primary_tests.json'

Kind = Literal['gain', 'harm', 'no gain', 'no harm']
Verdict = Literal['seen', 'not seen', 'contradicted', 'open', 'uninformative', 'not tested']


@dataclass(frozen=True)
class PrimaryTest:
    """A difference between two groups of cells, with what is expected of it.

    Attributes:
        text: What it says.
        first: Names of cells, or of entries of the grid with all their axes.
        second: What they are compared with, likewise.
        kind: What is expected: a ``gain``, a ``harm``, ``no gain`` or ``no harm``.
        gate: Name of the clean pretraining that has to beat both random encoders.
        margin: Points that are of no importance.
    """

    text: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    kind: Kind
    gate: str
    margin: float = MARGIN


@dataclass(frozen=True)
class PrimaryFinding:
    """What a table says about a primary test.

    Attributes:
        test: The test.
        verdict: What it ended in.
        gate: Whether its loss is judged at all.
        found: The difference; None where no world has all the cells.
        p_value: Adjusted by Holm over all primary tests; 1 where it was not tested.
    """

    test: PrimaryTest
    verdict: Verdict
    gate: Gate
    found: Contrast | None
    p_value: float


def read_primary(path: Path) -> list[PrimaryTest]:
    """The primary tests of a grid file, under its key ``primary``.

    Raises:
        ValueError: If a test names what is no cell.
    """
    cells = read_grid(path)
    known = {cell.name for cell in cells} | {cell.entry for cell in cells}
    tests = [_test(**entry) for entry in read_grid_file(path).get('primary', [])]
    for test in tests:
        unknown = {*test.first, *test.second, test.gate} - known
        if unknown:
            raise ValueError(f'{path}: primary test {test.text!r} names {sorted(unknown)}, which are no cells.')
        both = {*test.first} & {*test.second}
        if both:
            raise ValueError(f'{path}: primary test {test.text!r} has {sorted(both)} on both sides.')
    return tests


def fix_primary(folder: Path, tests: Sequence[PrimaryTest]) -> None:
    """Write the primary tests into the folder of a sweep before its first cell runs; later they may not change.

    Raises:
        ValueError: If the folder holds results, and other tests or none.
    """
    path = folder / FILE
    started = (folder / 'results.parquet').exists()
    if (path.exists() or started) and list(tests) != kept_primary(folder):
        raise ValueError(
            f'{folder} began with other primary tests than the grid has now. They are fixed before the first cell '
            'runs: choose another folder, or take the tests of the beginning.'
        )
    if tests and not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps([dataclasses.asdict(test) for test in tests], indent=2))


def kept_primary(folder: Path) -> list[PrimaryTest]:
    """The primary tests that a sweep began with.

    Raises:
        InputError: If their file is not whole.
    """
    path = folder / FILE
    if not path.exists():
        return []
    try:
        return [_test(**entry) for entry in json.loads(path.read_text())]
    except (ValueError, TypeError) as error:
        raise InputError(f'{path} holds no primary tests ({error}): take a copy of the file.') from error


def judge(rows: pd.DataFrame, tests: Sequence[PrimaryTest], resampler: Resampler | None = None) -> list[PrimaryFinding]:
    """Judge the primary tests; Holm's adjustment runs over exactly these, whether or not all could be tested.

    A gain (a harm) is *seen* where the adjusted paired t-test over worlds is significant at 5 % on that side, and
    *contradicted* where it is on the other; *not seen* where the interval lies within the margin; *open* otherwise. No
    harm (no gain) is seen where the difference is significantly above minus (below plus) the margin, and contradicted
    where the interval lies beyond it. All is *uninformative* where the gate is closed.

    Args:
        rows: Prepared rows.
        tests: The tests, in any order.
        resampler: For intervals over resampled test sets.
    """
    found = [_measure(rows, test, resampler) for test in tests]
    raw = [1.0 if one is None else _p_value(one.interval, test) for one, test in zip(found, tests, strict=True)]
    adjusted = holm(np.nan_to_num(raw, nan=1.0)) if tests else np.empty(0)
    gates = {test.gate: open_gate(rows, _name_of(rows, test.gate)) for test in tests}
    return [
        PrimaryFinding(test, _verdict(one, float(p), test, gates[test.gate]), gates[test.gate], one, float(p))
        for test, one, p in zip(tests, found, adjusted, strict=True)
    ]


def _test(*, first: str | Sequence[str], second: str | Sequence[str], **entry: Any) -> PrimaryTest:
    sides = [(names,) if isinstance(names, str) else tuple(names) for names in (first, second)]
    return PrimaryTest(first=sides[0], second=sides[1], **entry)


def _measure(rows: pd.DataFrame, test: PrimaryTest, resampler: Resampler | None) -> Contrast | None:
    sides = [_names(rows, names) for names in (test.first, test.second)]
    if not all(sides):
        return None
    weights = dict.fromkeys(sides[0], 1 / len(sides[0])) | dict.fromkeys(sides[1], -1 / len(sides[1]))
    data = rows.loc[rows['name'].isin(list(weights)), 'data'].unique()
    if len(data) != 1:
        return None
    return contrast(rows[rows['data'] == data[0]], weights, resampler)


def _names(rows: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Names of rows of cells or entries; none where one of them is missing, or stands for several settings."""
    found: list[str] = []
    for name in names:
        of_name = rows[(rows['entry'] == name) | (rows['cell'] == name)]
        cells = of_name.groupby('cell')['name'].nunique()
        if of_name.empty or (cells > 1).any():
            return []
        found += list(dict.fromkeys(of_name['name']))
    return found


def _name_of(rows: pd.DataFrame, name: str) -> str:
    return next(iter(_names(rows, [name])), '')


def _p_value(interval: Interval, test: PrimaryTest) -> float:
    if test.kind == 'no harm':
        return interval.p_value(null=-test.margin, alternative='greater')
    if test.kind == 'no gain':
        return interval.p_value(null=test.margin, alternative='less')
    return interval.p_value()


def _verdict(found: Contrast | None, p_value: float, test: PrimaryTest, gate: Gate) -> Verdict:
    if found is None:
        return 'not tested'
    if not gate.passed:
        return 'uninformative'
    interval = found.interval
    if test.kind in ('no harm', 'no gain'):
        beyond = interval.high < -test.margin if test.kind == 'no harm' else interval.low > test.margin
        return 'seen' if p_value < LEVEL else 'contradicted' if beyond else 'open'
    sided = interval.mean if test.kind == 'gain' else -interval.mean
    if p_value < LEVEL:
        return 'seen' if sided > 0 else 'contradicted'
    within = interval.low >= -test.margin and interval.high <= test.margin
    return 'not seen' if within else 'open'
