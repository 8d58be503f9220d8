"""Wrong grids for ``sweep``."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.corpus.cell import USAGE, Cell, Words

FILE = Path('grid.yaml')
SWEEP = ['sweep', 'grid.yaml', '--output', 'out']
Damage = Callable[[], object]


def cells() -> Iterator[Cell]:
    """Every cell of grids."""
    for field, damage, spoil, names in (*_files(), *_values()):
        yield Cell('grid', field, damage, _spoiling(spoil), USAGE, ('grid.yaml|Cell', *names))


def _spoiling(spoil: Damage) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return SWEEP

    return prepare


def _instead(make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        FILE.unlink()
        make()

    return spoil


def _text(content: bytes) -> Damage:
    return lambda: FILE.write_bytes(content)


def _set(key: str, value: Any) -> Damage:
    def spoil() -> None:
        grid = yaml.safe_load(FILE.read_text())
        place: Any = grid
        *above, last = key.split('.')
        for part in above:
            place = place[int(part) if part.isdigit() else part]
        place[int(last) if last.isdigit() else last] = value
        FILE.write_text(yaml.safe_dump(grid))

    return spoil


def _drop(key: str) -> Damage:
    def spoil() -> None:
        grid = yaml.safe_load(FILE.read_text())
        del grid[key]
        FILE.write_text(yaml.safe_dump(grid))

    return spoil


def _files() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    yield 'file', 'absent', FILE.unlink, ()
    yield 'file', 'empty', _text(b''), ()
    yield 'file', 'list', _text(b'- a\n'), ()
    yield 'file', 'not YAML', _text(b'a: [\n'), ()
    yield 'file', 'not UTF-8', _text(b'a: \xff\n'), ()
    yield 'file', 'FIFO', _instead(lambda: os.mkfifo(FILE)), ()
    yield 'file', 'folder', _instead(FILE.mkdir), ()
    yield 'file', 'device', _instead(lambda: FILE.symlink_to('/dev/zero')), ()
    yield 'alias', 'refers to itself', _text(b'seeds: &a [*a]\n'), ('itself',)
    yield (
        'alias',
        'explodes',
        _text(
            b'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e]\n'
        ),
        ('values',),
    )
    yield 'tag', 'Python object', _text(b'seeds: !!python/object/apply:os.mkdir ["gone"]\n'), ()
    for key in ('seeds', 'probe', 'cells'):
        yield key, 'absent', _drop(key), (key,)


def _values() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    wrong: dict[str, tuple[Any, ...]] = {
        'seeds': (None, [], 'x', [-1], [0, 0], ['a'], [1.5], {'a': 1}),
        'shared': (None, [], 'x'),
        'pretrain': (None, ['x'], 'x'),
        'pretrain.within': (None, 3, {'model': 1}, 'nowhere.yaml', '../../etc/passwd'),
        'probe': (None, [], 3, 'nowhere.yaml'),
        'cells': (None, {}, [], 'x'),
        'cells.0.name': (None, 3, '', 'x' * 300, 'within'),
        'cells.0.pretrain': ('nothing', 3, []),
        'cells.0.set': (None, [], 'x', {'probe.model.init_args.lrr': 1}, {'nothing.x': 1}),
        'cells.0.axes': ([], {'probe.model.init_args.lr': []}, {'probe.model.init_args.lr': 3}),
        'cells.0.optional': ('no', 1, None),
        'cells.0.seeds': ([], 'x', [-1]),
        'cells.0.other': (1,),
        'compare': ('x', [['a']], [['within', 'nothing']], [[1, 2]]),
        'primary': ('x', [{'text': 'x'}]),
    }
    for key, values in wrong.items():
        last = key.rpartition('.')[2]
        for value in values:
            yield key, repr(value)[:40], _set(key, value), (_NAMED.get(last, last),)
    for key, value in {'probe.data.init_args.batch_size': 'many', 'probe.model.init_args.lr': 'fast',
                       'probe.trainer.max_epoch': 3, 'probe.model.class_path': 'os.system'}.items():  # fmt: skip
        yield key, repr(value), _set(key, value), (key.rpartition('.')[2] + '|os.system',)


_NAMED = {
    'set': 'set|lrr|nothing|key',
    'other': 'other',
    'name': 'name|within|called',
    'compare': 'compare|nothing',
    'pretrain': 'pretrain|nothing',
}
