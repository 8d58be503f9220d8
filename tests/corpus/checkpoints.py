"""Damaged checkpoints: as weights of a probe, to go on from, and to test."""

import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from tests.corpus.cell import COUNTED, INPUT, USAGE, Cell, Words

FILE = Path('last.ckpt')
RUNS = ('runs*',)
Damage = Callable[[], object]
_AS_WEIGHTS = ['fit', '--config', 'probe.yaml', '--model.init_args.weights=last.ckpt']
_GO_ON = ['fit', '--config', 'vts.yaml', '--trainer.max_epochs=2', '--ckpt_path=last.ckpt']


def cells() -> Iterator[Cell]:
    """Every cell of checkpoints."""
    for field, damage, spoil, status in _damages():
        for use, words in (('weights', _AS_WEIGHTS), ('to go on from', _GO_ON)):
            found = USAGE if (use, field, damage) in _WRONG else status
            yield Cell(
                'checkpoint as weights' if use == 'weights' else 'checkpoint to go on from',
                field,
                damage,
                _spoiling(spoil, words),
                found,
                ('last.ckpt',),
                RUNS,
            )
    for field, damage, spoil, names in _weights():
        status = USAGE if damage in _OTHER_NETWORKS else INPUT
        yield Cell('checkpoint as weights', field, damage, _spoiling(spoil, _AS_WEIGHTS), status, names, RUNS)
    for option, status, names in _changed():
        words = [*_GO_ON, option]
        yield Cell('checkpoint to go on from', 'settings', option, _spoiling(lambda: None, words), status, names, RUNS)


_WRONG = {
    ('weights', 'file', 'absent'), ('weights', 'file', 'folder'), ('weights', 'file', 'FIFO'),
    ('to go on from', 'file', 'absent'), ('to go on from', 'file', 'folder'), ('to go on from', 'file', 'FIFO'),
}  # fmt: skip

_OTHER_NETWORKS = ('other keys', 'other shapes')
"""The config says another network than the one that is there."""


def _spoiling(spoil: Damage, words: Words) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return words

    return prepare


def _bytes(change: Callable[[bytes], bytes]) -> Damage:
    return lambda: FILE.write_bytes(change(FILE.read_bytes()))


def _instead(make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        FILE.unlink()
        make()

    return spoil


def _content(change: Callable[[dict[str, Any]], Any]) -> Damage:
    def spoil() -> None:
        content = torch.load(FILE, map_location='cpu', weights_only=True)
        found = change(content)
        torch.save(content if found is None else found, FILE)

    return spoil


class Leaving:
    """Code that a checkpoint would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ('gone',)


def _damages() -> Iterator[tuple[str, str, Damage, int]]:
    yield 'file', 'absent', FILE.unlink, USAGE
    yield 'file', 'empty', _bytes(lambda _: b''), INPUT
    yield 'file', 'text', _bytes(lambda _: b'weights'), INPUT
    yield 'file', 'a number cut in its middle', _bytes(lambda _: b'J'), INPUT
    yield 'file', 'cut at the end', _bytes(lambda b: b[:-100]), INPUT
    yield 'file', 'cut below 64 KB', _bytes(lambda b: b[:30_000]), INPUT
    yield 'file', 'another archive', _instead(lambda: zipfile.ZipFile(FILE, 'w').close()), INPUT
    yield 'file', 'folder', _instead(FILE.mkdir), USAGE
    yield 'file', 'FIFO', _instead(lambda: os.mkfifo(FILE)), USAGE
    yield 'content', 'pickle with code', _bytes(lambda _: pickle.dumps(Leaving())), INPUT
    yield 'content', 'code beside weights', _content(lambda c: c | {'more': Leaving()}), INPUT
    yield 'content', 'a list', _content(lambda _: [torch.zeros(2)]), INPUT
    yield 'content', 'a tensor', _content(lambda _: torch.zeros(2)), INPUT


def _weights() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    def every(make: Callable[[torch.Tensor], torch.Tensor]) -> Damage:
        def change(content: dict[str, Any]) -> None:
            state = content['state_dict']
            content['state_dict'] = {k: make(v) if v.is_floating_point() else v for k, v in state.items()}

        return _content(change)

    yield 'content', 'no weights', _content(lambda c: c | {'state_dict': {}}), ('last.ckpt',)
    yield (
        'content',
        'other keys',
        _content(lambda _: {'state_dict': {'a.weight': torch.zeros(2)}}),
        ('last.ckpt', 'tensors'),
    )
    yield 'content', 'NaN weights', every(lambda v: v * float('nan')), ('last.ckpt', 'NaN')
    yield 'content', 'infinite weights', every(lambda v: v + float('inf')), ('last.ckpt', 'infinite')
    yield 'content', 'other shapes', every(lambda v: v.flatten()[:1]), ('last.ckpt',)


def _changed() -> Iterator[tuple[str, int, tuple[str, ...]]]:
    yield '--data.init_args.batch_size=8', COUNTED, ('batch_size', '4', '8')
    yield '--data.init_args.seed=7', COUNTED, ('seed', '7')
    yield '--data.init_args.policy.rate=0.5', COUNTED, ('rate', '0.5')
    yield '--data.init_args.size_px=64', COUNTED, ('size_px', '64')
    yield '--data.init_args.train_count=32', COUNTED, ('counts.train', '16', '32')
    yield '--model.init_args.loss=cross', COUNTED, ('loss', 'cross')
    yield '--model.init_args.model=resnet18', COUNTED, ('last.ckpt', 'model', 'resnet18')
