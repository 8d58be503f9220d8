"""The network is used only when asked: inputs of strangers fetch nothing, and commands run where there is none."""

import contextlib
import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.corpus.forked import start
from tests.corpus.sound import make_sound
from tests.corpus.verdict import in_process

INDEX = ['index', 'images', '-o', 'out.parquet', '--size-px', '16']
IMAGE = Path('images/image_20210601.tif')


@pytest.fixture(scope='module')
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sound(tmp_path_factory.mktemp('network') / 'made')


@pytest.fixture
def sound(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(shutil.copytree(made, tmp_path / 'folder'))
    return Path()


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """An address, and what was asked of it."""
    asked: list[str] = []

    class Counting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Counting) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{serving.server_port}', asked
        serving.shutdown()
        thread.join()


def wms(address: str) -> None:
    IMAGE.write_text(
        f'<GDAL_WMS><Service name="TMS"><ServerUrl>{address}/${{z}}/${{x}}/${{y}}.png</ServerUrl></Service><DataWindow>'
        '<UpperLeftX>0</UpperLeftX><UpperLeftY>640</UpperLeftY><LowerRightX>640</LowerRightX><LowerRightY>0</LowerRightY>'
        '<TileLevel>0</TileLevel><TileCountX>1</TileCountX><TileCountY>1</TileCountY><YOrigin>top</YOrigin></DataWindow>'
        '<Projection>EPSG:32633</Projection><BlockSizeX>64</BlockSizeX><BlockSizeY>64</BlockSizeY>'
        '<BandsCount>3</BandsCount></GDAL_WMS>'
    )


def mosaic(address: str) -> None:
    IMAGE.unlink()
    bands = ''.join(
        f'<VRTRasterBand dataType="Byte" band="{n}"><SimpleSource><SourceFilename>/vsicurl/{address}/x.tif'
        '</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>'
        for n in (1, 2, 3)
    )
    IMAGE.with_suffix('.vrt').write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32633</SRS><GeoTransform>400000,10,0,5000000,0,-10'
        f'</GeoTransform>{bands}</VRTDataset>'
    )


@pytest.mark.parametrize('make', [wms, mosaic])
def test_an_image_fetches_nothing(make, sound: Path, server: tuple[str, list[str]]) -> None:
    make(server[0])
    answer = in_process(INDEX)
    assert (answer.status, server[1]) == (0, [])
    assert '1 x file' in answer.out


def test_polygons_fetch_nothing(sound: Path, server: tuple[str, list[str]]) -> None:
    Path('changes.gpkg').write_text(
        f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/vsicurl/{server[0]}/x.geojson</SrcDataSource>'
        '</OGRVRTLayer></OGRVRTDataSource>'
    )
    answer = in_process([*INDEX, '--polygons', 'changes.gpkg', '--event-date', '2020-12-01'])
    assert (answer.status, server[1]) == (1, [])
    assert 'changes.gpkg is XML that leads' in answer.err


def test_an_index_fetches_nothing_unasked(sound: Path, server: tuple[str, list[str]]) -> None:
    table = pq.read_table('pairs.parquet')
    stored = json.loads(table.schema.metadata[b'geo_noisy'])
    stored['paths'] = [[f'{server[0]}/{k}.tif'] for k in range(3)]
    metadata = {**table.schema.metadata, b'geo_noisy': json.dumps(stored)}
    pq.write_table(table.replace_schema_metadata(metadata), 'pairs.parquet')
    answer = in_process(['fit', '--config', 'region.yaml'])
    assert (answer.status, server[1]) == (1, [])
    assert 'remote=' in answer.err
    assert in_process(['fit', '--config', 'region.yaml', '--data.init_args.remote=true']).status == 1
    assert server[1]  # asked


@pytest.mark.parametrize('words', [INDEX, ['fit', '--config', 'vts.yaml'], ['report', 'results', '--output', 'out']])
def test_commands_need_no_network(words: list[str], sound: Path, tmp_path: Path) -> None:
    def close() -> None:
        with contextlib.suppress(PermissionError):  # where a namespace of one's own is not allowed, the network stays
            os.unshare(os.CLONE_NEWNET)

    running = start(words, logs=tmp_path, before=close)
    assert running.wait(120) == 0, running.told()[-500:]
