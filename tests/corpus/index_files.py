"""Damaged index files, opened by ``fit``."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.corpus.cell import INPUT, USAGE, Cell, Words

FILE = Path('pairs.parquet')
FIT = ['fit', '--config', 'region.yaml']
RUNS = ('runs*',)
Damage = Callable[[], object]


def cells() -> Iterator[Cell]:
    """Every cell of index files."""
    for field, damage, spoil, status, names in (*_files(), *_metadata(), *_rows()):
        yield Cell('index file', field, damage, _spoiling(spoil), status, names, RUNS)


def _spoiling(spoil: Damage) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return FIT

    return prepare


def _bytes(change: Callable[[bytes], bytes]) -> Damage:
    return lambda: FILE.write_bytes(change(FILE.read_bytes()))


def _instead(make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        FILE.unlink()
        make()

    return spoil


def _stored(change: Callable[[dict[str, Any]], Any]) -> Damage:
    """Metadata changed in place, or replaced by what the change returns."""

    def spoil() -> None:
        table = pq.read_table(FILE)
        content = json.loads(table.schema.metadata[b'geo_noisy'])
        found = change(content)
        text = json.dumps(content if found is None else found)
        pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b'geo_noisy': text}), FILE)

    return spoil


def _set(*keys: Any, value: Any) -> Damage:
    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    return _stored(change)


def _drop(*keys: Any) -> Damage:
    def change(content: Any) -> None:
        for key in keys[:-1]:
            content = content[key]
        del content[keys[-1]]

    return _stored(change)


def _column(name: str, change: Callable[[np.ndarray], Any]) -> Damage:
    def spoil() -> None:
        table = pq.read_table(FILE)
        values = change(table[name].to_numpy(zero_copy_only=False).copy())
        place = table.column_names.index(name)
        pq.write_table(table.set_column(place, name, pa.array(values)), FILE)

    return spoil


def _without(name: str) -> Damage:
    return lambda: pq.write_table(pq.read_table(FILE).drop_columns([name]), FILE)


def _lists(name: str, change: Callable[[list[list[Any]]], Any]) -> Damage:
    def spoil() -> None:
        table = pq.read_table(FILE)
        kind = table[name].type
        values = table[name].to_pylist()
        change(values)
        pq.write_table(table.set_column(table.column_names.index(name), name, pa.array(values, type=kind)), FILE)

    return spoil


def _files() -> Iterator[tuple[str, str, Damage, int, tuple[str, ...]]]:
    told = ('pairs.parquet',)
    yield 'file', 'absent', FILE.unlink, USAGE, told
    yield 'file', 'empty', _bytes(lambda _: b''), INPUT, told
    yield 'file', 'text', _bytes(lambda _: b'hello'), INPUT, told
    yield 'file', 'cut', _bytes(lambda b: b[:-50]), INPUT, told
    yield 'file', 'zeroed in the middle', _bytes(lambda b: b[:200] + bytes(800) + b[1000:]), INPUT, told
    yield 'file', 'folder', _instead(FILE.mkdir), USAGE, told
    yield 'file', 'FIFO', _instead(lambda: os.mkfifo(FILE)), USAGE, told
    yield (
        'file',
        'another table',
        _instead(lambda: FILE.write_bytes(Path('results/results.parquet').read_bytes())),
        INPUT,
        (*told, 'no.* pair index'),
    )


def _metadata() -> Iterator[tuple[str, str, Damage, int, tuple[str, ...]]]:
    told = 'pairs.parquet'
    yield 'schema', 'older', _set('schema', value=1), INPUT, (told, 'schema 1')
    yield 'schema', 'text', _set('schema', value='x'), INPUT, (told, "'x'")
    yield 'metadata', 'a list', _stored(lambda _: [1]), INPUT, (told,)
    yield 'metadata', 'null', _stored(lambda _: {'schema': None}), INPUT, (told,)
    for key in ('size_px', 'stride_px', 'sites', 'files', 'paths', 'rules', 'content', 'statistics'):
        yield key, 'absent', _drop(key), INPUT, (told, key)
    yield 'size_px', 'zero', _set('size_px', value=0), INPUT, (told, 'size_px', '0')
    yield 'size_px', 'negative', _set('size_px', value=-16), INPUT, (told, 'size_px', '-16')
    yield 'size_px', 'text', _set('size_px', value='16'), INPUT, (told, 'size_px')
    yield 'size_px', 'huge', _set('size_px', value=10**12), INPUT, (told, 'size_px')
    yield 'stride_px', 'zero', _set('stride_px', value=0), INPUT, (told, 'stride_px')
    yield 'sites.crs', 'unknown', _set('sites', 'crs', value=['EPSG:1']), INPUT, (told, 'EPSG:1')
    yield 'sites.res_x', 'zero', _set('sites', 'res_x', value=[0.0]), INPUT, (told, 'res_x')
    yield 'sites.res_x', 'NaN', _set('sites', 'res_x', value=[float('nan')]), INPUT, (told, 'res_x')
    yield 'sites.x0', 'infinite', _set('sites', 'x0', value=[float('inf')]), INPUT, (told, 'x0')
    yield 'files.time', 'text', _set('files', 'time', 0, value='2020'), INPUT, (told, 'time')
    yield 'files.time', 'milliseconds', _set('files', 'time', 0, value=1590969600000), INPUT, (told, 'time')
    yield 'files.site', 'beyond', _set('files', 'site', 0, value=7), INPUT, (told, 'site')
    yield 'files.layers', 'beyond', _set('files', 'layers', 0, value=[[9, 1]] * 3), INPUT, (told, 'layers')
    yield 'files.layers', 'band 0', _set('files', 'layers', 0, value=[[0, 0]] * 3), INPUT, (told, 'layers')
    yield 'files.bands', 'zero', _set('files', 'bands', value=[0, 0, 0]), INPUT, (told, 'bands')
    yield 'files.stored', 'absent', _drop('files', 'stored'), INPUT, (told, 'stored')
    yield 'files.stored', 'text', _set('files', 'stored', 0, value=['x']), INPUT, (told, 'stored')
    yield 'files.dtype', 'number', _set('files', 'dtype', 0, value=8), INPUT, (told, 'dtype')
    yield 'paths', 'leads out', _set('paths', 0, value=['../../etc/x.tif']), INPUT, (told, 'paths|leads out')
    yield 'paths', 'absolute', _set('paths', 0, value=['/etc/hostname']), INPUT, (told, 'paths|leads out')
    yield 'paths', 'address', _set('paths', 0, value=['http://127.0.0.1:9/x.tif']), INPUT, ('http://127', 'remote')
    yield (
        'paths',
        'virtual file system',
        _set('paths', 0, value=['/vsicurl/http://127.0.0.1:9/x.tif']),
        INPUT,
        ('vsicurl', 'remote'),
    )
    yield (
        'paths',
        'a database',
        _set('paths', 0, value=['PG:host=127.0.0.1 port=9']),
        USAGE,
        ('PG:|not there|pairs.parquet',),
    )
    yield 'paths', 'number', _set('paths', 0, value=[3]), INPUT, (told, 'paths')
    yield 'paths', 'moved', lambda: os.rename('images', 'photos'), USAGE, (told, 'root')
    yield 'rules', 'unknown', _set('rules', value={'least': 1}), INPUT, (told, 'rules|least')
    yield 'statistics.std', 'zero', _set('statistics', 'std', value=[0.0, 1.0, 1.0]), INPUT, (told, 'std')
    yield 'statistics.mean', 'one less', _set('statistics', 'mean', value=[1.0, 1.0]), INPUT, (told, 'mean')
    yield 'statistics.mean', 'NaN', _set('statistics', 'mean', value=[float('nan')] * 3), INPUT, (told, 'mean')
    yield 'content.bands', 'one less', _set('content', 'bands', value=['1', '2']), INPUT, (told, 'bands')


def _rows() -> Iterator[tuple[str, str, Damage, int, tuple[str, ...]]]:
    told = 'pairs.parquet'
    for name in ('site', 'col', 'place', 'split', 'files', 'event_share', 'event_wkb', 'noise_known'):
        yield f'column {name}', 'absent', _without(name), INPUT, (told, 'event|' + name)
    yield 'column site', 'beyond', _column('site', lambda v: v + 5), INPUT, (told, 'site')
    yield 'column site', 'text', _column('site', lambda v: v.astype(str)), INPUT, (told, 'site')
    yield (
        'column col',
        'beyond the images',
        _column('col', lambda v: v + 9999),
        INPUT,
        (told, 'col|does not show|files'),
    )
    yield 'column row', 'negative', _column('row', lambda v: v - 9999), INPUT, (told, 'row|does not show|files')
    yield 'column split', 'beyond', _column('split', lambda v: v + 9), INPUT, (told, 'split')
    yield 'column place', 'empty', _column('place', lambda v: [None, *v[1:]]), INPUT, (told, 'place')
    yield 'column files', 'beyond', _lists('files', lambda v: v[0].__setitem__(0, 9)), INPUT, (told, 'files')
    yield 'column files', 'negative', _lists('files', lambda v: v[0].__setitem__(0, -1)), INPUT, (told, 'files')
    yield 'column files', 'unordered', _lists('files', lambda v: v[0].reverse()), INPUT, (told, 'files')
    yield 'column files', 'empty list', _lists('files', lambda v: v[0].clear()), INPUT, (told, 'files')
    yield (
        'column event_share',
        'above 1',
        _lists('event_share', lambda v: [x.__setitem__(0, 7.0) for x in v if x]),
        INPUT,
        (told, 'event_share'),
    )
    yield (
        'column event_wkb',
        'text',
        _lists('event_wkb', lambda v: [x.__setitem__(0, b'x') for x in v if x]),
        INPUT,
        (told, 'event_wkb'),
    )
    yield 'rows', 'none', lambda: pq.write_table(pq.read_table(FILE)[:0], FILE), INPUT, (told, 'empty')
