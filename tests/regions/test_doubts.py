"""What was assumed or looks odd is told, and is an error where it is not wanted."""

import numpy as np
import pytest

from geo_noisy.main import main
from geo_noisy.pairs import build_index, change_polygons, scan_rasters
from tests.data.regions import polygons, square, write_series

DATES = ('20200101', '20210101')


def index(folder, *words):
    return main(['index', str(folder), '--size-px', '32', '-o', str(folder / 'p.parquet'), *words])


@pytest.fixture
def bordered(tmp_path):
    """Images of which the left quarter is 0, and no value without data is declared."""
    pixels = np.random.default_rng(0).integers(1, 255, (2, 64, 64), dtype=np.uint8)
    pixels[:, :, :16] = 0
    return write_series(tmp_path / 'bordered', DATES, pixels=pixels)


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
