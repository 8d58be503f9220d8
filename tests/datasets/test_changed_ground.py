"""Where a pair changed, as each data set tells it: 1 yes, 0 no, 255 unknown, and always of what is shown."""

import numpy as np
import pytest
import torch

from geo_noisy.datasets import TemporalPairs, VTSPairs, XBDLabels, XBDPairs
from geo_noisy.datasets.xbd.masks import damage_between
from geo_noisy.pairs import PairKey, build_index, change_polygons, change_raster, scan_rasters
from tests.data.regions import polygons, square, write_raster, write_series
from tests.data.xbd import write_pair

DATES = ('20200101', '20210101', '20220101')
UNKNOWN = 255


@pytest.mark.parametrize('in_memory', [False, True])
def test_vts_tells_the_noise_cells(in_memory):
    dataset = VTSPairs(size_px=32, cells=4, count=3, r_img=0.5, in_memory=in_memory)
    sample = dataset[2]
    assert (sample['change'].shape, sample['change'].dtype) == ((32, 32), torch.uint8)
    assert torch.equal(sample['change'] == 1, (sample['image'][0] != sample['image'][1]).any(dim=0))
    assert sample['change'].float().mean() == sample['noise'] > 0


@pytest.mark.parametrize('key', [PairKey(1, 0, 0), PairKey(1, 1, 1), PairKey(1, 0, 1, exposure=True)])
def test_an_image_beside_itself_has_not_changed(key):
    change = VTSPairs(size_px=32, cells=4, count=3, r_img=0.5)[key]['change']
    assert torch.equal(change, torch.zeros(32, 32, dtype=torch.uint8))


@pytest.mark.parametrize('unclassified', ['ignore', 'no-damage'])
def test_xbd_tells_the_damage(tmp_path, unclassified):
    write_pair(tmp_path, 'alpha-flood', 0, folder='test')
    labels = XBDLabels(unclassified=unclassified)
    dataset = XBDPairs(tmp_path, split='test', labels=labels, cache_dir=tmp_path / 'cache', progress=False)
    damaged, whole, unclassified_tile, _ = (dataset[row]['change'] for row in range(4))
    expected = torch.zeros(512, 512, dtype=torch.uint8)
    expected[100:130, 100:140] = expected[100:130, 200:240] = 1  # destroyed, and of minor damage
    assert torch.equal(damaged, expected)
    assert damaged.float().mean() == dataset[0]['noise']
    assert whole.unique().tolist() == [0]
    assert (unclassified_tile == UNKNOWN).sum() == 1200  # whatever such buildings count as in masks
    assert dataset[PairKey(0, 0, 1, exposure=True)]['change'].unique().tolist() == [0]


def test_xbd_damage_before_the_disaster_is_no_change():
    pre, post = np.zeros((2, 8, 8), dtype=np.uint8)
    post[:4] = 4
    assert damage_between(pre, post).tolist() == [[1] * 8] * 4 + [[0] * 8] * 4
    pre[0, 0] = 2
    assert damage_between(pre, post).sum() == 0  # as its noise


@pytest.fixture
def images(tmp_path):
    return scan_rasters([write_series(tmp_path / 'images', DATES)])


def change(index, location, earlier, later, **key):
    return TemporalPairs(index)[PairKey(location, earlier, later, **key)]['change'].numpy()


def quarter(value, elsewhere=0):
    """The upper left quarter of a window of 32 px."""
    expected = np.full((32, 32), elsewhere)
    expected[:16, :16] = value
    return expected


def test_a_region_tells_its_polygons_between_the_dates(images):
    event = change_polygons(polygons(square(0, 0, 16)), event_date='2020-06-01')
    index = build_index(images, size_px=32).with_noise(event, method='raster')
    assert change(index, 0, 0, 1).tolist() == quarter(1).tolist()
    assert change(index, 0, 1, 2).max() == 0  # it had happened
    assert change(index, 1, 0, 2).max() == 0  # other ground
    assert change(index, 0, 0, 2, exposure=True).max() == 0
    assert change(index, 0, 0, 1).mean() == index.pair_noise(0, 0, 1)


def test_what_may_have_happened_is_unknown_and_what_surely_did_comes_first(images):
    outlines = polygons(square(0, 0, 16), square(8, 8, 16), when=['2020-06-01/2021-06-01', '2020-06-01'])
    index = build_index(images, size_px=32).with_noise(change_polygons(outlines, event_column='when'))
    expected = quarter(UNKNOWN)
    expected[8:24, 8:24] = 1
    assert change(index, 0, 0, 1).tolist() == expected.tolist()
    expected[expected == UNKNOWN] = 1
    assert change(index, 0, 0, 2).tolist() == expected.tolist()


def test_ground_that_nobody_surveyed_is_unknown_but_for_what_surely_changed(images):
    surveyed = polygons(square(0, 0, 24))
    event = change_polygons(polygons(square(0, 0, 16)), event_date='2020-06-01', ground=surveyed)
    index = build_index(images, size_px=32).with_noise(event)
    assert change(index, 0, 0, 1).tolist() == quarter(1, elsewhere=UNKNOWN).tolist()
    assert change(index, 3, 0, 1).tolist() == [[UNKNOWN] * 32] * 32
    assert change(index, 3, 1, 1).max() == 0


def test_a_region_tells_its_change_raster(images, tmp_path):
    pixels = np.zeros((1, 64, 64), dtype=np.uint8)
    pixels[0, :16, :16] = 1
    told = change_raster(write_raster(tmp_path / 'change.tif', pixels), event_date='2020-06-01')
    index = build_index(images, size_px=32).with_noise(told)
    assert change(index, 0, 0, 1).tolist() == quarter(1).tolist()


def test_a_region_without_polygons_tells_nothing(images):
    dataset = TemporalPairs(build_index(images, size_px=32))
    assert 'change' not in dataset[0]
    assert 'change' not in dataset[PairKey(0, 1, 1)]  # all samples of a batch have the same keys


def test_the_index_keeps_what_changed(images, tmp_path):
    event = change_polygons(polygons(square(0, 0, 16)), event_date='2020-06-01')
    index = build_index(images, size_px=32).with_noise(event)
    index.write(tmp_path / 'pairs.parquet')
    assert change(type(index).read(tmp_path / 'pairs.parquet'), 0, 0, 1).tolist() == quarter(1).tolist()
