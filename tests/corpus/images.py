"""Damaged xBD images and labels, and damaged textures, opened by ``fit``."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from tests.corpus.cell import INPUT, USAGE, Cell, Words
from tests.data.xbd import edit_label, image_pixels, paths

IMAGE, LABEL = paths(Path('xbd'), 'alpha-flood', 1, 'post')
FIT = ['fit', '--config', 'xbd.yaml']
PICTURE = Path('dtd/images/veined/veined_0001.jpg')
Damage = Callable[[], object]


def cells() -> Iterator[Cell]:
    """Every cell of xBD and of textures."""
    for field, damage, spoil, names in (*_images(), *_labels()):
        status = USAGE if field == 'folder' else INPUT
        yield Cell('xBD', field, damage, _spoiling(spoil), status, names, ('runs*', 'cache*'))
    for field, damage, spoil, status, names in _textures():
        yield Cell('textures', field, damage, _texturing(spoil), status, names, ('runs*',))


def _spoiling(spoil: Damage) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return FIT

    return prepare


def _texturing(spoil: Damage) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        config = yaml.safe_load(Path('vts.yaml').read_text())
        config['data']['init_args']['root'] = 'dtd'
        Path('vts.yaml').write_text(yaml.safe_dump(config))
        spoil()
        return ['fit', '--config', 'vts.yaml']

    return prepare


def _bytes(path: Path, change: Callable[[bytes], bytes]) -> Damage:
    return lambda: path.write_bytes(change(path.read_bytes()))


def _instead(path: Path, make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        path.unlink()
        make()

    return spoil


def _hole(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(400) + content[middle + 400 :]


def _images() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    told = (IMAGE.name,)
    yield 'image', 'absent', IMAGE.unlink, told
    yield 'image', 'empty', _bytes(IMAGE, lambda _: b''), told
    yield 'image', 'text', _bytes(IMAGE, lambda _: b'x' * 99), told
    yield 'image', 'cut', _bytes(IMAGE, lambda b: b[: len(b) // 2]), told
    yield 'image', 'damaged in the middle', _bytes(IMAGE, _hole), told
    yield 'image', 'smaller', lambda: Image.fromarray(image_pixels(1, 'post')[:512, :512]).save(IMAGE), (*told, '512')
    yield 'image', 'grey', lambda: Image.fromarray(image_pixels(1, 'post')[..., 0]).save(IMAGE), (*told, 'RGB')
    yield 'image', 'folder', _instead(IMAGE, IMAGE.mkdir), told
    yield 'image', 'FIFO', _instead(IMAGE, lambda: os.mkfifo(IMAGE)), told
    yield 'image', 'link to itself', _instead(IMAGE, lambda: IMAGE.symlink_to(IMAGE.name)), told
    yield 'image', 'another name', lambda: IMAGE.rename(IMAGE.with_name('flood.png')), ('flood.png',)
    yield 'folder', 'absent', lambda: Path('xbd/train').rename('xbd/trial'), ('xbd',)


def _edit(change: Callable[[Any], Any]) -> Damage:
    return lambda: edit_label(LABEL, change)


def _labels() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    told = (LABEL.name,)
    yield 'label', 'absent', LABEL.unlink, told
    yield 'label', 'empty', _bytes(LABEL, lambda _: b''), told
    yield 'label', 'cut', _bytes(LABEL, lambda b: b[:-50]), told
    yield 'label', 'not UTF-8', _bytes(LABEL, lambda b: b'\xff' + b), told
    yield 'label', 'list', lambda: LABEL.write_text('[]'), told
    yield 'label', 'nested deep', lambda: LABEL.write_text('[' * 100_000), told
    yield 'label', 'huge number', lambda: LABEL.write_text(LABEL.read_text().replace('28.0', '1' + '0' * 5000)), told
    yield 'label', 'folder', _instead(LABEL, LABEL.mkdir), told
    yield 'label', 'FIFO', _instead(LABEL, lambda: os.mkfifo(LABEL)), told

    def metadata(**values: Any) -> Damage:
        return _edit(lambda d: d['metadata'].update(values))

    yield 'capture_date', 'absent', _edit(lambda d: d['metadata'].pop('capture_date')), (*told, 'capture_date')
    yield 'capture_date', 'text', metadata(capture_date='soon'), (*told, 'capture_date', 'soon')
    yield 'capture_date', 'year 1', metadata(capture_date='0001-01-01T00:00:00Z'), (*told, 'capture_date', '0001')
    yield 'capture_date', 'year 9999', metadata(capture_date='9999-12-31T23:59:59Z'), (*told, 'capture_date', '9999')
    yield 'capture_date', 'number', metadata(capture_date=20171011), (*told, 'capture_date')
    yield 'capture_date', 'before the other', metadata(capture_date='2016-01-01T00:00:00.000Z'), (*told, 'after')
    yield 'disaster', 'another', metadata(disaster='beta-fire'), (*told, 'beta-fire')
    yield 'disaster', 'number', metadata(disaster=3), (*told, 'disaster')
    yield 'size', 'another', metadata(width=512, height=512), (*told, '512')
    yield 'sensor', 'number', metadata(sensor=3), (*told, 'sensor')

    def building(change: Callable[[Any], Any]) -> Damage:
        return _edit(lambda d: change(d['features']['xy'][0]))

    yield 'features', 'absent', _edit(lambda d: d.pop('features')), (*told, 'features')
    yield 'features', 'text', _edit(lambda d: d.update(features='x')), (*told, 'features')
    yield 'outline', 'no polygon', building(lambda b: b.update(wkt='POINT (1 1)')), (*told, 'POINT')
    yield 'outline', 'text', building(lambda b: b.update(wkt='x')), (*told, 'outline')
    yield 'outline', 'NaN', building(lambda b: b.update(wkt='POLYGON ((nan nan, 1 1, 2 1, nan nan))')), told
    yield (
        'outline',
        'crosses itself',
        building(lambda b: b.update(wkt='POLYGON ((10 10, 60 60, 60 10, 10 60, 10 10))')),
        (*told, 'crosses'),
    )
    yield (
        'outline',
        'outside',
        building(lambda b: b.update(wkt='POLYGON ((2000 0, 2010 0, 2010 9, 2000 0))')),
        (*told, 'outside'),
    )
    yield 'outline', 'empty', building(lambda b: b.update(wkt='POLYGON EMPTY')), (*told, 'empty')
    yield 'subtype', 'unknown', building(lambda b: b['properties'].update(subtype='burnt')), (*told, 'burnt')
    yield 'subtype', 'number', building(lambda b: b['properties'].update(subtype=2)), (*told, 'subtype')
    yield 'uid', 'absent', building(lambda b: b['properties'].pop('uid')), (*told, 'uid')
    yield 'uid', 'twice', _edit(lambda d: d['features']['xy'].append(d['features']['xy'][0])), (*told, 'twice')
    yield 'uid', 'only after', building(lambda b: b['properties'].update(uid='new')), ('only in',)


GHOST = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\n(gone) (w) file closefile\nshowpage\n'


def _textures() -> Iterator[tuple[str, str, Damage, int, tuple[str, ...]]]:
    told = (PICTURE.name,)
    yield 'picture', 'empty', _bytes(PICTURE, lambda _: b''), INPUT, told
    yield 'picture', 'text', _bytes(PICTURE, lambda _: b'x' * 99), INPUT, told
    yield (
        'picture',
        'cut',
        lambda: [p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]) for p in PICTURE.parent.iterdir()],
        INPUT,
        ('veined_',),
    )
    yield (
        'picture',
        'smaller than a crop',
        lambda: Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(PICTURE),
        INPUT,
        told,
    )
    yield 'picture', 'EPS', _bytes(PICTURE, lambda _: GHOST), INPUT, told
    yield (
        'picture',
        'huge',
        lambda: Image.fromarray(np.zeros((13_000, 13_000), np.uint8)).save(PICTURE),
        INPUT,
        (*told, 'pixels'),
    )
    yield 'picture', 'FIFO', _instead(PICTURE, lambda: os.mkfifo(PICTURE)), INPUT, told
    yield 'picture', 'folder', _instead(PICTURE, PICTURE.mkdir), INPUT, told
    yield 'picture', 'link to itself', _instead(PICTURE, lambda: PICTURE.symlink_to(PICTURE.name)), INPUT, told
    yield (
        'category',
        'too few',
        lambda: [p.unlink() for p in sorted(PICTURE.parent.iterdir())[2:]],
        INPUT,
        ('veined', '2'),
    )
    yield 'category', 'absent', lambda: PICTURE.parent.rename('dtd/images/lined'), INPUT, ('veined', 'lined')
    yield 'category', 'empty', lambda: [p.unlink() for p in PICTURE.parent.iterdir()], INPUT, ('veined', '0')
    yield 'root', 'without images', lambda: os.rename('dtd/images', 'dtd/pictures'), USAGE, ('dtd',)
