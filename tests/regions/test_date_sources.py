"""Dates as the user meets them: names, tags, tables and events through the scanning functions and the command."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely import box

from geo_noisy.main import main
from geo_noisy.regions import PairIndex, build_index, change_polygons, scan_rasters, scan_table
from tests.data.regions import polygons, square, write_raster, write_series

DATES = ('20180701', '20181001', '20181201')
CAMP_FIRE = [0, 1, 1]  # noise of pairs (0, 1), (0, 2), (1, 2) of an event on 2018-11-08


@pytest.fixture
def folder(tmp_path):
    write_series(tmp_path / 'images', DATES, size_px=32)
    return tmp_path


def flags(index):
    return index.flags(np.array([[0, 0, 1], [0, 0, 2], [0, 1, 2]])).tolist()


@pytest.mark.parametrize(
    'when',
    [
        1_541_635_200_000,  # milliseconds, as ArcGIS writes them
        1_541_635_200,
        20_181_108,
        20_181_108.0,
        '2018/11/08 06:30:00+00',  # as OGR writes them into shapefiles
        'Nov 8, 2018',
        '2018-11',
        '2018-11-01/2018-11-30',
        pd.Timestamp('2018-11-08'),
    ],
)
@pytest.mark.parametrize('suffix', ['gpkg', 'geojson', 'parquet'])
def test_events_are_read_from_columns_of_files(folder, when, suffix):
    frame = polygons(square(0, 0, 32), box(0, 0, 1, 1), when=[when, None])
    path = folder / f'events.{suffix}'
    frame.to_parquet(path) if suffix == 'parquet' else frame.to_file(path)
    index = build_index(scan_rasters([folder / 'images']), size_px=32)
    assert flags(index.with_noise(change_polygons(path, event_column='when'))) == CAMP_FIRE


def indexed(folder, *words):
    output = folder / 'pairs.parquet'
    status = main(['index', *map(str, words), '--size-px', '32', '-o', str(output)])
    return PairIndex.read(output) if status == 0 else None


def test_the_remedy_for_day_or_month_works(folder, capsys):
    polygons(square(0, 0, 32), when=['11/8/2018 12:00:00 AM']).to_file(folder / 'camp.gpkg')
    words = folder / 'images', '--polygons', folder / 'camp.gpkg', '--event-column', 'when'
    assert indexed(folder, *words) is None
    assert "camp.gpkg, column 'when': day or month first?" in capsys.readouterr().err
    assert flags(indexed(folder, *words, '--date-format', '%m/%d/%Y')) == CAMP_FIRE


def test_names_and_events_may_have_formats_of_their_own(tmp_path):
    for seed, name in enumerate(('x_01072018.tif', 'x_01102018.tif', 'x_01122018.tif')):
        write_raster(tmp_path / name, size_px=32, seed=seed)
    polygons(square(0, 0, 32), when=['11/08/2018']).to_file(tmp_path / 'camp.gpkg')
    words = *sorted(tmp_path.glob('x_*.tif')), '--polygons', tmp_path / 'camp.gpkg', '--event-column', 'when'
    found = indexed(tmp_path, *words, '--date-format', '%d%m%Y', '--date-format', '%m/%d/%Y')
    assert flags(found) == CAMP_FIRE


def test_a_format_that_fits_nothing_is_an_error(folder, capsys):
    assert indexed(folder, folder / 'images', '--date-format', '%d.%m.%Y') is None
    assert 'No date is written as %d.%m.%Y (--date-format)' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('dates', 'options'),
    [
        ([20_180_701, 20_181_001, 20_181_201], []),
        ([1_530_403_200_000, 1_538_352_000_000, 1_543_622_400_000], []),
        (['01/07/2018', '01/10/2018', '01/12/2018'], ['--date-format', '%d/%m/%Y']),
        (['Jul 1, 2018', 'Oct 1, 2018', 'Dec 1, 2018'], []),
    ],
)
def test_dates_of_tables_are_read(folder, dates, options):
    paths = sorted(map(str, (folder / 'images').glob('*.tif')))
    pd.DataFrame({'path': paths, 'date': dates}).to_csv(folder / 'table.csv', index=False)
    words = '--table', folder / 'table.csv', '--path-column', 'path', '--date-column', 'date'
    assert [str(date)[:10] for date in indexed(folder, *words, *options).index['dates'][0]] == [
        '2018-07-01',
        '2018-10-01',
        '2018-12-01',
    ]


def test_a_wrong_date_in_a_table_is_told_with_its_row(folder):
    frame = pd.DataFrame({'path': ['a', 'b', 'c'], 'date': ['2018-07-01', None, 'soon']})
    frame.to_csv(folder / 'table.csv', index=False)
    with pytest.raises(ValueError, match=r"table\.csv, column 'date': not written as 2018-11-08.*'soon' \(row 3\)"):
        scan_table(folder / 'table.csv', path_column='path', date_column='date')


@pytest.mark.parametrize(
    ('tag', 'time'),
    [
        ('2018:11:08 06:30:00', '2018-11-08T06:30Z'),
        ('2018-11-08T06:30:00-08:00', '2018-11-08T14:30Z'),
        ('20181108', '2018-11-08T00:00Z'),
        ('1541658600000', '2018-11-08T06:30Z'),
        ('08-NOV-2018', '2018-11-08T00:00Z'),
    ],
)
def test_tags_are_read(tmp_path, tag, time):
    path = write_raster(tmp_path / 'x.tif', tags={'TAKEN': tag})
    assert scan_rasters([path], date_tag='TAKEN').files['time'].tolist() == [pd.Timestamp(time).timestamp()]


def test_tags_of_a_domain_are_read_and_others_are_named(tmp_path):
    path = write_raster(tmp_path / 'x.tif', tags={'TIFFTAG_DATETIME': '2018:11:08 06:30:00'})
    with rasterio.open(path, 'r+') as file:
        file.update_tags(ns='IMAGERY', ACQUISITIONDATETIME='2018-11-08 06:30:00')
    assert scan_rasters([path], date_tag='ACQUISITIONDATETIME').files['time'].tolist() == [1_541_658_600]
    with pytest.raises(ValueError, match="no tag 'TAKEN', but ACQUISITIONDATETIME, TIFFTAG_DATETIME"):
        scan_rasters([path], date_tag='TAKEN')


@pytest.mark.parametrize(
    ('tag', 'message'),
    [
        ('0000:00:00 00:00:00', "tag 'TAKEN': no date in a way that is known: '0000:00:00 00:00:00'"),
        ('08/11/2018', "tag 'TAKEN': day or month first.*--date-format"),
        ('2018', "tag 'TAKEN': no single day.*'2018'"),
        ('2031-01-01', "tag 'TAKEN': lies in the future"),
    ],
)
def test_tags_that_are_no_date_are_told(tmp_path, tag, message):
    path = write_raster(tmp_path / 'x.tif', tags={'TAKEN': tag})
    with pytest.raises(ValueError, match=message):
        scan_rasters([path], date_tag='TAKEN')
    with_format = scan_rasters([path], date_tag='TAKEN', date_format='%d/%m/%Y') if '/' in tag else None
    assert with_format is None or with_format.files['time'].tolist() == [1_541_635_200]


def test_images_that_are_all_of_1970_are_an_error(tmp_path):
    with pytest.raises(ValueError, match='All images are dated to 1970; check --date-regex'):
        scan_rasters([write_series(tmp_path / 'a', ('19700101', '19700824'))])


def test_a_recovery_needs_a_day(folder):
    frame = gpd.GeoDataFrame({'back': ['2019']}, geometry=[square(0, 0, 32)], crs='EPSG:32633')
    with pytest.raises(ValueError, match="the polygons, column 'back': no single day"):
        change_polygons(frame, event_date='2018-11-08', recovered_column='back')
