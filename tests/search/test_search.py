"""``geo-noisy search`` against a STAC API, a static catalogue and a table, all real."""

import json
from pathlib import Path

import geopandas as gpd
import pytest

from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.regions.files.secrets import shown, without_signature
from geo_noisy.search import search_items
from geo_noisy.search.wanted import wanted_dates
from tests.data.archive import COLLECTION, collection, item, write_area
from tests.data.servers import RangeServer, stac_api

DATES = [f'2021-06-{day:02d}T10:00:00Z' for day in range(1, 8)]


@pytest.fixture(scope='module')
def items() -> list[dict]:
    """Seven dates of one scene; cloud cover of the first is unknown, of the others 10, 20, ... percent."""
    found = [item(f'S2_{number}', date, address='http://archive') for number, date in enumerate(DATES)]
    for number, one in enumerate(found):
        one['properties']['eo:cloud_cover'] = 10.0 * number
    del found[0]['properties']['eo:cloud_cover']
    return found


@pytest.fixture(scope='module')
def api(tmp_path_factory: pytest.TempPathFactory, items: list[dict]) -> object:
    with stac_api(tmp_path_factory.mktemp('api'), items) as address:
        yield address


@pytest.fixture
def area(tmp_path: Path) -> Path:
    return write_area(tmp_path / 'area.geojson')


def test_all_pages_of_an_api_are_kept(
    tmp_path: Path, api: str, area: Path, items: list[dict], capsys: pytest.CaptureFixture
) -> None:
    table = tmp_path / 'items.parquet'
    words = ['search', str(area), '--stac', api, '--collection', COLLECTION, '--page', '3', '-o', str(table)]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert '7 from 2021-06-01 to 2021-06-07; 7 by sentinel-2a' in told
    assert 'B02, B03, B04, B08, SCL' in told
    frame = gpd.read_parquet(table)
    assert list(frame['id']) == [one['id'] for one in items]
    assert frame['assets'][0]['B02']['href'] == 'http://archive/S2_0/B02.tif'


@pytest.mark.parametrize(
    ('options', 'ids'),
    [
        (['--dates', '2021-06-02/2021-06-04'], [1, 2, 3]),
        (['--dates', '../2021-06-02'], [0, 1]),
        (['--dates', '2021-06-06T12:00:00Z/..'], [6]),
        (['--max-cloud', '30'], [1, 2, 3]),  # unknown is never clear
        (['--dates', '2021-06', '--max-cloud', '20'], [1, 2]),
    ],
)
def test_an_api_is_asked_for_dates_and_clouds(
    tmp_path: Path, api: str, area: Path, options: list[str], ids: list[int]
) -> None:
    table = tmp_path / 'items.parquet'
    assert main(['search', str(area), '--stac', api, *options, '-o', str(table)]) == 0
    assert [int(name[3:]) for name in gpd.read_parquet(table)['id']] == ids


def test_a_table_is_searched_as_an_api_is(tmp_path: Path, api: str, area: Path, items: list[dict]) -> None:
    whole, part = tmp_path / 'all.parquet', tmp_path / 'part.parquet'
    search_items(str(area), stac=api, output=whole)
    found = search_items(str(area), stac=str(whole), output=part, max_cloud=30.0)
    assert (found.written, found.refused) == (3, {'of unknown cloud cover': 1, 'with cloud cover above 30 %': 3})
    search_items(str(area), stac=api, output=tmp_path / 'again.parquet', max_cloud=30.0)
    assert list(gpd.read_parquet(part)['id']) == list(gpd.read_parquet(tmp_path / 'again.parquet')['id'])


def test_a_static_catalogue_is_walked(tmp_path: Path, area: Path, items: list[dict]) -> None:
    folder = tmp_path / 'catalogue'
    folder.mkdir()
    links = [{'rel': 'item', 'href': f'./{one["id"]}.json'} for one in items]
    for one in items:
        relative = {name: asset | {'href': f'./{one["id"]}/{name}.tif'} for name, asset in one['assets'].items()}
        (folder / f'{one["id"]}.json').write_text(json.dumps(one | {'assets': relative, 'bbox': None}))
    (folder / 'collection.json').write_text(json.dumps(collection() | {'links': links}))
    server = RangeServer(folder)
    found = search_items(
        str(area), stac=f'{server.address}/collection.json', output=tmp_path / 'items.parquet', dates='2021-06-03/..'
    )
    server.close()
    assert found.written == 5
    assert found.refused == {'taken at another time': 2}
    hrefs = [assets['SCL']['href'] for assets in gpd.read_parquet(tmp_path / 'items.parquet')['assets']]
    assert hrefs[0] == f'{server.address}/S2_2/SCL.tif'


def test_a_busy_server_is_asked_again(tmp_path: Path, area: Path, items: list[dict]) -> None:
    folder = tmp_path / 'catalogue'
    folder.mkdir()
    (folder / 'one.json').write_text(json.dumps(items[0]))
    (folder / 'collection.json').write_text(
        json.dumps(collection() | {'links': [{'rel': 'item', 'href': './one.json'}]})
    )
    server = RangeServer(folder)
    address, table = f'{server.address}/collection.json', tmp_path / 'items.parquet'
    server.faults, server.failures = {'one.json': 503}, {'one.json': 1}
    assert search_items(str(area), stac=address, output=table).written == 1
    table.unlink()
    server.failures = {}
    with pytest.raises(InputError, match=r'could not be read to its end, after 1 repeats: .*503'):
        search_items(str(area), stac=address, output=table, retries=1)
    server.close()
    assert not table.exists()


def test_what_is_not_there_is_told(tmp_path: Path, api: str, area: Path) -> None:
    table = tmp_path / 'items.parquet'
    with pytest.raises(InputError, match=f'There is no collection landsat; there are {COLLECTION}'):
        search_items(str(area), stac=api, output=table, collection=['landsat'])
    with pytest.raises(InputError, match='the source gave none'):
        search_items(str(area), stac=api, output=table, dates='1999')
    with pytest.raises(InputError, match='More than 2 items'):
        search_items(str(area), stac=api, output=table, max_items=2)
    assert not table.exists()


@pytest.mark.parametrize('dates', ['2021-13/2022', 'yesterday', '2022/2021', '1/2/3'])
def test_wrong_dates_are_refused(dates: str) -> None:
    with pytest.raises(ValueError, match='dates are'):
        wanted_dates(dates)


@pytest.mark.parametrize(
    ('signed', 'plain'),
    [
        ('https://a.blob.core.windows.net/c/B02.tif?st=1&se=2&sp=rl&sv=3&sr=c&sig=x%3D', 'https://a.blob.core.windows.net/c/B02.tif'),
        ('https://b.s3.amazonaws.com/k?X-Amz-Signature=1&X-Amz-Date=2&versionId=7', 'https://b.s3.amazonaws.com/k?versionId=7'),
        ('https://me:secret@host:81/k.tif', 'https://host:81/k.tif'),
        ('https://host/k.tif?width=3', 'https://host/k.tif?width=3'),
        ('s3://bucket/key.tif', 's3://bucket/key.tif'),
        ('folder/k?sig=1.tif', 'folder/k?sig=1.tif'),
    ],
)  # fmt: skip
def test_signatures_are_not_kept(signed: str, plain: str) -> None:
    assert without_signature(signed) == plain
    assert shown(f'no answer from {signed}, again') == f'no answer from {plain}, again'


def test_signatures_of_items_are_not_kept(tmp_path: Path, area: Path, items: list[dict]) -> None:
    folder = tmp_path / 'api'
    one = items[0] | {'assets': {'B02': {'href': 'https://host/B02.tif?sig=secret&se=2030'}}}
    with stac_api(folder, [one]) as address:
        found = search_items(str(area), stac=address, output=tmp_path / 'items.parquet')
    assert 'taken off 1 hrefs' in str(found)
    assert b'secret' not in (tmp_path / 'items.parquet').read_bytes()
