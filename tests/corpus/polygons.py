"""Damaged polygons of change."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from tests.corpus.cell import COUNTED, INPUT, USAGE, Cell, Words
from tests.data.regions import CRS, ORIGIN, polygons, square

FILE = Path('changes.gpkg')
OUT = ('out.parquet',)
Damage = Callable[[], object]
_WORDS = ['index', 'images', '-o', 'out.parquet', '--size-px', '16', '--statistics', '0', '--polygons', 'changes.gpkg']
DATED = [*_WORDS, '--event-column', 'event']


def cells() -> Iterator[Cell]:
    """Every cell of polygons."""
    for field, damage, spoil, more, status, names in (*_files(), *_outlines(), *_columns()):
        outputs = OUT if status == COUNTED else ()
        yield Cell('polygons', field, damage, _spoiling(spoil, more), status, names, outputs)


def _spoiling(spoil: Damage, words: Words) -> Callable[[Path], Words]:
    def prepare(folder: Path) -> Words:
        spoil()
        return words

    return prepare


def _frame(change: Callable[[gpd.GeoDataFrame], Any], *, layer: str = 'changes') -> Damage:
    """The polygons changed and written anew."""

    def spoil() -> None:
        frame = gpd.read_file(FILE)
        frame['event'] = frame['event'].astype(object)
        found = change(frame)
        FILE.unlink()
        (frame if found is None else found).to_file(FILE, layer=layer)

    return spoil


def _shapes(*shapes: Any, crs: str | None = CRS) -> Damage:
    """Outlines in place of the second; the first stays."""

    def spoil() -> None:
        frame = polygons(square(0, 0, 16), *shapes, event=['2020-12-01'] * (1 + len(shapes)), crs=crs)
        FILE.unlink()
        frame.to_file(FILE, layer='changes')

    return spoil


def _only(*shapes: Any, crs: str | None = CRS) -> Damage:
    def spoil() -> None:
        FILE.unlink()
        polygons(*shapes, event=['2020-12-01'] * len(shapes), crs=crs).to_file(FILE, layer='changes')

    return spoil


def _with_corner(value: float) -> shapely.Polygon:
    """A square, one corner of which has a value that is no number."""
    (left, top), side = ORIGIN, 99
    corners = [(left, top), (left + side, top), (value, top - side), (left, top - side), (left, top)]
    return shapely.Polygon(corners)


def _bytes(change: Callable[[bytes], bytes]) -> Damage:
    return lambda: FILE.write_bytes(change(FILE.read_bytes()))


def _named(name: str, content: str) -> Damage:
    return lambda: Path(name).write_text(content)


def _instead(make: Callable[[], object]) -> Damage:
    def spoil() -> None:
        FILE.unlink()
        make()

    return spoil


def _with(name: str) -> Words:
    return [name if word == FILE.name else word for word in DATED]


_OGR_VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="changes"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
)
_WFS = '<OGRWFSDataSource><URL>http://127.0.0.1:9/wfs</URL></OGRWFSDataSource>'


def _files() -> Iterator[tuple[str, str, Damage, Words, int, tuple[str, ...]]]:
    told = ('changes.gpkg',)
    yield 'file', 'absent', FILE.unlink, DATED, USAGE, told
    yield 'file', 'empty', _bytes(lambda _: b''), DATED, INPUT, told
    yield 'file', 'text', _bytes(lambda _: b'no polygons'), DATED, INPUT, told
    yield 'file', 'cut', _bytes(lambda b: b[:4096]), DATED, INPUT, told
    yield 'file', 'zeroed in the middle', _bytes(lambda b: b[:8192] + bytes(60000) + b[68192:]), DATED, INPUT, told
    yield 'file', 'random', _bytes(lambda b: np.random.default_rng(0).bytes(len(b))), DATED, INPUT, told
    yield 'file', 'folder', _instead(FILE.mkdir), DATED, INPUT, told
    yield 'file', 'FIFO', _instead(lambda: os.mkfifo(FILE)), DATED, INPUT, told
    yield 'file', 'device', _instead(lambda: FILE.symlink_to('/dev/zero')), DATED, INPUT, told
    yield 'file', 'link to itself', _instead(lambda: FILE.symlink_to(FILE.name)), DATED, USAGE, told
    yield (
        'format',
        'OGR VRT',
        _bytes(lambda _: _OGR_VRT.format('/etc/passwd').encode()),
        DATED,
        INPUT,
        (*told, 'format|XML'),
    )
    yield (
        'format',
        'OGR VRT to the network',
        _bytes(lambda _: _OGR_VRT.format('/vsicurl/http://127.0.0.1:9/x.gpkg').encode()),
        DATED,
        INPUT,
        (*told, 'format|XML'),
    )
    yield 'format', 'WFS', _bytes(lambda _: _WFS.encode()), DATED, INPUT, (*told, 'format|XML')
    yield (
        'format',
        'GeoJSON cut',
        _named('x.geojson', '{"type":"FeatureCollection","features":[{"type"'),
        _with('x.geojson'),
        INPUT,
        ('x.geojson',),
    )
    yield (
        'format',
        'GeoJSON without features',
        _named('x.geojson', '{"type":"FeatureCollection","features":[]}'),
        _with('x.geojson'),
        INPUT,
        ('x.geojson',),
    )
    yield 'format', 'Parquet that is none', _named('x.parquet', 'PAR1'), _with('x.parquet'), INPUT, ('x.parquet',)
    yield 'format', 'archive that is none', _named('x.zip', 'PK'), _with('x.zip'), INPUT, ('x.zip',)
    yield (
        'format',
        'raster',
        _instead(lambda: FILE.write_bytes(Path('images/image_20200601.tif').read_bytes())),
        DATED,
        INPUT,
        told,
    )
    yield 'layer', 'none of that name', lambda: None, [*DATED, '--layer', 'houses'], USAGE, ('houses', 'changes')
    yield (
        'layer',
        'several',
        lambda: polygons(square(0, 0, 4), event=['2020']).to_file(FILE, layer='more'),
        DATED,
        USAGE,
        ('--layer', 'more'),
    )


def _outlines() -> Iterator[tuple[str, str, Damage, Words, int, tuple[str, ...]]]:
    nan, inf = float('nan'), float('inf')
    bow = shapely.Polygon(
        [
            (ORIGIN[0], ORIGIN[1]),
            (ORIGIN[0] + 99, ORIGIN[1] - 99),
            (ORIGIN[0] + 99, ORIGIN[1]),
            (ORIGIN[0], ORIGIN[1] - 99),
        ]
    )
    yield 'outline', 'NaN', _shapes(_with_corner(nan)), DATED, COUNTED, ('NaN or infinite',)
    yield 'outline', 'infinite', _shapes(_with_corner(inf)), DATED, COUNTED, ('NaN or infinite',)
    yield 'outline', 'missing', _shapes(None), DATED, COUNTED, ('no area',)
    yield 'outline', 'empty', _shapes(shapely.Polygon()), DATED, COUNTED, ('no area',)
    yield 'outline', 'of no area', _shapes(square(3, 3, 0)), DATED, COUNTED, ('no area',)
    yield 'outline', 'crosses itself', _shapes(bow), DATED, COUNTED, ('mended',)
    yield 'outline', 'all points', _only(shapely.Point(*ORIGIN)), DATED, INPUT, ('Point',)
    yield (
        'outline',
        'all lines',
        _only(shapely.LineString([ORIGIN, (ORIGIN[0] + 9, ORIGIN[1])])),
        DATED,
        INPUT,
        ('Line',),
    )
    yield 'outline', 'all of no area', _only(square(1, 1, 0)), DATED, INPUT, ('area',)
    yield 'outline', 'beyond the images', _only(square(9000, 9000, 9)), DATED, INPUT, ('ground|no polygon',)
    yield 'outline', 'one beyond the images', _shapes(square(9000, 9000, 9)), DATED, COUNTED, ('meets no window',)
    yield 'outline', 'none at all', _frame(lambda frame: frame.iloc[:0]), DATED, INPUT, ('changes.gpkg|polygon',)
    yield (
        'outline',
        'of 1e300',
        _shapes(shapely.box(-1e300, -1e300, 1e300, 1e300)),
        DATED,
        COUNTED,
        ('infinite|outside|Written',),
    )
    yield 'crs', 'none', _only(square(0, 0, 16), crs=None), DATED, USAGE, ('--polygons-crs',)
    yield 'crs', 'local', _only(square(0, 0, 16), crs='LOCAL_CS["here",UNIT["metre",1]]'), DATED, INPUT, ('CRS|local',)
    yield (
        'crs',
        'unknown option',
        _only(square(0, 0, 16), crs=None),
        [*DATED, '--polygons-crs', 'EPSG:1'],
        USAGE,
        ('EPSG:1',),
    )
    yield (
        'crs',
        'other than the numbers',
        _only(square(0, 0, 16), crs='EPSG:4326'),
        DATED,
        INPUT,
        ('ground|CRS|place|finite|infinite',),
    )


def _columns() -> Iterator[tuple[str, str, Damage, Words, int, tuple[str, ...]]]:
    def event(*values: object) -> Damage:
        return _frame(lambda frame: frame.assign(event=list(values)))

    where = ('changes.gpkg', 'event')
    yield 'event column', 'absent', lambda: None, [*_WORDS, '--event-column', 'when'], USAGE, ('when', 'event')
    yield 'event column', 'text', event('soon', 'later'), DATED, INPUT, (*where, 'soon')
    yield 'event column', 'one text', event('2020-12-01', 'later'), DATED, INPUT, (*where, 'later')
    yield 'event column', 'ambiguous', event('03/04/2020', '05/06/2021'), DATED, INPUT, (*where, '--date-format')
    yield 'event column', 'two spellings', event('2020-12-01', '13/12/2021'), DATED, INPUT, where
    yield 'event column', 'month 13', event('2020-13-01', '2021-12-01'), DATED, INPUT, (*where, '2020-13-01')
    yield 'event column', 'numbers of no kind', event(7, 8), DATED, INPUT, (*where, '7')
    yield 'event column', 'all empty', event(None, None), DATED, COUNTED, ('Unknown', 'no pair is noisy')
    yield 'event column', 'one empty', event('2020-12-01', None), DATED, COUNTED, ('unknown|Unknown|empty',)
    yield 'event column', 'year 1', event('0001-01-01', '2021-12-01'), DATED, INPUT, (*where, '0001-01-01')
    yield 'event column', 'year 9999', event('9999-01-01', '2021-12-01'), DATED, INPUT, (*where, '9999-01-01')
    yield 'event column', 'seconds of 1970', event(3600, 7200), DATED, INPUT, (*where, '3600')
    yield 'event column', 'interval turned round', event('2021-01-01/2020-01-01', '2021-12-01'), DATED, INPUT, where
    yield 'event column', 'all before the images', event('1990-01-01', '1991-01-01'), DATED, INPUT, ('1990|before',)
    yield 'event column', 'all after the images', event('2030-01-01', '2031-01-01'), DATED, INPUT, ('2030|after',)
    yield 'event column', 'huge number', event(1e18, 1e19), DATED, INPUT, where
    yield (
        'class column',
        'absent',
        lambda: None,
        [*DATED, '--class-column', 'sort', '--noisy-classes', 'fire'],
        USAGE,
        ('sort', 'kind'),
    )
    yield (
        'class column',
        'no such class',
        lambda: None,
        [*DATED, '--class-column', 'kind', '--noisy-classes', 'storm'],
        USAGE,
        ('storm', 'fire'),
    )
    yield (
        'class column',
        'classes without a column',
        lambda: None,
        [*DATED, '--noisy-classes', 'fire'],
        USAGE,
        ('class.column',),
    )
    yield 'recovered column', 'absent', lambda: None, [*DATED, '--recovered-column', 'back'], USAGE, ('back', 'event')
    yield (
        'recovered column',
        'before the event',
        _frame(lambda f: f.assign(back=['2019-01-01', '2022-01-01'])),
        [*DATED, '--recovered-column', 'back'],
        INPUT,
        ('back|recovered',),
    )
    yield (
        'recovered column',
        'text',
        _frame(lambda f: f.assign(back=['soon', 'never'])),
        [*DATED, '--recovered-column', 'back'],
        INPUT,
        ('back', 'soon'),
    )
