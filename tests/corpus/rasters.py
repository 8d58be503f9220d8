"""Damaged rasters: when they are indexed, and after they were indexed."""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine, from_origin

from tests.corpus.cell import COUNTED, INPUT, USAGE, Cell, Words
from tests.data.regions import CRS, ORIGIN, write_raster

ONE = Path('images/image_20210601.tif')
INDEX = ['index', 'images', '-o', 'out.parquet', '--size-px', '16', '--statistics', '0']
FIT = ['fit', '--config', 'region.yaml']
OUT = ('out.parquet',)
RUNS = ('runs*',)
Damage = Callable[[], object]


def cells() -> Iterator[Cell]:
    """Every cell of rasters."""
    for field, damage, spoil, reason in _single():
        yield Cell('raster', field, damage, _indexing(spoil), COUNTED, (reason, 'image_20210601|left out|2'), OUT)
    for field, damage, spoil, status, names in _stopping():
        yield Cell('raster', field, damage, _indexing(spoil), status, names, OUT if status == COUNTED else ())
    for field, damage, spoil, names in _replaced():
        yield Cell('indexed raster', field, damage, _fitting(spoil), INPUT, (ONE.name, *names), RUNS)


def _indexing(spoil: Damage, words: Words = INDEX) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return words

    return prepare


def _fitting(spoil: Damage) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return FIT

    return prepare


def _pixels(bands: int = 3, side: int = 64, dtype: str = 'uint8', seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 160, (bands, side, side)).astype(dtype)


def _written(**changes: object) -> Damage:
    """One raster written otherwise."""

    def spoil() -> None:
        pixels = changes.get('pixels')
        ONE.unlink()
        others = {name: value for name, value in changes.items() if name != 'pixels'}
        write_raster(ONE, _pixels() if pixels is None else pixels, **others)

    return spoil


def _bytes(change: Callable[[bytes], bytes]) -> Damage:
    def spoil() -> None:
        ONE.write_bytes(change(ONE.read_bytes()))

    return spoil


def _all(spoil: Callable[[Path], object]) -> Damage:
    def every() -> None:
        for path in sorted(Path('images').glob('*.tif')):
            spoil(path)

    return every


def _renamed(name: str | bytes) -> Damage:
    def spoil() -> None:
        os.rename(os.fsencode(ONE), os.path.join(b'images', os.fsencode(name)))

    return spoil


def _strips() -> None:
    """A file whose middle is zeroed, with compression, so that it cannot be decoded."""
    ONE.unlink()
    with rasterio.open(
        ONE, 'w', driver='GTiff', count=3, height=64, width=64, dtype='uint8', crs=CRS, compress='deflate',
        transform=from_origin(*ORIGIN, 10, 10), blockysize=8, interleave='band',
    ) as file:  # fmt: skip
        file.write(_pixels())
    content = bytearray(ONE.read_bytes())
    third = len(content) // 3
    content[third : third + 600] = bytes(600)
    ONE.write_bytes(content)


def _without_crs() -> None:
    _written(crs=None)()


def _gcps() -> None:
    ONE.unlink()
    points = [GroundControlPoint(r, c, ORIGIN[0] + c, ORIGIN[1] - r) for r, c in ((0, 0), (0, 63), (63, 0), (63, 63))]
    with rasterio.open(ONE, 'w', driver='GTiff', count=3, height=64, width=64, dtype='uint8') as file:
        file.gcps = (points, rasterio.crs.CRS.from_string(CRS))
        file.write(_pixels())


def _vrt(source: str, path: Path = ONE, extra: str = '') -> None:
    path.unlink(missing_ok=True)
    with rasterio.open('images/image_20200601.tif') as file:
        wkt = file.crs.to_wkt()
    left, top = ORIGIN
    band = (
        '<VRTRasterBand dataType="Byte" band="{n}"' + (' subClass="VRTDerivedRasterBand"' if extra else '') + '>'
        + extra + '<SimpleSource><SourceFilename relativeToVRT="1">' + source
        + '</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>'
    )  # fmt: skip
    path.write_text(
        f'<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>{wkt.replace("<", "")}</SRS>'
        f'<GeoTransform>{left}, 10, 0, {top}, 0, -10</GeoTransform>'
        + ''.join(band.replace('{n}', str(n)) for n in (1, 2, 3))
        + '</VRTDataset>'
    )


_WMS = (
    '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/${z}/${x}/${y}.png</ServerUrl></Service><DataWindow>'
    '<UpperLeftX>-20037508</UpperLeftX><UpperLeftY>20037508</UpperLeftY><LowerRightX>20037508</LowerRightX>'
    '<LowerRightY>-20037508</LowerRightY><TileLevel>3</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY>'
    '<YOrigin>top</YOrigin></DataWindow><Projection>EPSG:3857</Projection><BlockSizeX>256</BlockSizeX>'
    '<BlockSizeY>256</BlockSizeY><BandsCount>3</BandsCount></GDAL_WMS>'
)


def _replace(make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        ONE.unlink()
        make()

    return spoil


def _huge_sparse(path: Path = ONE, side: int = 200_000) -> None:
    path.unlink(missing_ok=True)
    with rasterio.open(
        path, 'w', driver='GTiff', count=3, height=side, width=side, dtype='uint8', crs=CRS, sparse_ok=True, tiled=True,
        transform=from_origin(*ORIGIN, 10, 10), bigtiff='yes', blockxsize=4096, blockysize=4096,
    ):  # fmt: skip
        pass


def _socket() -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(ONE))


def _with_transform(*values: float) -> Damage:
    return _written(transform=Affine(*values))


def _patched_tag(tag: int, value: float) -> Damage:
    """The first double of a TIFF tag set to a value."""

    def change(content: bytes) -> bytes:
        (offset,) = struct.unpack('<I', content[4:8])
        (count,) = struct.unpack('<H', content[offset : offset + 2])
        for entry in range(offset + 2, offset + 2 + 12 * count, 12):
            number, _, _, where = struct.unpack('<HHII', content[entry : entry + 12])
            if number == tag:
                return content[:where] + struct.pack('<d', value) + content[where + 8 :]
        raise LookupError(tag)

    return _bytes(change)


def _single() -> Iterator[tuple[str, str, Damage, str]]:
    """One odd file among good ones: left out, counted, and the others indexed."""
    left, top = ORIGIN
    yield 'bytes', 'empty', _bytes(lambda _: b''), 'not a raster, or unreadable'
    yield 'bytes', 'text', _bytes(lambda _: b'<html>404 not found</html>'), 'not a raster, or unreadable'
    yield 'bytes', 'cut to a half', _bytes(lambda b: b[: len(b) // 2]), 'not a raster|incomplete or damaged'
    yield 'bytes', 'cut in the header', _bytes(lambda b: b[:100]), 'not a raster, or unreadable|incomplete'
    yield 'bytes', 'zeroed header', _bytes(lambda b: bytes(64) + b[64:]), 'not a raster, or unreadable'
    yield 'bytes', 'random', _bytes(lambda b: np.random.default_rng(0).bytes(len(b))), 'not a raster, or unreadable'
    yield 'crs', 'none', _without_crs, '--images-crs'
    yield 'crs', 'local', _written(crs='LOCAL_CS["here",UNIT["metre",1]]'), 'local|CRS'
    yield 'crs', 'geocentric', _written(crs='EPSG:4978'), 'geocentric|CRS'
    yield 'grid', 'identity', _written(crs=CRS, transform=Affine.identity()), 'no CRS and no grid|grid'
    yield 'grid', 'rotated', _with_transform(10, 2, left, 2, -10, top), 'rotated or flipped'
    yield 'grid', 'south up', _with_transform(10, 0, left, 0, 10, top), 'rotated or flipped'
    yield 'grid', 'pixel of no size', _patched_tag(33550, 0.0), 'without a size|ground control points'
    yield 'grid', 'pixel of NaN', _patched_tag(33550, float('nan')), 'without a size|pixel size'
    yield 'grid', 'pixel of infinite size', _patched_tag(33550, float('inf')), 'without a size|pixel size'
    yield 'grid', 'ground control points', _gcps, 'ground control points'
    yield 'bands', 'one less', _written(pixels=_pixels(2)), '2 bands where most files have 3'
    yield 'bands', 'one more', _written(pixels=_pixels(4)), '4 bands where most files have 3'
    yield 'dtype', 'complex', _written(pixels=_pixels(dtype='complex64')), 'complex'
    yield 'file', 'socket', _replace(_socket), 'not a raster|no file|special'
    yield 'file', 'FIFO', _replace(lambda: os.mkfifo(ONE)), 'not a raster|no file|pipe'
    yield 'file', 'device', _replace(lambda: ONE.symlink_to('/dev/zero')), 'not a raster|no file|device'
    yield 'file', 'dangling link', _replace(lambda: ONE.symlink_to('nowhere.tif')), 'not a raster|not there|link'
    yield 'file', 'link to itself', _replace(lambda: ONE.symlink_to(ONE.name)), 'not a raster|not there|link'
    yield 'format', 'VRT named tif', lambda: _vrt('image_20200601.tif'), 'VRT|not a raster|driver|format'
    yield 'format', 'WMS named tif', _bytes(lambda _: _WMS.encode()), 'WMS|not a raster|driver|format'
    yield (
        'format',
        'XML bomb',
        _bytes(lambda _: b'<!DOCTYPE a [<!ENTITY b "c">]><VRTDataset>&b;</VRTDataset>'),
        'not a ra',
    )
    yield 'format', 'GeoPackage named tif', lambda: ONE.write_bytes(Path('changes.gpkg').read_bytes()), 'not a raster'
    yield 'name', 'no date', _renamed('summer.tif'), 'date'
    yield 'name', 'month 13', _renamed('image_20211301.tif'), 'date'
    yield 'name', 'year 1', _renamed('image_00010101.tif'), 'date'
    yield 'name', 'not UTF-8', _renamed(b'image_\xff_x.tif'), 'date'
    yield 'name', 'escape codes', _renamed('image_\x1b[31m.tif'), 'date'
    yield 'name', 'line break', _renamed('image_a\nb.tif'), 'date'


def _stopping() -> Iterator[tuple[str, str, Damage, int, tuple[str, ...]]]:
    def empty(path: Path) -> None:
        path.write_bytes(b'')

    yield 'every file', 'empty', _all(empty), INPUT, ('None of 3 files', 'not a raster')
    yield (
        'every file',
        'without a date',
        _all(lambda p: p.rename(p.with_name('x' + p.stem[-1] + p.stem[3] + '.tif'))),
        INPUT,
        ('date',),
    )
    yield 'folder', 'empty', _all(os.unlink), USAGE, ('images holds no raster files',)
    yield 'size', 'sparse 200,000 x 200,000', _huge_sparse, COUNTED, ('images|Written',)
    yield 'dates', 'one date', _all(lambda p: None if '2020' in p.name else p.unlink()), INPUT, ('two dates',)
    yield 'place', 'elsewhere', _written(offset_px=(9999, 0)), COUNTED, ('Written',)
    yield 'pixels', 'damaged in the middle', _strips, COUNTED, ('Written|damaged',)
    yield (
        'pixels',
        'all nodata',
        _written(pixels=np.zeros((3, 64, 64), np.uint8), nodata=0),
        COUNTED,
        ('no data|nodata|pixels',),
    )


def _replaced() -> Iterator[tuple[str, str, Damage, tuple[str, ...]]]:
    """A file that is another one than was indexed."""
    yield 'place', 'moved by 640 m', _written(offset_px=(64, 0)), ('grid|corner', 'index')
    yield 'place', 'half a pixel', _written(offset_px=(0.5, 0)), ('grid|corner', 'index')
    yield 'resolution', 'halved', _written(res=5.0), ('pixel size|grid', 'index')
    yield 'size', 'smaller', _written(pixels=_pixels(side=32)), ('32 x 32', '64 x 64')
    yield 'size', 'larger', _written(pixels=_pixels(side=128)), ('128 x 128', '64 x 64')
    yield 'crs', 'next zone', _written(crs='EPSG:32634'), ('32634', '32633')
    yield 'crs', 'none', _written(crs=None), ('CRS',)
    yield 'dtype', 'uint16', _written(pixels=_pixels(dtype='uint16')), ('uint16', 'uint8')
    yield 'dtype', 'float32', _written(pixels=_pixels(dtype='float32')), ('float32', 'uint8')
    yield 'bands', 'one less', _written(pixels=_pixels(2)), ('2 bands', '3')
    yield 'bands', 'one more', _written(pixels=_pixels(4)), ('4 bands', '3')
    yield 'bytes', 'empty', _bytes(lambda _: b''), ('cannot be read',)
    yield 'bytes', 'text', _bytes(lambda _: b'gone'), ('cannot be read',)
    yield 'bytes', 'cut to a half', _bytes(lambda b: b[: len(b) // 2]), ('cannot be read',)
    yield 'bytes', 'damaged in the middle', _strips, ('cannot be read|another|index',)
    yield 'file', 'removed', _replace(lambda: None), ('not there|cannot be read',)
    yield 'file', 'folder', _replace(ONE.mkdir), ('no file|cannot be read',)
    yield 'file', 'FIFO', _replace(lambda: os.mkfifo(ONE)), ('no file|pipe|cannot be read',)
    yield 'format', 'VRT named tif', lambda: _vrt('image_20200601.tif'), ('VRT|cannot be read|format',)
    yield 'format', 'WMS named tif', _bytes(lambda _: _WMS.encode()), ('WMS|cannot be read|format',)
