"""What a stranger may try, as an unguarded reader falls for it, and as the commands refuse it."""

import os
import pickle
import re
import shutil
import xml.sax
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import rasterio
import torch
import yaml
from PIL import Image

from tests.corpus.checkpoints import Leaving
from tests.corpus.images import GHOST
from tests.corpus.sound import make_sound
from tests.corpus.verdict import in_process
from tests.data.servers import RangeServer

INDEX = ['index', 'images', '-o', 'out.parquet', '--size-px', '16', '--statistics', '0']
IMAGE = Path('images/image_20210601.tif')
GONE = Path('gone')
"""Made by code that ran; an escape leads there."""


@pytest.fixture(scope='module')
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sound(tmp_path_factory.mktemp('security') / 'made')


@pytest.fixture(autouse=True)
def sound(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(made, tmp_path / 'folder'))


@pytest.fixture
def served() -> Iterator[RangeServer]:
    server = RangeServer(Path('images').absolute())
    yield server
    server.close()


@pytest.mark.parametrize('words', ['weights', 'ckpt_path'])
@pytest.mark.parametrize('kind', ['pickle', 'checkpoint'])
def test_code_in_a_checkpoint_does_not_run(kind: str, words: str) -> None:
    path = Path('evil.ckpt')
    if kind == 'pickle':
        path.write_bytes(pickle.dumps(Leaving()))
    else:
        torch.save(torch.load('last.ckpt', weights_only=True) | {'more': Leaving()}, path)
        torch.load(path, weights_only=False)
        GONE.rmdir()  # it ran
    fit = {
        'weights': ['probe.yaml', '--model.init_args.weights=evil.ckpt'],
        'ckpt_path': ['vts.yaml', '--ckpt_path=evil.ckpt'],
    }[words]
    answer = in_process(['fit', '--config', *fit])
    assert (answer.status, GONE.exists()) == (1, False)
    assert 'evil.ckpt' in answer.err


def test_code_in_the_folder_of_a_sweep_does_not_run() -> None:
    assert in_process(['sweep', 'grid.yaml', '--output', 'out']).status == 0
    for path in Path('out').rglob('*.ckpt'):
        torch.save(torch.load(path, weights_only=True) | {'more': Leaving()}, path)
    for table in Path('out').glob('results.*'):
        table.unlink()
    for marker in Path('out').rglob('*.json'):
        marker.unlink()
    in_process(['sweep', 'grid.yaml', '--output', 'out'])
    assert not GONE.exists()


def test_code_in_yaml_does_not_run() -> None:
    text = 'model: !!python/object/apply:os.mkdir ["gone"]\n'
    yaml.unsafe_load(text)
    GONE.rmdir()  # it ran
    Path('x.yaml').write_text(text)
    for words in (['fit', '--config', 'x.yaml'], ['sweep', 'x.yaml', '--output', 'out']):
        answer = in_process(words)
        assert (answer.status, GONE.exists()) == (2, False)


def test_code_in_a_mosaic_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('GDAL_VRT_ENABLE_PYTHON', 'YES')
    IMAGE.unlink()
    bands = ''.join(
        f'<VRTRasterBand dataType="Byte" band="{band}" subClass="VRTDerivedRasterBand"><PixelFunctionType>f'
        '</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage><PixelFunctionCode><![CDATA[\n'
        'def f(*arguments, **more):\n    import os\n    os.mkdir("gone")\n]]></PixelFunctionCode></VRTRasterBand>'
        for band in (1, 2, 3)
    )
    IMAGE.with_suffix('.vrt').write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32633</SRS><GeoTransform>400000,10,0,5000000,0,-10'
        f'</GeoTransform>{bands}</VRTDataset>'
    )
    answer = in_process(INDEX)
    assert (answer.status, GONE.exists()) == (0, False)
    assert re.search(r'1 x file: .*pixel function', answer.out)


class Characters(xml.sax.ContentHandler):
    """Keeps the text of a document."""

    text = ''

    def characters(self, content: str) -> None:
        self.text += content


@pytest.mark.parametrize('name', ['changes.gpkg', 'changes.kml', 'changes.gml'])
def test_entities_of_xml_are_not_read(name: str) -> None:
    Path('secret.txt').write_text('a secret')
    text = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "secret.txt">]><kml>&b;</kml>'
    Path('entity.xml').write_text(text)
    parser, read = xml.sax.make_parser(), Characters()
    parser.setFeature(xml.sax.handler.feature_external_ges, True)
    parser.setContentHandler(read)
    parser.parse('entity.xml')
    assert read.text == 'a secret'
    Path(name).write_text(text)
    answer = in_process([*INDEX, '--polygons', name, '--event-date', '2020-12-01'])
    assert answer.status == 1
    assert name in answer.err
    assert 'a secret' not in answer.out + answer.err


def test_a_picture_in_postscript_starts_no_ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = tmp_path / 'started'
    (tmp_path / 'gs').write_text(f'#!/bin/sh\ntouch {started}\n')
    (tmp_path / 'gs').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr('PIL.EpsImagePlugin.gs_binary', None)  # looked for anew
    picture = Path('dtd/images/veined/veined_0001.jpg')
    picture.write_bytes(GHOST)
    with Image.open(picture) as file, pytest.raises(OSError, match=r'\w'):
        file.load()
    assert started.exists()
    started.unlink()
    config = yaml.safe_load(Path('vts.yaml').read_text())
    config['data']['init_args']['root'] = 'dtd'
    Path('vts.yaml').write_text(yaml.safe_dump(config))
    answer = in_process(['fit', '--config', 'vts.yaml'])
    assert (answer.status, started.exists()) == (1, False)
    assert picture.name in answer.err


def test_signatures_and_passwords_are_not_kept(served: RangeServer) -> None:
    address = served.address.replace('://', '://me:a-password@')
    frame = pd.read_csv('items.csv')
    frame['path'] = [f'{address}/{Path(path).name}?sig=a-secret' for path in frame['path']]
    frame.to_csv('items.csv', index=False)
    words = ['index', '--table', 'items.csv', '--path-column', 'path', '-o', 'out.parquet', '--size-px', '16']
    answer = in_process([*words, '--map', 'out.html'])
    told = answer.out.encode() + answer.err.encode()
    written = [Path(name).read_bytes() for name in ('out.parquet', 'out.html') if Path(name).exists()]
    assert served.address.encode() in b''.join([told, *written])
    for content in (told, *written):
        assert b'a-secret' not in content
        assert b'a-password' not in content


NAMES: dict[str, Any] = {
    'data': '../../../gone', 'encoder': '../../../gone', 'name': '<img src=x onerror=alert(1)>',
    'hardware': '<script>alert(1)</script>',
}  # fmt: skip


def test_names_of_a_foreign_table_are_text(tmp_path: Path) -> None:
    path = Path('results/results.parquet')
    table = pd.read_parquet(path)
    of_first, of_last = (table['name'] == table['name'].iloc[row] for row in (0, -1))
    for column, value in NAMES.items():
        table[column] = table[column].where(~(of_last if column == 'name' else of_first), value)
    table.to_parquet(path)
    before = {found for found in tmp_path.rglob('*') if 'out' not in found.parts}
    assert in_process(['report', 'results', '--output', 'out']).status == 0
    assert {found for found in tmp_path.rglob('*') if 'out' not in found.parts} == before
    assert not [found for found in Path('out').rglob('*') if found.name.startswith('gone')]
    text = Path('out/report.md').read_text()
    assert 'onerror' in text
    assert not re.search(r'(?<!\\)<(img|script)', text)


def test_names_are_text_in_the_map() -> None:
    image = Path("images/<img src=x onerror=alert('a-name')>_20210601.tif")
    IMAGE.rename(image)
    with rasterio.open(image) as file:
        assert file.count == 3
    assert in_process([*INDEX, '--map', 'out.html']).status == 0
    assert '<img src=x' not in Path('out.html').read_text()
