"""What 0, 1, other values, NaN and no data mean in a raster of change is stated, checked and overridable."""

import numpy as np
import pytest

from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.pairs import build_index, change_raster, scan_rasters
from tests.data.regions import write_raster, write_series

TRUTH = [0.25, 0, 0, 0]


@pytest.fixture
def images(tmp_path):
    return write_series(tmp_path / 'images', ('20200101', '20210101'))


def raster(folder, corner, *, background=0.0, dtype='uint8', nodata=None):
    """1 in a quarter of the first window, another value in the fourth window."""
    pixels = np.full((1, 64, 64), background, dtype=dtype)
    pixels[0, :16, :16] = 1
    if corner is not None:
        pixels[0, 32:, 32:] = corner
    return write_raster(folder / 'change.tif', pixels, nodata=nodata)


def noise(images, path, **meaning):
    index = build_index(scan_rasters(images), size_px=32).with_noise(change_raster(path, **meaning)).index
    return [None if np.isnan(value) else value for value in index['noise']]


def test_one_is_changed_and_zero_unchanged(images, tmp_path):
    assert noise(images, raster(tmp_path, None)) == TRUTH


def test_zero_declared_to_hold_no_data_is_unchanged_and_counted(images, tmp_path):
    path = raster(tmp_path, None, nodata=0)
    assert noise(images, path) == TRUTH
    told = [item for item in change_raster(path).excluded if item.what == 'change raster']
    assert [(item.number, '--unknown-values 0' in item.reason) for item in told] == [(1, True)]
    assert noise(images, path, unknown_values=[0]) == [None] * 4


@pytest.mark.parametrize('value', [2, 255])
def test_another_value_has_no_meaning_until_it_is_said(images, tmp_path, value):
    path = raster(tmp_path, value)
    with pytest.raises(InputError, match=rf'holds {value} in band 1.*--changed-values'):
        noise(images, path)
    assert noise(images, path, unknown_values=[value]) == [*TRUTH[:3], None]
    assert noise(images, path, changed_values=[1, value]) == [*TRUTH[:3], 1]
    assert noise(images, path, unchanged_values=[0, value]) == TRUTH


def test_a_declared_other_value_is_unknown(images, tmp_path):
    assert noise(images, raster(tmp_path, 255, nodata=255)) == [*TRUTH[:3], None]


@pytest.mark.parametrize('nodata', [None, float('nan')])
def test_what_is_not_a_number_is_unknown(images, tmp_path, nodata):
    path = raster(tmp_path, np.nan, dtype='float32', nodata=nodata)
    assert noise(images, path) == [*TRUTH[:3], None]
    everywhere = raster(tmp_path, None, background=np.nan, dtype='float32', nodata=nodata)
    assert noise(images, everywhere) == [None] * 4


def test_a_value_has_one_meaning(tmp_path):
    with pytest.raises(ValueError, match='1 has two meanings'):
        change_raster(raster(tmp_path, None), unchanged_values=[0, 1])


def test_meanings_through_the_command(images, tmp_path, capsys):
    path, output = raster(tmp_path, 2), str(tmp_path / 'p.parquet')
    words = ['index', str(images), '--size-px', '32', '--change-raster', str(path), '-o', output]
    assert main(words) == 1
    assert '--unknown-values' in capsys.readouterr().err
    assert main([*words, '--unknown-values', '2']) == 0
    assert 'Unknown:    1 pairs' in capsys.readouterr().out
