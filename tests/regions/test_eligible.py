"""An option that cannot act is an error that names the column; what it asks for and is unknown is counted."""

import pandas as pd
import pytest

from geo_noisy.pairs import Limits, PairRules, build_index, scan_rasters, scan_table
from tests.data.regions import write_series

DATES = ('20200101', '20210101', '20220101')


@pytest.fixture
def images(tmp_path):
    return write_series(tmp_path / 'images', DATES)


def table(images, **columns):
    path = images / 'items.csv'
    frame = {'path': sorted(map(str, images.glob('*.tif'))), 'datetime': ['2020-01-01', '2021-01-01', '2022-01-01']}
    pd.DataFrame(frame | columns).to_csv(path, index=False)
    return path


def index_of(path, *, max_cloud=10.0, rules=None, **columns):
    scan = scan_table(path, path_column='path', **columns)
    return build_index(scan, size_px=32, limits=Limits(max_cloud=max_cloud), rules=rules)


def left_out(index):
    return [(item.number, item.reason) for item in index.excluded if item.what == 'file']


def test_files_in_a_folder_have_no_cover(images):
    with pytest.raises(ValueError, match=r'nothing tells the cloud cover of any file: give a table .*--cloud-column'):
        build_index(scan_rasters([images]), size_px=32, limits=Limits(max_cloud=10))


@pytest.mark.parametrize('columns', [{}, {'cover': [90, 5, 5]}, {'eo:cloud_cover': [None] * 3}])
def test_a_table_without_known_cover_is_named_with_its_columns(images, columns):
    with pytest.raises(ValueError, match=r'nothing tells the cloud cover of any file \(.*items\.csv'):
        index_of(table(images, **columns))


def test_a_misspelt_column_is_told_with_the_nearest(images):
    path = table(images, cloud_cover=[90, 5, 5])
    with pytest.raises(ValueError, match=r"no column 'cloudcover' \(--cloud-column\).*Did you mean 'cloud_cover'"):
        index_of(path, cloud_column='cloudcover')
    with pytest.raises(ValueError, match=r"no column 'satellite' \(--sensor-column\)"):
        index_of(path, cloud_column='cloud_cover', sensor_column='satellite')


def test_unknown_cover_is_never_clear(images):
    index = index_of(table(images, **{'eo:cloud_cover': [None, 5, 5]}))
    assert left_out(index) == [(1, 'cloud cover unknown, and --max-cloud limits it')]
    assert len(index.files) == 2


def test_cloudy_files_are_counted(images):
    assert left_out(index_of(table(images, **{'eo:cloud_cover': [90, 5, 5]}))) == [(1, 'cloud cover above 10 %')]


def test_minus_one_of_landsat_is_unknown(images):
    index = index_of(table(images, **{'eo:cloud_cover': [-1, 5, 5]}))
    assert left_out(index) == [(1, 'cloud cover unknown, and --max-cloud limits it')]


@pytest.mark.parametrize(
    ('cover', 'message'),
    [
        ([0.9, 0.05, 0.05], r'lies between 0\.05 and 0\.9.*multiply them by 100'),
        (['90%', '5%', '5%'], r"no cloud cover in percent: '90%' \(row 1\).*Write numbers from 0 to 100"),
        ([900, 5, 5], r'no cloud cover in percent: 900'),
    ],
)
def test_fractions_text_and_what_is_no_percentage_are_refused(images, cover, message):
    with pytest.raises(ValueError, match=message):
        index_of(table(images, **{'eo:cloud_cover': cover}))


def test_pairs_of_one_sensor_need_sensors(images):
    rules = PairRules(same_sensor=True)
    with pytest.raises(ValueError, match=r'nothing tells the sensor of any file: give --sensor-regex'):
        build_index(scan_rasters([images]), size_px=32, rules=rules)
    index = index_of(table(images, platform=['a', None, 'a']), max_cloud=None, rules=rules)
    assert left_out(index) == [(1, 'sensor unknown, and --same-sensor asks for one')]


def test_rules_chosen_later_mean_the_same(images):
    index = index_of(table(images, platform=['a', None, 'a']), max_cloud=None)
    assert index.count('unknown') == 4 * 3
    assert index.with_rules(PairRules(same_sensor=True)).count('unknown') == 4
    with pytest.raises(ValueError, match='nothing tells the sensor'):
        build_index(scan_rasters([images]), size_px=32).with_rules(PairRules(same_sensor=True))
