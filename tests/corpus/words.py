"""Wrong command lines: numbers out of range, outputs that are inputs, options that cannot act."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.corpus.cell import INPUT, USAGE, Cell, Words

INDEX = ['index', 'images', '-o', 'out.parquet', '--size-px', '16', '--statistics', '0']
POLYGONS = ['--polygons', 'changes.gpkg', '--event-column', 'event']
Damage = Callable[[], object]


def cells() -> Iterator[Cell]:
    """Every cell of command lines."""
    for field, damage, words, status, names in (*_index(), *_others()):
        yield Cell('command line', field, damage, _saying(words), status, names)
    for field, damage, spoil, words, status, names in _outputs():
        yield Cell('command line', field, damage, _saying(words, spoil), status, names)


def _saying(words: Words, spoil: Damage = lambda: None) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return words

    return prepare


def _with(option: str, *values: str) -> Words:
    return [*INDEX, option, *values]


def _index() -> Iterator[tuple[str, str, Words, int, tuple[str, ...]]]:
    for value in ('0', '-3', '1e20', '1.5', 'big', '10000000000'):
        yield '--size-px', value, [*INDEX[:4], '--size-px', value], USAGE, ('size.px', value.replace('.', r'\.'))
    for value in ('0', '-16', 'x', '1e9'):
        yield '--stride-px', value, _with('--stride-px', value), USAGE, ('stride.px', value)
    for option, values in {
        '--place-px': ('0', '-1', '8'),
        '--overpass-minutes': ('-1', 'nan', 'inf'),
        '--res': ('0', '-10', 'nan', 'inf', '1e-9'),
        '--statistics': ('-5', '1.5'),
        '--max-nodata': ('-0.1', '1.5', 'nan'),
        '--max-cloud': ('-1', '101', 'nan'),
        '--min-gap-days': ('-1', 'nan'),
        '--max-gap-days': ('-1', 'nan'),
        '--min-noise': ('-0.1', '1.5', 'nan'),
        '--crs': ('EPSG:1', 'EPSG:4326', 'nowhere'),
        '--bands': ('9', '0', '-1', 'red'),
        '--nodata': ('nan', 'x', '1e9'),
        '--product': ('sentinel9',),
        '--alpha': ('perhaps',),
        '--date-format': ('%Y', '%'),
        '--date-regex': ('(', '(?P<date>x)'),
        '--date-tag': ('NO_SUCH_TAG',),
        '--radiometry': ('guess',),
        '--footprint': ('shape',),
    }.items():
        name = option.removeprefix('--').replace('-', '.')
        for value in values:
            status = INPUT if (option, value) in _READ else USAGE
            yield option, value, _with(option, value), status, (name if status == USAGE else '.',)
    both = ['--max-cloud', '20', '--cloud-band']
    yield '--cloud-band', '0', _with(*both, '0'), USAGE, ('cloud.band', '0')
    yield '--cloud-band', '-1', _with(*both, '-1'), USAGE, ('cloud.band', '-1')
    yield '--cloud-band', 'beyond', _with(*both, '7'), USAGE, ('cloud.band', '7')
    split = ['--split', '.6', '.2', '.2']
    yield '--block-px', '0', _with(*split, '--block-px', '0'), USAGE, ('block.px', '0')
    yield '--block-px', '-1', _with(*split, '--block-px', '-1'), USAGE, ('block.px', '-1')
    yield '--block-px', 'below the window', _with(*split, '--block-px', '8'), USAGE, ('block.px', '8')
    yield '--margin-px', '-1', _with(*split, '--block-px', '16', '--margin-px', '-1'), USAGE, ('margin.px', '-1')
    yield '--split-seed', '-1', _with(*split, '--block-px', '16', '--split-seed', '-1'), USAGE, ('seed', '-1')
    yield '--split', 'above 1', _with('--split', '.9', '.9', '.9'), USAGE, ('split|shares',)
    yield '--split', 'negative', _with('--split', '1.2', '-.1', '-.1'), USAGE, ('split|shares',)
    yield '--split', 'NaN', _with('--split', 'nan', '.5', '.5'), USAGE, ('split|shares', 'nan')
    yield '--split', 'two', _with('--split', '.5', '.5'), USAGE, ('split|shares',)
    yield '--noise', 'unknown', _with(*POLYGONS, '--noise', 'guess'), USAGE, ('noise', 'guess')
    yield (
        '--event-date',
        'month 13',
        _with('--polygons', 'changes.gpkg', '--event-date', '2020-13-01'),
        USAGE,
        ('2020-13-01',),
    )
    yield '--event-date', 'without polygons', _with('--event-date', '2020-01-01'), USAGE, ('event.date', '--polygons')
    yield 'images', 'nowhere', ['index', 'nowhere', '-o', 'out.parquet'], USAGE, ('nowhere',)
    yield 'images', 'none', ['index', '-o', 'out.parquet'], USAGE, ('images',)
    yield 'images', 'and a table', _with('--table', 'items.csv'), USAGE, ('--table',)
    yield '--output', 'none', ['index', 'images'], USAGE, ('--output',)
    yield (
        '--output',
        'in a folder that is not there',
        ['index', 'images', '-o', 'no/out.parquet'],
        USAGE,
        ('no/out.parquet',),
    )
    yield '--output', 'a folder', ['index', 'images', '-o', 'images'], USAGE, ('images', 'folder')
    yield '--output', 'a device', ['index', 'images', '-o', '/dev/null'], USAGE, ('/dev/null', 'device')
    yield '--map', 'the output', _with('--map', 'out.parquet'), USAGE, ('--map', '--output')


_READ = {('--date-tag', 'NO_SUCH_TAG'), ('--date-regex', '(?P<date>x)'), ('--bands', '9'),
         ('--bands', '0'), ('--bands', '-1'), ('--bands', 'red')}  # fmt: skip
"""Values that are wrong only for these images."""


def _outputs() -> Iterator[tuple[str, str, Damage, Words, int, tuple[str, ...]]]:
    nothing = lambda: None  # noqa: E731
    image = 'images/image_20200601.tif'
    kept = ('input', 'overwritten')
    yield '--output', 'an image', nothing, ['index', 'images', '-o', image], USAGE, (image, *kept)
    yield (
        '--output',
        'a hard link of an image',
        lambda: os.link(image, 'x.parquet'),
        ['index', 'images', '-o', 'x.parquet'],
        USAGE,
        ('x.parquet', *kept),
    )
    yield (
        '--output',
        'a link to an image',
        lambda: os.symlink(image, 'x.parquet'),
        ['index', 'images', '-o', 'x.parquet'],
        USAGE,
        ('x.parquet', *kept),
    )
    yield (
        '--output',
        'the polygons',
        nothing,
        ['index', 'images', '-o', 'changes.gpkg', *POLYGONS],
        USAGE,
        ('changes.gpkg', *kept),
    )
    yield (
        '--output',
        'a hard link of the polygons',
        lambda: os.link('changes.gpkg', 'x.parquet'),
        ['index', 'images', '-o', 'x.parquet', *POLYGONS],
        USAGE,
        ('x.parquet', *kept),
    )
    yield (
        '--output',
        'the table',
        nothing,
        ['index', '--table', 'items.csv', '-o', 'items.csv'],
        USAGE,
        ('items.csv', *kept),
    )
    yield (
        '--output',
        'an image of the table',
        nothing,
        ['index', '--table', 'items.csv', '--path-column', 'path', '-o', image],
        USAGE,
        (image, *kept),
    )
    yield '--map', 'an image', nothing, [*INDEX, '--map', image], USAGE, (image, *kept)
    yield (
        '--map',
        'a hard link of the output',
        lambda: (Path('a.html').touch(), os.link('a.html', 'out.parquet')),
        [*INDEX, '--map', 'a.html'],
        USAGE,
        ('--map', '--output'),
    )


def _others() -> Iterator[tuple[str, str, Words, int, tuple[str, ...]]]:
    yield 'command', 'none', [], USAGE, ('usage',)
    yield 'command', 'unknown', ['indx'], USAGE, ('indx', 'index')
    yield 'command', 'path', ['../index'], USAGE, (r'\.\./index',)
    for option, values in {
        '--dates': ('1', '0', '-1', 'x', '1e20'),
        '--scenes': ('0', '-1'),
        '--size-px': ('0', '-8', '100000000'),
        '--res': ('0', '-1', 'nan', 'inf'),
        '--cells': ('0', '-1'),
        '--r-img': ('-0.1', '1.5', 'nan'),
        '--noisy-share': ('-0.1', '1.5', 'nan'),
        '--seed': ('-1', 'x'),
    }.items():
        name = option.removeprefix('--').replace('-', '.').replace('scenes', '(scenes|count)')
        for value in values:
            yield f'scenes {option}', value, ['scenes', 'out', option, value], USAGE, (name,)
    yield 'scenes folder', 'a file', ['scenes', 'items.csv'], USAGE, ('items.csv',)
    yield 'configs', 'unknown', ['configs', 'no/such.yaml', '--output', 'x'], USAGE, ('no/such.yaml',)
    yield 'configs', 'leads out', ['configs', '../../etc', '--output', 'x'], USAGE, (r'\.\./\.\./etc',)
    yield 'configs', 'leads to a file', ['configs', '../pyproject.toml', '--output', 'x'], USAGE, (r'\.\./pyproject',)
    yield 'configs', 'leads out and in', ['configs', '../configs/vts', '--output', 'x'], USAGE, ('configs/vts',)
    yield 'configs', 'absolute', ['configs', '/etc/hostname', '--output', 'x'], USAGE, ('/etc/hostname',)
    yield 'report', 'nowhere', ['report', 'nowhere'], INPUT, ('nowhere',)
    yield 'report', 'no folder of xBD', ['report', 'results', '--xbd', 'nowhere'], USAGE, ('nowhere',)
    yield 'sweep', 'nowhere', ['sweep', 'nowhere.yaml', '--output', 'out'], USAGE, ('nowhere.yaml',)
    yield 'sweep', 'engine', ['sweep', 'grid.yaml', '--output', 'out', '--engine', 'x'], USAGE, ('engine', 'x')
    yield 'sweep', 'output a file', ['sweep', 'grid.yaml', '--output', 'items.csv'], USAGE, ('items.csv',)
    yield 'demo', 'output a file', ['demo', '--output', 'items.csv'], USAGE, ('items.csv',)
    yield 'doctor', 'words', ['doctor', 'x'], USAGE, ('x',)
