"""Wrong YAML for ``fit``: text, structure, values."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.corpus.cell import INPUT, USAGE, Cell, Words

RUNS = ('runs*',)
Damage = Callable[[], object]
MODEL, DATA = 'model.init_args.', 'data.init_args.'


def cells() -> Iterator[Cell]:
    """Every cell of configs."""
    for field, damage, content, names in _texts():
        yield Cell('YAML', field, damage, _writing(content), USAGE, ('x.yaml', *names), RUNS)
    for name, key, value, status, names in _values():
        told = repr(value) if not isinstance(value, str) else value
        yield Cell('YAML', f'{name} {key}', told[:40], _setting(name, key, value), status, names, RUNS)


def _writing(content: bytes | Damage) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        content() if callable(content) else Path('x.yaml').write_bytes(content)
        return ['fit', '--config', 'x.yaml']

    return prepare


def _setting(name: str, key: str, value: Any) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        config = yaml.safe_load(Path(name).read_text())
        *above, last = key.split('.')
        place = config
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
        Path(name).write_text(yaml.safe_dump(config))
        return ['fit', '--config', name]

    return prepare


def _texts() -> Iterator[tuple[str, str, bytes | Damage, tuple[str, ...]]]:
    bomb = b'a0: &a0 [x, x, x, x, x, x, x, x, x]\n' + b''.join(
        b'a%d: &a%d [%s]\n' % (n, n, b', '.join([b'*a%d' % (n - 1)] * 9)) for n in range(1, 9)
    )
    yield 'file', 'empty', b'', ()
    yield 'file', 'text', b'hello', ()
    yield 'file', 'list', b'- a\n- b\n', ()
    yield 'file', 'not YAML', b'a: [1, 2\nb: }\n', ('line',)
    yield 'file', 'tabs', b'model:\n\tx: 1\n', ('line',)
    yield 'file', 'not UTF-8', b'a: \xff\xfe\n', ()
    yield 'file', 'binary', bytes(range(256)), ()
    yield 'file', 'above a megabyte', b'# x\n' * 400_000, ()
    yield 'file', 'FIFO', lambda: os.mkfifo('x.yaml'), ()
    yield 'file', 'folder', lambda: os.mkdir('x.yaml'), ()
    yield 'file', 'device', lambda: os.symlink('/dev/zero', 'x.yaml'), ()
    yield 'alias', 'explodes', bomb, ('alias|values',)
    yield 'alias', 'refers to itself', b'a: &a [*a]\n', ('itself',)
    yield 'alias', 'unknown', b'a: *b\n', ('line',)
    yield 'keys', 'twice', b'model: 1\nmodel: 2\n', ('twice', 'model')
    yield 'keys', 'numbers', b'1: 2\n', ()
    yield 'nesting', 'deep', b'[' * 3000 + b']' * 3000, ()
    yield 'tag', 'Python object', b'model: !!python/object/apply:os.system ["touch gone"]\n', ('line|tag',)
    yield 'keys', 'unknown', b'modle: {class_path: x}\n', ('modle',)


def _values() -> Iterator[tuple[str, str, Any, int, tuple[str, ...]]]:
    nan, inf = float('nan'), float('inf')
    wrong: dict[str, dict[str, tuple[Any, ...]]] = {
        'vts.yaml': {
            DATA + 'batch_size': (0, -1, 'many', 1.5),
            DATA + 'size_px': (0, -16, 10**9),
            DATA + 'cells': (0, -1),
            DATA + 'train_count': (0, -4),
            DATA + 'val_count': (0, -4),
            DATA + 'r_img': (-0.1, 1.5, nan),
            DATA + 'num_workers': (-1,),
            DATA + 'seed': (-1,),
            DATA + 'policy': ({'rate': 1.5}, {'rate': nan}, {'match': 'guess'}, {'rates': 0.5}),
            DATA + 'root': ('nowhere',),
            MODEL + 'loss': ('without',),
            MODEL + 'temperature': (0, -1.0, nan, inf),
            MODEL + 'lr': (-1.0, nan, inf),
            MODEL + 'model': ('resnet0', ''),
            MODEL + 'band_mean': ([nan, 0.0, 0.0], [0.0, 0.0]),
            MODEL + 'band_std': ([0.0, 1.0, 1.0], [-1.0, 1.0, 1.0], [nan, 1.0, 1.0]),
            MODEL + 'output_stride': (0, 7),
            MODEL + 'weight_decay': (-1.0, nan),
            MODEL + 'warmup_steps': (-1,),
            MODEL + 'in_channels': (0, -1, 4),
            'seed_everything': (-1, 2**40),
            'trainer.max_epochs': (-7,),
            'trainer.accelerator': ('tensor',),
            'trainer.precision': ('15-true',),
            'trainer.devices': (-3,),
            'trainer.accumulate_grad_batches': (0,),
            'model.class_path': ('geo_noisy.tasks.Nothing', 'os.system'),
            'data.class_path': ('geo_noisy.datamodules.Nothing',),
        },
        'region.yaml': {
            MODEL + 'queue_size': (0, -8),
            MODEL + 'key_momentum': (-0.1, 1.5, nan),
            MODEL + 'projection_dim': (0, -1),
            MODEL + 'batch_norm_splits': (0, -1),
            DATA + 'scale': (0.0, -1.0, nan, inf),
            DATA + 'length': (0, -1),
            DATA + 'val_length': (0, -1),
            DATA + 'bands': ([0], [9], ['red'], []),
            DATA + 'align': ('guess',),
            DATA + 'fill': (nan, inf),
            DATA + 'on_error': ('go',),
            DATA + 'max_open': (0, -1),
            DATA + 'months': ([13], [0], []),
            DATA + 'sensors': (['none'],),
            DATA + 'toi': (['2021-01-01', '2020-01-01'], ['soon', 'later']),
            DATA + 'roi': ([0.0, 0.0, 1.0, 1.0], [nan, 0.0, 1.0, 1.0], [9e6, 9e6, 0.0, 0.0]),
            DATA + 'weights_column': ('none',),
        },
        'probe.yaml': {
            MODEL + 'weights': ('nowhere.ckpt',),
            MODEL + 'classes': ([], ['a', 'b'], ['a', 'a', 'b']),
            DATA + 'label_fraction': (0.0, 1.5, nan),
        },
    }  # fmt: skip
    for name, keys in wrong.items():
        for key, values in keys.items():
            last = key.rpartition('.')[2]
            for value in values:
                yield name, key, value, _status(last, value), (_NAMED.get(last, last.replace('_', '.')),)


_NAMED = {
    'policy': 'PairPolicy|policy', 'devices': 'gpu|cpu|devices', 'class_path': 'model|data|os.system', 'root': 'nowhere',
    'model': 'model|resnet', 'classes': 'class', 'fill': 'fill', 'seed_everything': 'bounds|seed', 'val_count': 'val_count|count',
    'train_count': 'train_count|count', 'months': 'month', 'sensors': 'sensor', 'toi': 'toi|time|2021|soon', 'roi': 'roi|lies there|location',
    'in_channels': 'in_channels|channels|bands', 'split_seed': 'seed',
}  # fmt: skip


def _status(key: str, value: Any) -> int:
    return INPUT if key == 'toi' and value[0] == 'soon' else USAGE  # dates are read as those of files are
