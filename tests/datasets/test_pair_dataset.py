"""One look-up for every pair data set: a number, a negative number, a key."""

import numpy as np
import pytest
import torch

from geo_noisy.datasets import TemporalPairs, VTSPairs
from geo_noisy.pairs import PairKey, build_index, scan_rasters
from tests.data.regions import write_raster


@pytest.fixture
def region(tmp_path):
    rng = np.random.default_rng(0)
    for year in (2019, 2020, 2021):
        write_raster(tmp_path / f'a_{year}0615.tif', rng.integers(1, 255, (1, 32, 64), dtype=np.uint8))
    return TemporalPairs(build_index(scan_rasters([tmp_path]), size_px=32))


@pytest.fixture(params=['vts', 'region'])
def dataset(request):
    if request.param == 'vts':
        return VTSPairs(size_px=16, cells=4, count=2)
    return request.getfixturevalue('region')


def test_a_number_is_the_first_and_the_last_date_with_itself_as_draw(dataset):
    last = len(dataset.times(1)) - 1
    sample, named = dataset[1], dataset[PairKey(1, 0, last, draw=1)]
    assert set(sample) == set(named)
    assert all(torch.equal(sample[name].nan_to_num(), named[name].nan_to_num()) for name in sample)
    assert int(sample['draw']) == 1


def test_negative_numbers_count_from_the_end(dataset):
    assert torch.equal(dataset[-1]['image'], dataset[1]['image'])
    assert int(dataset[-1]['draw']) == 1


def test_an_image_beside_itself_and_mere_exposure_show_no_noise(dataset):
    last = len(dataset.times(0)) - 1
    for key in (PairKey(0, last, last), PairKey(0, 0, last, exposure=True)):
        sample = dataset[key]
        assert torch.equal(sample['image'][0], sample['image'][1])
        assert (float(sample['noise']), int(sample['noisy'])) == (0, 0)
        assert sample['time'].tolist() == [int(dataset.times(0)[last])] * 2


@pytest.mark.parametrize('key', [2, -3, PairKey(2, 0, 1), PairKey(-1, 0, 1), PairKey(0, 1, 0), PairKey(0, 0, 9)])
def test_what_is_not_there_is_told(dataset, key):
    with pytest.raises(IndexError, match=r'There is no (sample|location)|has no pair of dates'):
        dataset[key]


def test_iteration_ends(dataset):
    assert len(list(dataset)) == 2
