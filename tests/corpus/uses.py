"""Damaged inputs of what uses an encoder (``embed``, ``change``, ``similar``, ``export``), of archives, and of CIFAR-10."""

import json
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import yaml

from geo_noisy.inference.window_table import Rows, write_windows
from tests.corpus.cell import INPUT, USAGE, Cell, Words

_ENCODER = ['--weights', 'last.ckpt', '--device', 'cpu']
EMBED = ['embed', 'images', *_ENCODER, '-o', 'out.parquet', '--size-px', '32']
CHANGE = ['change', 'images', *_ENCODER, '-o', 'out']
SIMILAR = ['similar', 'windows.parquet', '--row', '0']
EXPORT = ['export', 'last.ckpt', '--output', 'out', '--scores', 'scores.csv']
SEARCH = ['search', 'changes.gpkg', '--stac', 'catalog.json', '-o', 'out.parquet']
CIFAR = ['fit', '--config', 'cifar.yaml']
Damage = Callable[[], object]
Row = tuple[str, str, Damage, Words, int, tuple[str, ...]]


def cells() -> Iterator[Cell]:
    """Every cell of uses."""
    readers = {
        'embed': _embed(), 'change': _change(), 'similar': _similar(), 'export': _export(), 'search': _search(),
        'CIFAR-10': _cifar(), 'change raster': _change_rasters(),
    }  # fmt: skip
    for reader, rows in readers.items():
        for field, damage, spoil, words, status, names in rows:
            yield Cell(reader, field, damage, _spoiling(spoil, words), status, names, ('runs*', 'out', 'cache*'))


def _spoiling(spoil: Damage, words: Words) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return words

    return prepare


def _nothing() -> None:
    """An input that is sound: the command line is not."""


def _embed() -> Iterator[Row]:
    taken = [*EMBED[:-4], '-o']
    kept = ('input', 'overwritten')
    index = ['embed', 'pairs.parquet', *_ENCODER, '-o']
    yield 'output', 'the index', _nothing, [*index, 'pairs.parquet'], USAGE, ('pairs.parquet', *kept)
    yield 'output', 'the weights', _nothing, [*taken, 'last.ckpt'], USAGE, ('last.ckpt', *kept)
    yield 'output', 'an image', _nothing, [*taken, 'images/image_20200601.tif'], USAGE, ('image_20200601', *kept)
    yield 'output', 'a folder', _nothing, [*taken, 'images'], USAGE, ('images', 'folder')
    yield 'output', 'in no folder', _nothing, [*taken, 'no/out.parquet'], USAGE, ('no/out.parquet',)
    yield 'images', 'nowhere', _nothing, ['embed', 'nowhere', *_ENCODER, '-o', 'out.parquet'], USAGE, ('nowhere',)
    yield 'images', 'of text', _nothing, ['embed', 'grid.yaml', *_ENCODER, '-o', 'out.parquet'], INPUT, ('grid.yaml',)
    for option, values in {
        '--size-px': ('0', '-8', '1e9', '10000000000'),
        '--stride-px': ('0', '-8'),
        '--max-nodata': ('-0.5', '2', 'nan'),
        '--scale': ('0', '-1', 'nan'),
        '--date': ('2020-13-01', 'soon', '1999-01-01'),
        '--bbox': ('1 1 0 0', 'nan 0 1 1'),
        '--output-stride': ('7', '0'),
        '--device': ('abacus',),
        '--bands': ('9', 'red'),
    }.items():
        for value in values:
            words = [*EMBED[:6], *EMBED[8:], '-o', 'out.parquet', option, *value.split()]
            words = (
                words
                if option != '--device'
                else ['embed', 'images', '--weights', 'last.ckpt', '-o', 'out.parquet', option, value]
            )
            status = (
                INPUT if (option, value) in {('--date', '1999-01-01'), ('--bands', '9'), ('--bands', 'red')} else USAGE
            )
            yield option, value, _nothing, words, status, (option[2:].replace('-', '.') + '|' + value,)
    yield 'weights', 'text', lambda: Path('last.ckpt').write_text('x'), EMBED, INPUT, ('last.ckpt',)
    yield 'weights', 'absent', lambda: os.unlink('last.ckpt'), EMBED, USAGE, ('last.ckpt',)
    yield 'weights', 'FIFO', lambda: (os.unlink('last.ckpt'), os.mkfifo('last.ckpt')), EMBED, USAGE, ('last.ckpt',)
    yield 'index', 'cut', lambda: _cut('pairs.parquet'), [*index, 'out.parquet'], INPUT, ('pairs.parquet',)


def _cut(name: str) -> None:
    path = Path(name)
    path.write_bytes(path.read_bytes()[:-60])


def _change() -> Iterator[Row]:
    per = [*CHANGE, '--footprints', 'changes.gpkg']
    yield 'output', 'a file', _nothing, [*CHANGE[:-1], 'items.csv'], USAGE, ('items.csv', 'file')
    yield 'footprints', 'absent', _nothing, [*CHANGE, '--footprints', 'no.gpkg'], USAGE, ('no.gpkg',)
    yield 'footprints', 'text', lambda: Path('changes.gpkg').write_text('x'), per, INPUT, ('changes.gpkg',)
    yield 'footprints', 'no such layer', _nothing, [*per, '--footprint-layer', 'homes'], USAGE, ('homes',)
    yield 'label column', 'absent', _nothing, [*per, '--label-column', 'burnt'], INPUT, ('burnt', 'event')
    yield 'label column', 'idle values', _nothing, [*per, '--changed-values', 'x'], USAGE, ('changed.values',)
    yield (
        'label column',
        'values that are none',
        _nothing,
        [*per, '--label-column', 'kind', '--changed-values', 'storm'],
        INPUT,
        ('storm',),
    )


def _windows(**changes: Any) -> Damage:
    """A table of windows, with columns replaced."""

    def spoil() -> None:
        boxes = np.array([shapely.box(500_000 + 9 * k, 0, 500_008 + 9 * k, 8) for k in range(6)])
        features = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
        rows = Rows(boxes, np.full(6, 1_600_000_000), ['a.tif'] * 6, np.zeros(6, np.float32), features)
        write_windows(Path('windows.parquet'), [rows], crs='EPSG:32633', model='m', features=4)
        if changes:
            table = gpd.read_parquet('windows.parquet')
            for name, value in changes.items():
                table = table.drop(columns=name) if value is None else table.assign(**{name: value})
            table.to_parquet('windows.parquet')

    return spoil


def _similar() -> Iterator[Row]:
    told = 'windows.parquet'
    vectors = [np.ones(4, np.float32)] * 5
    yield 'file', 'absent', _nothing, SIMILAR, USAGE, (told,)
    yield 'file', 'text', lambda: Path(told).write_text('x'), SIMILAR, INPUT, (told,)
    yield (
        'file',
        'an index',
        _nothing,
        ['similar', 'pairs.parquet', '--row', '0'],
        INPUT,
        ('pairs.parquet', 'embedding'),
    )
    yield 'file', 'FIFO', lambda: os.mkfifo('windows.parquet'), SIMILAR, USAGE, (told,)
    yield 'file', 'cut', lambda: (_windows()(), _cut(told)), SIMILAR, INPUT, (told,)
    for name in ('embedding', 'date', 'model', 'source', 'geometry'):
        yield name, 'absent', (lambda n=name: _without(n)), SIMILAR, INPUT, (told, name[:3])
    yield (
        'embedding',
        'of two lengths',
        _windows(embedding=[*vectors, np.ones(3, np.float32)]),
        SIMILAR,
        INPUT,
        (told, 'embedding'),
    )
    yield (
        'embedding',
        'NaN',
        _windows(embedding=[*vectors, np.full(4, np.nan, np.float32)]),
        SIMILAR,
        INPUT,
        (told, 'embedding', 'nan|NaN|finite'),
    )
    yield 'embedding', 'text', _windows(embedding=['x'] * 6), SIMILAR, INPUT, (told, 'embedding')
    yield 'embedding', 'null', _windows(embedding=[*vectors, None]), SIMILAR, INPUT, (told, 'embedding')
    yield 'date', 'text', _windows(date=['soon'] * 6), SIMILAR, INPUT, (told, 'date')
    yield 'model', 'two', _windows(model=['a'] * 5 + ['b']), SIMILAR, INPUT, ('encoders', 'a, b')
    yield (
        'rows',
        'none',
        lambda: (_windows()(), gpd.read_parquet(told).iloc[:0].to_parquet(told)),
        SIMILAR,
        INPUT,
        ('0 rows|no rows|empty',),
    )
    for value in ('-1', '99', '1.5', 'x'):
        yield '--row', value, _windows(), [*SIMILAR[:-1], value], USAGE, ('row', value)
    yield '--count', '0', _windows(), [*SIMILAR, '--count', '0'], USAGE, ('count', '0')
    yield '--at', 'elsewhere', _windows(), [*SIMILAR[:2], '--at', '100', '80'], INPUT, ('100',)
    yield '--at', 'NaN', _windows(), [*SIMILAR[:2], '--at', 'nan', '0'], USAGE, ('at', 'nan')
    yield '--at', 'beyond the globe', _windows(), [*SIMILAR[:2], '--at', '500', '95'], INPUT, ('500',)
    yield '--output', 'the windows', _windows(), [*SIMILAR, '-o', told], USAGE, (told, 'input', 'overwritten')


def _without(name: str) -> None:
    _windows()()
    read = pd.read_parquet if name == 'geometry' else gpd.read_parquet
    read('windows.parquet').drop(columns=name).to_parquet('windows.parquet')


def _scores(text: str) -> Damage:
    return lambda: Path('scores.csv').write_text(text)


def _export() -> Iterator[Row]:
    told = 'scores.csv'
    good = _scores('score,value\nF1,0.5\n')
    yield 'scores', 'absent', _nothing, EXPORT, USAGE, (told,)
    yield 'scores', 'empty', _scores(''), EXPORT, INPUT, (told,)
    yield 'scores', 'without value', _scores('score\nF1\n'), EXPORT, INPUT, (told, 'value')
    yield 'scores', 'text', _scores('score,value\nF1,good\n'), EXPORT, INPUT, (told, 'value', 'good')
    yield 'scores', 'NaN', _scores('score,value\nF1,\n'), EXPORT, INPUT, (told, 'value')
    yield 'scores', 'infinite', _scores('score,value\nF1,inf\n'), EXPORT, INPUT, (told, 'value', 'inf')
    yield 'scores', 'binary', lambda: Path(told).write_bytes(bytes(range(256))), EXPORT, INPUT, (told,)
    yield 'scores', 'FIFO', lambda: os.mkfifo(told), EXPORT, USAGE, (told,)
    yield 'output', 'a file', good, ['export', 'last.ckpt', '--output', 'items.csv'], USAGE, ('items.csv',)
    yield 'output', 'a folder of the user', good, ['export', 'last.ckpt', '--output', 'images'], USAGE, ('images',)
    yield 'checkpoint', 'absent', good, ['export', 'no.ckpt', '--output', 'out'], USAGE, ('no.ckpt',)
    yield 'graphs', 'unknown', good, [*EXPORT, '--graphs', 'tf'], USAGE, ('graphs', 'tf')


_CATALOGUE = {'type': 'Catalog', 'id': 'c', 'stac_version': '1.0.0', 'description': 'd', 'links': []}
_ITEM = {
    'type': 'Feature', 'stac_version': '1.0.0', 'id': 'i', 'geometry': {'type': 'Polygon', 'coordinates': [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]},
    'bbox': [-180, -90, 180, 90], 'properties': {'datetime': '2020-06-01T00:00:00Z'}, 'links': [],
    'assets': {'image': {'href': 'images/image_20200601.tif'}},
}  # fmt: skip


def _catalogue(**changes: Any) -> Damage:
    """A static catalogue of one item, of which parts are replaced."""

    def spoil() -> None:
        links = [{'rel': 'item', 'href': './item.json', 'type': 'application/json'}]
        Path('catalog.json').write_text(json.dumps({**_CATALOGUE, 'links': links}))
        Path('item.json').write_text(json.dumps({**_ITEM, **changes}))

    return spoil


def _search() -> Iterator[Row]:
    told = 'catalog.json'
    yield 'catalogue', 'absent', _nothing, SEARCH, USAGE, (told,)
    yield 'catalogue', 'empty', lambda: Path(told).write_text(''), SEARCH, INPUT, (told,)
    yield 'catalogue', 'text', lambda: Path(told).write_text('x'), SEARCH, INPUT, (told,)
    yield 'catalogue', 'list', lambda: Path(told).write_text('[]'), SEARCH, INPUT, (told,)
    yield 'catalogue', 'number', lambda: Path(told).write_text('3'), SEARCH, INPUT, (told,)
    yield 'catalogue', 'another object', lambda: Path(told).write_text('{"type": "x"}'), SEARCH, INPUT, (told,)
    yield 'catalogue', 'nested deep', lambda: Path(told).write_text('[' * 100_000), SEARCH, INPUT, (told,)
    yield 'catalogue', 'FIFO', lambda: os.mkfifo(told), SEARCH, USAGE, (told,)
    link = {'rel': 'item', 'href': './gone.json'}
    yield (
        'catalogue',
        'links to nothing',
        lambda: Path(told).write_text(json.dumps({**_CATALOGUE, 'links': [link]})),
        SEARCH,
        INPUT,
        ('gone.json',),
    )
    child = {'rel': 'child', 'href': './catalog.json'}
    yield (
        'catalogue',
        'its own child',
        lambda: Path(told).write_text(json.dumps({**_CATALOGUE, 'links': [child]})),
        SEARCH,
        INPUT,
        (told,),
    )
    for name, value in {'geometry': None, 'properties': None, 'assets': None}.items():
        yield f'item {name}', 'null', _catalogue(**{name: value}), SEARCH, INPUT, (told, '.')
    yield 'item geometry', 'text', _catalogue(geometry='x'), SEARCH, INPUT, (told,)
    yield 'item geometry', 'of another type', _catalogue(geometry={'type': 'Ball'}), SEARCH, INPUT, (told,)
    yield 'item datetime', 'text', _catalogue(properties={'datetime': 'soon'}), SEARCH, INPUT, (told, 'soon')
    yield 'item datetime', 'null', _catalogue(properties={'datetime': None}), SEARCH, INPUT, (told, 'datetime|date')
    yield 'item assets', 'text', _catalogue(assets='x'), SEARCH, INPUT, (told,)
    yield 'item id', 'number', _catalogue(id=3), SEARCH, INPUT, (told,)
    for option, values in {'--dates': ('soon/later', '2021/2020', '2020'), '--max-cloud': ('-1', '101', 'nan'),
                           '--page': ('0',), '--retries': ('-1',), '--timeout-s': ('0', 'nan'), '--max-items': ('0', '-1')}.items():  # fmt: skip
        for value in values:
            if (option, value) != ('--dates', '2020'):
                yield (
                    option,
                    value,
                    _catalogue(),
                    [*SEARCH, option, value],
                    USAGE,
                    (option[2:].replace('-', '.'), value),
                )
    yield (
        'area',
        'text',
        lambda: (_catalogue()(), Path('changes.gpkg').write_text('x')),
        SEARCH,
        INPUT,
        ('changes.gpkg',),
    )
    yield 'output', 'the catalogue', _catalogue(), [*SEARCH[:-1], told], USAGE, (told, 'input', 'overwritten')
    yield (
        'output',
        'the area',
        _catalogue(),
        [*SEARCH[:-1], 'changes.gpkg'],
        USAGE,
        ('changes.gpkg', 'input', 'overwritten'),
    )


class _Leaving:
    """Code that a pickle would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ('gone',)


def _cifar_config(make: Damage) -> Damage:
    def spoil() -> None:
        config = yaml.safe_load(Path('region.yaml').read_text())
        config['data'] = {
            'class_path': 'geo_noisy.datamodules.CIFAR10PairsDataModule',
            'init_args': {'root': 'cifar', 'batch_size': 4, 'num_workers': 0},
        }
        Path('cifar.yaml').write_text(yaml.safe_dump(config))
        os.mkdir('cifar')
        make()

    return spoil


def _pickles(content: bytes) -> Damage:
    def make() -> None:
        folder = Path('cifar/cifar-10-batches-py')
        folder.mkdir()
        for name in (*(f'data_batch_{k}' for k in range(1, 6)), 'test_batch', 'batches.meta'):
            (folder / name).write_bytes(content)

    return make


def _tables(**columns: Any) -> Damage:
    def make() -> None:
        for name in ('train', 'test'):
            pd.DataFrame(columns).to_parquet(f'cifar/{name}.parquet')

    return make


def _cifar() -> Iterator[Row]:
    spoils = {
        ('folder', 'empty'): (_nothing, USAGE, ('cifar',)),
        ('pickles', 'absent'): (lambda: os.mkdir('cifar/cifar-10-batches-py'), INPUT, ('cifar',)),
        ('pickles', 'text'): (_pickles(b'x'), INPUT, ('cifar-10-batches-py',)),
        ('pickles', 'with code'): (_pickles(pickle.dumps(_Leaving())), INPUT, ('cifar-10-batches-py',)),
        ('pickles', 'of zeros'): (_pickles(pickle.dumps({b'data': np.zeros((2, 3072), np.uint8), b'labels': [0, 1]})), INPUT, ('cifar-10-batches-py',)),
        ('table', 'text'): (lambda: [Path(f'cifar/{n}.parquet').write_text('x') for n in ('train', 'test')], INPUT, ('train.parquet',)),
        ('table', 'other columns'): (_tables(a=[1]), INPUT, ('train.parquet', 'image')),
        ('table', 'empty'): (_tables(image=[], label=[]), INPUT, ('train.parquet|cifar',)),
        ('table image', 'text'): (_tables(image=['x'], label=[0]), INPUT, ('train.parquet', 'row 0')),
        ('table image', 'null'): (_tables(image=[None], label=[0]), INPUT, ('train.parquet', 'row 0')),
        ('table image', 'not an image'): (_tables(image=[b'x'], label=[0]), INPUT, ('train.parquet', 'row 0')),
        ('table', 'FIFO'): (lambda: [os.mkfifo(f'cifar/{n}.parquet') for n in ('train', 'test')], INPUT, ('train.parquet|cifar',)),
    }  # fmt: skip
    for (field, damage), (make, status, names) in spoils.items():
        yield field, damage, _cifar_config(make), CIFAR, status, names


def _change_rasters() -> Iterator[Row]:
    index = [
        'index',
        'images',
        '-o',
        'out.parquet',
        '--size-px',
        '16',
        '--statistics',
        '0',
        '--event-date',
        '2020-12-01',
        '--change-raster',
    ]
    image = 'images/image_20200601.tif'
    yield 'file', 'absent', _nothing, [*index, 'no.tif'], USAGE, ('no.tif',)
    yield 'file', 'text', _nothing, [*index, 'grid.yaml'], INPUT, ('grid.yaml',)
    yield 'file', 'FIFO', lambda: os.mkfifo('x.tif'), [*index, 'x.tif'], INPUT, ('x.tif',)
    yield 'file', 'folder', _nothing, [*index, 'images'], INPUT, ('images',)
    yield 'values', 'without a meaning', _nothing, [*index, image], INPUT, (image, 'changed.values')
    yield (
        'values',
        'two meanings',
        _nothing,
        [*index, image, '--changed-values', '1', '--unknown-values', '1'],
        USAGE,
        ('1 has two meanings',),
    )
    yield 'values', 'NaN', _nothing, [*index, image, '--changed-values', 'nan'], USAGE, ('changed.values', 'nan')
    yield (
        'output',
        'the raster',
        lambda: Path('x.tif').write_bytes(Path(image).read_bytes()),
        [*index[:3], 'x.tif', *index[4:], 'x.tif'],
        USAGE,
        ('x.tif', 'input', 'overwritten'),
    )
