"""What was assumed or looks odd is told, and is an error where it is not wanted."""

import numpy as np
import pytest

from geo_noisy.main import main
from geo_noisy.pairs import build_index, change_polygons, scan_rasters
from tests.data.regions import polygons, square, write_raster, write_series

DATES = ('20200101', '20210101')


def index(folder, *words):
    return main(['index', str(folder), '--size-px', '32', '-o', str(folder / 'p.parquet'), *words])


@pytest.fixture
def bordered(tmp_path):
    """Images of which the left quarter is 0, and no value without data is declared."""
    (tmp_path / 'bordered').mkdir()
    for seed, date in enumerate(DATES):
        pixels = np.random.default_rng(seed).integers(1, 255, (2, 64, 64), dtype=np.uint8)
        pixels[:, :, :16] = 0
        write_raster(tmp_path / 'bordered' / f'{date}.tif', pixels)
    return tmp_path / 'bordered'


def test_one_border_value_is_doubtful_until_it_is_settled(bordered, capsys):
    assert index(bordered) == 0
    told = capsys.readouterr().out
    assert 'Doubts:' in told
    assert '--nodata' in told
    assert index(bordered, '--strict') == 1
    assert '--strict allows none' in capsys.readouterr().err
    assert index(bordered, '--strict', '--nodata', '0', '--max-nodata', '0.6') == 0


def test_no_noise_at_all_is_doubtful(tmp_path):
    folder = write_series(tmp_path / 'a', (*DATES, '20220101'))
    plain = build_index(scan_rasters(folder), size_px=32)
    change = change_polygons(polygons(square(0, 0, 8)), event_date='2020-06-01')
    assert not [doubt for doubt in plain.with_noise(change).every_doubt if doubt.about == 'noise']
    after = change_polygons(polygons(square(0, 0, 8)), event_date='2019-06-01/2023-01-01')  # when, nobody knows
    (doubt,) = [doubt for doubt in plain.with_noise(after).every_doubt if doubt.about == 'noise']
    assert 'no pair is noisy' in doubt.text


def told(folder, about, **options):
    return [doubt for doubt in scan_rasters(folder, **options).doubts if doubt.about == about]


@pytest.mark.parametrize(
    ('value', 'dtype'), [(-9999, 'int16'), (-32768, 'int16'), (float(np.finfo('f4').min), 'float32'), (1e20, 'float32')]
)
def test_a_value_that_means_no_data_by_custom_is_doubtful_wherever_it_is(tmp_path, value, dtype):
    """Two of 64 columns in the middle: too few for a border, enough to spoil every mean."""
    for seed, date in enumerate(DATES):
        pixels = np.random.default_rng(seed).integers(-100, 3000, (2, 64, 64)).astype(dtype)
        pixels[:, :, 30:32] = value
        write_raster(tmp_path / f'{date}.tif', pixels)
    (doubt,) = told(tmp_path, 'nodata')
    assert doubt.number == 2
    (option, stated) = doubt.remedy.split()[:2]
    assert (option, np.dtype(dtype).type(float(stated))) == ('--nodata', np.dtype(dtype).type(value))
    assert told(tmp_path, 'nodata', nodata=float(stated)) == []


def test_a_picture_of_one_value_is_doubtful_among_others(tmp_path):
    write_series(tmp_path, DATES)
    write_raster(tmp_path / 'image_20220101.tif', np.zeros((2, 64, 64), np.uint8))
    (doubt,) = told(tmp_path, 'nodata')
    assert 'all pixels that were looked at are 0' in doubt.text
    assert doubt.example.endswith('image_20220101.tif')


def test_copies_of_one_picture_under_two_dates_are_doubtful(tmp_path):
    write_series(tmp_path, DATES)
    assert told(tmp_path, 'dates') == []
    write_raster(tmp_path / 'image_20220101.tif', seed=1)
    (doubt,) = told(tmp_path, 'dates')
    assert 'the very same pixels' in doubt.text
    assert 'image_20210101.tif and' in doubt.example
