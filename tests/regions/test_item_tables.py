"""Tables of items as people bring them: read whole, or refused in one sentence; an odd row is counted."""

import geopandas as gpd
import pandas as pd
import pytest

from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.regions import build_index, scan_rasters, scan_table
from tests.data.regions import square, write_series

DATES = ('20200101', '20210101', '20220101')


@pytest.fixture
def paths(tmp_path):
    return sorted(map(str, write_series(tmp_path / 'images', DATES).glob('*.tif')))


def rows(paths, **columns):
    return pd.DataFrame({'path': paths, 'datetime': ['2020-01-01', '2021-01-01', '2022-01-01'], **columns})


def left_out(scan):
    return [(item.number, item.reason) for item in scan.excluded]


@pytest.mark.parametrize(('name', 'separator'), [('a.csv', ','), ('a.CSV', ';'), ('a.tsv', '\t'), ('a.txt', ';')])
def test_csv_of_any_usual_separator_is_read(tmp_path, paths, name, separator):
    rows(paths, note=['a, b', 'c', 'd']).to_csv(tmp_path / name, sep=separator, index=False)
    assert len(build_index(scan_table(tmp_path / name, path_column='path'), size_px=32).files) == 3


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.csv', b'', 'cannot be read: No columns'),
        ('a.csv', b'path,datetime\n', 'has no rows'),
        ('a.csv', b'path,datetime\n"a,2020\nb,c,d\n', 'cannot be read'),
        ('a.csv', 'path,datetime\nä,2020-01-01\n'.encode('latin-1'), 'cannot be read.*CSV in UTF-8'),
        ('a.parquet', b'PAR1', 'cannot be read.*STAC-GeoParquet'),
        ('a.xlsx', b'PK', 'cannot be read.*STAC-GeoParquet'),
        ('items.json', b'{}', 'is JSON.*rustac translate'),
    ],
)
def test_what_is_no_table_is_told_with_status_1(tmp_path, capsys, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        scan_table(tmp_path / name, path_column='path')
    assert main(['index', '--table', str(tmp_path / name), '-o', str(tmp_path / 'p.parquet')]) == 1
    told = capsys.readouterr().err
    assert name in told
    assert len(told.splitlines()) == 1


def test_a_table_that_is_not_there_is_a_wrong_command_line(tmp_path):
    for path in (tmp_path / 'none.csv', tmp_path):
        with pytest.raises(FileNotFoundError, match='is not there, or is no file'):
            scan_table(path)


def test_rows_without_a_path_and_rows_named_twice_are_counted(paths):
    scan = scan_table(rows([paths[0], None, paths[2]]), path_column='path')
    assert left_out(scan) == [(1, "no path in column 'path'")]
    scan = scan_table(rows([paths[0], paths[0], paths[2]]), path_column='path')
    assert left_out(scan) == [(1, 'named by an earlier row, too')]
    with pytest.raises(InputError, match=r"No row of the table can serve:\n  3 x file: no path in column 'path'"):
        scan_table(rows([1, 2, 3]), path_column='path')


@pytest.mark.parametrize(
    ('asset', 'reason'),
    [
        ({'roles': ['data']}, 'asset data.href is missing'),
        ({'href': None}, 'asset data.href is missing'),
        ({'href': ' '}, "asset data.href is ' ', not a path or an address"),
        ('a.tif', "asset data is 'a.tif', not a mapping with an href"),
        ({'href': 'a.tif', 'raster:bands': 'none'}, "asset data.raster:bands is 'none', not a list of bands"),
        ({'href': 'a.tif', 'bands': [1]}, 'asset data.bands[0] is 1, not a mapping'),
        ({'href': 'a.tif', 'raster:scale': [1]}, 'asset data.raster:scale is [1], not a number'),
    ],
)
def test_an_odd_asset_is_counted(paths, asset, reason):
    assets = [{'data': {'href': path}} for path in paths[:2]]
    times = pd.to_datetime(['2020-01-01', '2021-01-01', '2022-01-01'], utc=True)
    items = gpd.GeoDataFrame({'datetime': times, 'assets': [*assets, {'data': asset}]}, geometry=[square(0, 0, 64)] * 3)
    assert left_out(scan_table(items)) == [(1, reason)]


def test_a_file_that_is_given_twice_is_taken_once(paths, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scan = scan_rasters([tmp_path / 'images', 'images', *paths, f'images/../images/image_{DATES[0]}.tif'])
    assert len(scan.files) == 3


def test_bands_are_given_once(paths):
    with pytest.raises(ValueError, match='each can be given once'):
        scan_rasters(paths, bands=['1', '1'])
    with pytest.raises(ValueError, match=r'No file has the bands B02 \(--bands\)'):
        scan_rasters(paths, bands=['B02'])
