"""Damaged tables of results for ``report``."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tests.corpus.cell import COUNTED, INPUT, Cell, Words

FILE = Path('results/results.parquet')
REPORT = ['report', 'results', '--output', 'out']
Damage = Callable[[], object]


def cells() -> Iterator[Cell]:
    """Every cell of tables of results."""
    for field, damage, spoil, names in (*_files(), *_values()):
        yield Cell('results', field, damage, _spoiling(spoil), INPUT, names)
    for damage, name in _NAMES.items():
        yield Cell('results', 'name', damage, _spoiling(_value('name', name)), COUNTED, ('Report',), ('out*',))


_NAMES = {
    'of a path': '../../../gone', 'long': 'x' * 400, 'mathtext': '$\\frac{1}', 'table': 'a|b|c', 'HTML': '<img src=x onerror=alert(1)>',
    'formula': '=HYPERLINK("http://127.0.0.1:9")', 'escape codes': 'a\x1b[31mb', 'line break': 'a\nb', 'null': 'a\0b',
    'reserved': 'CON', 'link': '[x](javascript:alert(1))',
}  # fmt: skip


def _spoiling(spoil: Damage) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return REPORT

    return prepare


def _frame(change: Callable[[pd.DataFrame], Any]) -> Damage:
    def spoil() -> None:
        frame = pd.read_parquet(FILE)
        found = change(frame)
        (frame if found is None else found).to_parquet(FILE)

    return spoil


def _value(column: str, value: object, row: int = 2) -> Damage:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        values = frame[column].tolist()
        values[row] = value
        return frame.assign(**{column: values})

    return _frame(change)


def _bytes(change: Callable[[bytes], bytes]) -> Damage:
    return lambda: FILE.write_bytes(change(FILE.read_bytes()))


def _instead(make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        FILE.unlink()
        make()

    return spoil


def _files() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    yield 'file', 'absent', FILE.unlink, ('results',)
    yield 'file', 'empty', _bytes(lambda _: b''), ('results.parquet',)
    yield 'file', 'text', _bytes(lambda _: b'x'), ('results.parquet',)
    yield 'file', 'cut', _bytes(lambda b: b[:-40]), ('results.parquet',)
    yield (
        'file',
        'another table',
        _instead(lambda: FILE.write_bytes(Path('pairs.parquet').read_bytes())),
        ('results.parquet', 'column'),
    )
    yield 'file', 'folder', _instead(FILE.mkdir), ('results.parquet',)
    yield 'file', 'FIFO', _instead(lambda: os.mkfifo(FILE)), ('results.parquet',)
    yield 'rows', 'none', _frame(lambda f: f.iloc[:0]), ('no table of results|results',)
    yield 'rows', 'all failed', _frame(lambda f: f.assign(error='x')), ('ended well|error',)


def _values() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    score = 'test_f1_macro'
    for column in ('key', 'name', 'seed', 'error', 'data', 'loss', 'r_pairs', score):
        yield column, 'absent', _frame(lambda f, c=column: f.drop(columns=c)), (column,)
    for name, value in {'above 1': 55.0, 'negative': -0.1, 'infinite': float('inf')}.items():
        yield score, name, _value(score, value), (score, 'row')
    yield score, 'all null', _frame(lambda f: f.assign(**{score: None})), (score, 'key')
    yield score, 'NaN', _value(score, float('nan')), (score, 'row')
    yield (
        score,
        'text',
        _frame(lambda f: f.assign(**{score: f[score].astype(str).replace('0.5', 'good') + 'x'})),
        (score,),
    )
    yield 'seed', 'negative', _value('seed', -1), ('seed', '-1')
    yield 'seed', 'fraction', _value('seed', 0.5), ('seed', '0.5')
    yield 'seed', 'text', _frame(lambda f: f.assign(seed='a')), ('seed',)
    yield 'key', 'twice', _frame(lambda f: f.assign(key='a')), ('key', 'once')
    yield 'key', 'empty', _value('key', ''), ('key',)
    yield 'name', 'number', _frame(lambda f: f.assign(name=3)), ('name', 'text')
    yield 'name and seed', 'twice', _frame(lambda f: f.assign(name='a', seed=0)), ('seed|twice|called|same',)
    yield 'r_pairs', 'above 1', _value('r_pairs', 7.0), ('r_pairs', '7')
    yield 'r_img', 'negative', _value('r_img', -2.0), ('r_img', '-2')
    yield 'config', 'not JSON', _frame(lambda f: f.assign(config='{')), ('config', 'JSON')
    yield 'versions', 'not JSON', _frame(lambda f: f.assign(versions='x')), ('versions', 'JSON')
    for column in ('data', 'loss', 'hardware', 'code', 'encoder', 'pretrain_key'):
        yield column, 'number', _frame(lambda f, c=column: f.assign(**{c: 3})), (f'{column} is 3', 'text')
        yield column, 'list', _frame(lambda f, c=column: f.assign(**{c: [[1, 2]] * len(f)})), (column, 'text')
    for column in ('data', 'loss'):
        yield column, 'null', _value(column, None), (column, 'text')
    for column in ('mere_exposure', 'fine_tuned'):
        yield column, 'number', _frame(lambda f, c=column: f.assign(**{c: 3})), (f'{column} is 3', 'true or false')
        yield column, 'text', _frame(lambda f, c=column: f.assign(**{c: 'perhaps'})), (column, 'perhaps')
    yield 'pretrain_seconds', 'text', _frame(lambda f: f.assign(pretrain_seconds='long')), ('pretrain_seconds',)
