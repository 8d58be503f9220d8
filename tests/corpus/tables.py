"""Damaged tables of items."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from tests.corpus.cell import COUNTED, INPUT, USAGE, Cell, Words

FILE = Path('items.csv')
OUT = ('out.parquet',)
_STAC = ['index', '--table', 'items.parquet', '-o', 'out.parquet', '--size-px', '16', '--statistics', '0']
INDEX = [
    'index',
    '--table',
    'items.csv',
    '--path-column',
    'path',
    '-o',
    'out.parquet',
    '--size-px',
    '16',
    '--statistics',
    '0',
]
Damage = Callable[[], object]


def cells() -> Iterator[Cell]:
    """Every cell of tables of items."""
    for field, damage, spoil, more, status, names in (*_files(), *_columns(), *_stac()):
        outputs = OUT if status == COUNTED else ()
        yield Cell('table', field, damage, _spoiling(spoil, more), status, names, outputs)


def _spoiling(spoil: Damage, words: Words) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return words

    return prepare


def _frame(change: Callable[[pd.DataFrame], Any]) -> Damage:
    def spoil() -> None:
        frame = pd.read_csv(FILE).astype(object)
        found = change(frame)
        (frame if found is None else found).to_csv(FILE, index=False)

    return spoil


def _value(column: str, value: object, row: int = 1) -> Damage:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[row, column] = value

    return _frame(change)


def _column(column: str, *values: object) -> Damage:
    return _frame(lambda frame: frame.assign(**{column: list(values)}))


def _instead(make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        FILE.unlink()
        make()

    return spoil


def _items(**changes: Any) -> Damage:
    """A table of STAC items in Parquet."""

    def spoil() -> None:
        dates = ('20200601', '20210601', '20220601')
        frame = pd.DataFrame(
            {
                'id': list('abc'),
                'datetime': pd.to_datetime(['2020-06-01', '2021-06-01', '2022-06-01'], utc=True),
                'assets': [{'image': {'href': f'images/image_{date}.tif'}} for date in dates],
            }
        )
        for name, value in changes.items():
            frame[name] = value
        frame.to_parquet('items.parquet')

    return spoil


_NONE: Words = []


def _files() -> Iterator[tuple[str, str, Damage, Words, int, tuple[str, ...]]]:
    told = ('items.csv',)
    yield 'file', 'absent', FILE.unlink, INDEX, USAGE, told
    yield 'file', 'empty', lambda: FILE.write_bytes(b''), INDEX, INPUT, told
    yield 'file', 'header alone', _frame(lambda frame: frame.iloc[:0]), INDEX, INPUT, told
    yield 'file', 'not UTF-8', lambda: FILE.write_bytes(b'path,datetime\n\xff\xfe,2020\n'), INDEX, INPUT, told
    yield 'file', 'binary', lambda: FILE.write_bytes(bytes(range(256)) * 9), INDEX, INPUT, told
    yield 'file', 'ragged', lambda: FILE.write_text('path,datetime\na.tif,2020,3,4\nb.tif\n'), INDEX, INPUT, told
    yield 'file', 'folder', _instead(FILE.mkdir), INDEX, USAGE, told
    yield 'file', 'FIFO', _instead(lambda: os.mkfifo(FILE)), INDEX, USAGE, told
    yield (
        'file',
        'Parquet that is none',
        lambda: Path('items.parquet').write_text('x'),
        _with('items.parquet'),
        INPUT,
        ('items.parquet',),
    )
    yield (
        'file',
        'Parquet that is cut',
        lambda: Path('items.parquet').write_bytes(FILE.with_name('pairs.parquet').read_bytes()[:-9]),
        _with('items.parquet'),
        INPUT,
        ('items.parquet',),
    )


def _with(name: str, *more: str) -> Words:
    return [*(name if word == FILE.name else word for word in INDEX), *more]


def _columns() -> Iterator[tuple[str, str, Damage, Words, int, tuple[str, ...]]]:
    yield 'path', 'absent', _frame(lambda f: f.drop(columns='path')), INDEX, USAGE, ('items.csv', 'path')
    yield 'path', 'empty', _value('path', None), INDEX, COUNTED, ('path', '1 x')
    yield 'path', 'leads nowhere', _value('path', 'images/gone.tif'), INDEX, COUNTED, ('gone.tif', 'not there')
    yield 'path', 'number', _column('path', 1, 2, 3), INDEX, INPUT, ('items.csv', "no path in column 'path'", 'row 1')
    yield 'path', 'text file', _value('path', 'grid.yaml'), INDEX, COUNTED, ('grid.yaml', 'not a raster')
    yield (
        'path',
        'twice',
        _value('path', 'images/image_20200601.tif'),
        INDEX,
        COUNTED,
        ('image_20200601', 'named by an earlier row'),
    )
    yield 'path', 'folder', _value('path', 'images'), INDEX, COUNTED, ('folder|not a raster',)
    yield 'datetime', 'absent', _frame(lambda f: f.drop(columns='datetime')), INDEX, USAGE, ('items.csv', 'datetime')
    yield 'datetime', 'empty', _value('datetime', None), INDEX, COUNTED, ('date', '1 x')
    yield 'datetime', 'text', _value('datetime', 'soon'), INDEX, INPUT, ('items.csv', 'datetime', 'soon')
    yield (
        'datetime',
        'ambiguous',
        _column('datetime', '03/04/2020', '03/04/2021', '03/04/2022'),
        INDEX,
        INPUT,
        ('items.csv', '--date-format'),
    )
    yield 'datetime', 'numbers of no kind', _column('datetime', 1, 2, 3), INDEX, INPUT, ('items.csv', 'datetime')
    yield 'datetime', 'month 13', _value('datetime', '2021-13-01'), INDEX, INPUT, ('items.csv', '2021-13-01')
    yield 'datetime', 'year 9999', _value('datetime', '9999-12-31'), INDEX, INPUT, ('items.csv', '9999')
    yield 'datetime', 'two spellings', _value('datetime', '01.06.2021'), INDEX, INPUT, ('items.csv', 'datetime')
    yield (
        'datetime',
        'all in 1970',
        _column('datetime', '1970-01-01', '1970-01-02', '1970-01-03'),
        INDEX,
        INPUT,
        ('1970',),
    )
    cloudy = [*INDEX, '--cloud-column', 'cloud', '--max-cloud', '20']
    yield (
        'cloud',
        'no such column',
        lambda: None,
        [*INDEX, '--cloud-column', 'cover', '--max-cloud', '20'],
        USAGE,
        ('cover', 'cloud'),
    )
    yield 'cloud', 'text', _value('cloud', 'much'), cloudy, INPUT, ('items.csv', 'cloud', 'much')
    yield 'cloud', 'fractions', _column('cloud', 0.1, 0.2, 0.5), cloudy, USAGE, ('fractions',)
    yield 'cloud', 'above 100', _value('cloud', 700.0), cloudy, INPUT, ('items.csv', 'cloud', '700')
    yield 'cloud', 'negative', _value('cloud', -3.0), cloudy, INPUT, ('items.csv', 'cloud', '-3')
    yield 'cloud', 'infinite', _value('cloud', float('inf')), cloudy, INPUT, ('items.csv', 'cloud', 'inf')
    yield 'sensor', 'no such column', lambda: None, [*INDEX, '--sensor-column', 'craft'], USAGE, ('craft', 'sensor')
    yield (
        'sensor',
        'all empty',
        _column('sensor', None, None, None),
        [*INDEX, '--sensor-column', 'sensor', '--same-sensor'],
        USAGE,
        ('same.sensor',),
    )


def _stac() -> Iterator[tuple[str, str, Damage, Words, int, tuple[str, ...]]]:
    words = _STAC
    good = [{'image': {'href': f'images/image_{date}.tif'}} for date in ('20200601', '20210601', '20220601')]
    yield 'assets', 'text', _items(assets=['x', 'y', 'z']), words, INPUT, ('items.parquet|assets', 'assets')
    yield 'assets', 'JSON text', _items(assets=[json.dumps(asset) for asset in good]), words, INPUT, ('assets',)
    yield 'assets', 'numbers', _items(assets=[1, 2, 3]), words, INPUT, ('assets',)
    yield 'assets', 'one null', _items(assets=[good[0], None, good[2]]), words, COUNTED, ('asset',)
    yield (
        'assets',
        'several',
        _items(assets=[asset | {'other': {'href': 'x.tif'}} for asset in good]),
        words,
        INPUT,
        ('image', 'other'),
    )
    yield 'assets', 'without href', _items(assets=[{'image': {'title': 'x'}}] * 3), words, INPUT, ('href',)
    yield (
        'assets',
        'href of number',
        _items(assets=[{'image': {'href': 3}}] * 3),
        words,
        INPUT,
        ('href|not there|not a raster',),
    )
    yield 'assets', 'no such name', _items(), [*words, '--assets', 'B02'], INPUT, ('B02',)
    yield 'items', 'datetime null', _items(datetime=[None, None, None]), words, INPUT, ('datetime|date',)
