import os
import pickle
from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from geopandas.testing import assert_geodataframe_equal

from geo_noisy.datasets import XBDLabels, XBDPairs, XBDSegmentation, XBDSplit
from geo_noisy.datasets.xbd import index as xbd_index
from geo_noisy.datasets.xbd import tiles as xbd_tiles
from geo_noisy.pairs import PairKey
from tests.data.xbd import Building, edit_label, image_pixels, paths, write_pair, write_tree


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp('xbd'))


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp('cache')


@pytest.fixture
def pairs(root, cache):
    def build(split='test', **options):
        return XBDPairs(root, split=split, **({'cache_dir': cache, 'progress': False} | options))

    return build


@pytest.fixture
def segmentation(root, cache):
    def build(split='test', **options):
        return XBDSegmentation(root, split=split, cache_dir=cache, progress=False, **options)

    return build


def test_index_counts_each_tile(pairs):
    index = pairs().index
    assert index['location'].tolist() == list(range(8))
    assert index['tile'].tolist() == [0, 1, 2, 3] * 2
    assert index[['row_px', 'col_px']].to_numpy()[:4].tolist() == [[0, 0], [0, 512], [512, 0], [512, 512]]
    assert index['buildings_destroyed'].tolist() == [1, 0, 0, 0] + [0] * 4
    assert index['buildings_no_damage'].tolist() == [0, 1, 0, 0] + [0] * 4
    assert index['buildings_un_classified'].tolist() == [0, 0, 1, 0] + [0] * 4
    assert index['pixels_destroyed'].tolist() == [1200] + [0] * 7
    assert index['pixels_building_pre'].tolist() == [2400, 1200, 1200, 0] + [0] * 4
    assert (index.filter(like='pixels_').drop(columns='pixels_building_pre').sum(axis=1) == 512**2).all()
    assert index['off_nadir_pre_deg'].tolist() == [10.0] * 8
    assert index['sensor_post'].tolist() == ['WORLDVIEW02'] * 8
    assert index['disaster'].tolist() == ['alpha-flood'] * 8
    assert index['time_post'].iloc[0] == datetime(2017, 10, 11, 19, 19, 41, tzinfo=UTC)


def test_noise_is_the_share_of_damaged_pixels(pairs):
    index = pairs().index
    assert index['noise'].tolist() == [2400 / 512**2] + [0.0] * 7
    assert index['noisy'].tolist() == [1] + [0] * 7


def test_min_noise_moves_the_flag(pairs):
    assert pairs(min_noise=0.01).index['noisy'].tolist() == [0] * 8


def test_damage_before_the_disaster_is_no_noise(tmp_path):
    write_pair(tmp_path, 'alpha-flood', 0, folder='test')
    label = paths(tmp_path, 'alpha-flood', 0, 'pre', folder='test')[1]
    edit_label(label, lambda document: document['features']['xy'][0]['properties'].update(subtype='major-damage'))
    dataset = XBDPairs(tmp_path, split='test', cache_dir=tmp_path / 'cache', progress=False)
    assert dataset.index['noisy'].tolist() == [0] * 4


def test_pairs_by_stratum(pairs):
    table = pairs().pairs()
    assert table.noisy.tolist() == [[0, 0, 1]]
    assert table.clean[:, 0].tolist() == list(range(1, 8))
    assert len(table.unknown) == 0


@pytest.mark.parametrize('tile_px', [256, 512, 1024])
def test_sample_is_the_tile(pairs, tile_px):
    dataset = pairs(tile_px=tile_px)
    row = len(dataset) // 2 - 1  # the last tile of the first image
    sample = dataset[row]
    last = slice(1024 - tile_px, 1024)
    for date, name in enumerate(('pre', 'post')):
        expected = torch.from_numpy(image_pixels(100, name)[last, last]).permute(2, 0, 1).float()
        torch.testing.assert_close(sample['image'][date], expected)
    assert {key: (tuple(value.shape), value.dtype) for key, value in sample.items()} == {
        'image': ((2, 3, tile_px, tile_px), torch.float32),
        'mask': ((2, tile_px, tile_px), torch.int64),
        'change': ((tile_px, tile_px), torch.uint8),
        'noise': ((), torch.float32),
        'noisy': ((), torch.int8),
        'exposure': ((), torch.bool),
        'place': ((), torch.int64),
        'time': ((2,), torch.int64),
        'draw': ((), torch.int64),
    }


def test_masks_are_binary_and_of_their_date(pairs):
    damaged, whole, unclassified, empty = (pairs()[row]['mask'] for row in range(4))
    assert damaged.unique().tolist() == [0, 1]
    assert damaged[:, 100:130, 100:140].eq(1).all()
    assert damaged.sum().item() == 2 * 2400
    assert whole.sum().item() == 2 * 1200
    # its damage is unknown afterwards, but it was a building before
    assert (unclassified[0].eq(1).sum(), unclassified[1].eq(255).sum(), unclassified[1].eq(1).sum()) == (1200, 1200, 0)
    assert empty.eq(0).all()


def test_unclassified_can_be_a_building(pairs):
    mask = pairs(labels=XBDLabels(unclassified='no-damage'))[2]['mask']
    assert mask.unique().tolist() == [0, 1]
    assert mask[1].sum() == 1200


def test_times_come_from_the_labels(pairs):
    times = [datetime(2017, 6, 21, 19, 9, 1, tzinfo=UTC), datetime(2017, 10, 11, 19, 19, 41, tzinfo=UTC)]
    assert pairs()[0]['time'].tolist() == [int(time.timestamp()) for time in times]


def test_exposure_is_the_post_tile_twice(pairs):
    dataset = pairs()
    plain, exposed = dataset[PairKey(0, 0, 1)], dataset[PairKey(0, 0, 1, exposure=True, draw=5)]
    torch.testing.assert_close(exposed['image'], plain['image'][[1, 1]])
    torch.testing.assert_close(exposed['mask'], plain['mask'][[1, 1]])
    assert exposed['time'].tolist() == [plain['time'][1].item()] * 2
    assert (exposed['noise'].item(), exposed['noisy'].item(), exposed['draw'].item()) == (0.0, 0, 5)
    assert plain['noise'].item() == pytest.approx(2400 / 512**2)


def test_locations_are_tiles(pairs):
    dataset = pairs()
    assert [dataset[row]['place'].item() for row in range(8)] == list(range(8))
    assert dataset[-1]['place'].item() == 7


@pytest.mark.parametrize('key', [8, -9, PairKey(8, 0, 1), PairKey(-1, 0, 1), PairKey(0, 1, 0), PairKey(0, 0, 2)])
def test_keys_that_name_no_pair(pairs, key):
    with pytest.raises(IndexError):
        pairs()[key]


def test_transforms_are_applied(pairs, segmentation):
    def add(sample):
        return sample | {'added': torch.ones(())}

    assert 'added' in pairs(transforms=add)[0]
    assert 'added' in segmentation(transforms=add)[0]


def test_train_and_val_share_out_the_tiles(pairs):
    train, val = pairs('train'), pairs('val')
    assert (len(train), len(val)) == (16, 8)
    names = [set(zip(dataset.index['image'], dataset.index['tile'], strict=True)) for dataset in (train, val)]
    assert not names[0] & names[1]
    assert set(train.index['folder']) == {'train', 'tier3'}


def test_folders_limit_what_is_shared_out(pairs):
    assert set(pairs('train', folders=('tier3',)).index['disaster']) == {'beta-fire'}


def test_splits_are_used(pairs):
    dataset = pairs('val', splits=XBDSplit(by='disaster', held_out=('beta-fire',)))
    assert set(dataset.index['disaster']) == {'beta-fire'}


def test_segmentation_sample(segmentation):
    dataset = segmentation()
    sample = dataset[0]
    assert (sample['image'].shape, sample['image'].dtype) == ((3, 512, 512), torch.float32)
    torch.testing.assert_close(sample['image'][2], torch.full((512, 512), 201.0))  # the post image
    assert sample['mask'].dtype == torch.int64
    assert sample['mask'][110, 110] == 4
    assert sample['mask'][110, 210] == 2
    assert dataset[2]['mask'].unique().tolist() == [0, 255]
    assert segmentation(labels=XBDLabels(unclassified='no-damage'))[2]['mask'].unique().tolist() == [0, 1]


@pytest.mark.parametrize('unclassified', ['ignore', 'no-damage'])
def test_class_counts_equal_the_masks(segmentation, unclassified):
    dataset = segmentation(labels=XBDLabels(unclassified=unclassified))
    masks = torch.stack([dataset[row]['mask'] for row in range(len(dataset))])
    counts = dataset.class_counts()
    assert counts.dtype == np.int64
    assert counts.tolist() == [masks.eq(label).sum().item() for label in range(5)]
    assert dataset.classes == ('background', 'no-damage', 'minor-damage', 'major-damage', 'destroyed')


def test_sources_are_the_images_that_tiles_are_cut_from(segmentation):
    dataset = segmentation()
    sources = dataset.sources()
    assert sources.shape == (len(dataset), 5)
    images = dataset.index['image'].tolist()
    assert len(set(images)) < len(images)
    same = [[first == second for second in images] for first in images]
    assert (sources[:, None] == sources[None]).all(axis=2).tolist() == same


def test_overlap_order_reaches_the_masks(tmp_path):
    write_pair(tmp_path, 'alpha-flood', 0, [Building(10, 10, subtype='destroyed'), Building(20, 10)], folder='test')
    masks = [
        XBDSegmentation(
            tmp_path, split='test', labels=XBDLabels(overlap=overlap), cache_dir=tmp_path / 'cache', progress=False
        )[0]['mask']
        for overlap in ('worst', 'file')
    ]
    assert [mask[20, 30].item() for mask in masks] == [4, 1]


def test_index_is_read_from_the_cache(pairs, tmp_path, monkeypatch):
    first = pairs(cache_dir=tmp_path).index
    monkeypatch.setattr(xbd_index, 'scan_pair', None)
    assert_geodataframe_equal(pairs(cache_dir=tmp_path).index, first)


@pytest.mark.parametrize('change', ['touch', 'add', 'tile', 'overlap', 'repair', 'version'])
def test_cached_index_is_renewed_when_something_changes(tmp_path, monkeypatch, change):
    write_pair(tmp_path, 'alpha-flood', 0, folder='test')
    options = {'split': 'test', 'cache_dir': tmp_path / 'cache', 'progress': False}
    XBDPairs(tmp_path, **options)
    match change:
        case 'touch':
            os.utime(paths(tmp_path, 'alpha-flood', 0, 'pre', folder='test')[1], ns=(1, 1))
        case 'add':
            write_pair(tmp_path, 'alpha-flood', 1, folder='test')
        case 'tile':
            options['tile_px'] = 256
        case 'overlap':
            options['labels'] = XBDLabels(overlap='file')
        case 'repair':
            options['labels'] = XBDLabels(repair=True)
        case 'version':
            monkeypatch.setattr(xbd_index, 'SCHEMA_VERSION', 0)
    XBDPairs(tmp_path, **options)
    assert len(list((tmp_path / 'cache').glob('*.parquet'))) == 2


def test_each_label_is_read_once_for_the_index(root, tmp_path, monkeypatch):
    read = []
    original = xbd_index.scan_pair.__globals__['read_label']

    def counting(path, **options):
        read.append(path)
        return original(path, **options)

    monkeypatch.setitem(xbd_index.scan_pair.__globals__, 'read_label', counting)
    XBDPairs(root, split='train', cache_dir=tmp_path, progress=False, workers=2)
    assert len(read) == len(set(read)) == 12


def test_index_does_not_hang_on_the_number_of_workers(root, tmp_path):
    one, four = (XBDPairs(root, split='train', cache_dir=tmp_path / str(n), progress=False, workers=n) for n in (1, 4))
    assert_geodataframe_equal(one.index, four.index)


def test_progress_bar_is_shown_on_request(root, tmp_path, capsys):
    for progress in (False, True):
        XBDPairs(root, split='test', cache_dir=tmp_path / str(progress), progress=progress)
        assert ('Reading xBD labels' in capsys.readouterr().err) is progress


def test_index_lies_in_the_users_cache_by_default(root, tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    XBDPairs(root, split='test', progress=False)
    assert len(list((tmp_path / 'geo-noisy' / 'xbd').glob('index-*.parquet'))) == 1


@pytest.fixture
def decoded(monkeypatch):
    """Paths that were decoded."""
    paths = []
    original = xbd_tiles.decode_image

    def counting(path):
        paths.append(path)
        return original(path)

    monkeypatch.setattr(xbd_tiles, 'decode_image', counting)
    return paths


def test_an_image_is_decoded_once_for_its_tiles(pairs, decoded):
    dataset = pairs()
    for row in range(len(dataset)):
        dataset[row]
    assert len(decoded) == len(set(decoded)) == 4


def test_few_images_stay_in_memory(pairs, decoded):
    dataset = pairs(max_images=1)
    dataset[0], dataset[1]
    assert len(decoded) == 4


def test_tile_cache_holds_the_same_samples(pairs, tmp_path, decoded):
    plain, cached = pairs(), pairs(tile_cache=tmp_path)
    for _ in range(2):
        for row in range(len(plain)):
            for key, value in plain[row].items():
                torch.testing.assert_close(cached[row][key], value)
    assert len(list(tmp_path.iterdir())) == 2
    decoded.clear()
    again = pairs(tile_cache=tmp_path)
    for row in range(len(again)):
        again[row]
    assert decoded == []


def test_tile_cache_serves_both_tasks(pairs, segmentation, tmp_path, decoded):
    pairs(tile_cache=tmp_path)[0]
    decoded.clear()
    torch.testing.assert_close(segmentation(tile_cache=tmp_path)[1], segmentation()[1])
    assert len(decoded) == 1


@pytest.mark.parametrize('change', ['touch', 'tile', 'overlap', 'repair'])
def test_cached_tiles_are_renewed_when_something_changes(tmp_path, change):
    write_pair(tmp_path, 'alpha-flood', 0, folder='test')
    options = {'split': 'test', 'cache_dir': tmp_path / 'cache', 'tile_cache': tmp_path / 'tiles', 'progress': False}
    XBDPairs(tmp_path, **options)[0]
    match change:
        case 'touch':
            os.utime(paths(tmp_path, 'alpha-flood', 0, 'pre', folder='test')[0], ns=(1, 1))
        case 'tile':
            options['tile_px'] = 256
        case 'overlap':
            options['labels'] = XBDLabels(overlap='file')
        case 'repair':
            options['labels'] = XBDLabels(repair=True)
    XBDPairs(tmp_path, **options)[0]
    assert len(list((tmp_path / 'tiles').iterdir())) == 2


def test_broken_tile_leaves_nothing_half_written(pairs, tmp_path, monkeypatch):
    dataset = pairs(tile_cache=tmp_path / 'tiles')

    def broken(reader, source):
        raise OSError('cannot read')

    monkeypatch.setattr(xbd_tiles.TileReader, '_cut', broken)
    with pytest.raises(OSError, match='cannot read'):
        dataset[0]
    assert list((tmp_path / 'tiles').iterdir()) == []


def test_workers_get_a_reader_without_images(pairs):
    dataset = pairs()
    sample = dataset[0]
    assert len(pickle.dumps(dataset)) < 200_000
    torch.testing.assert_close(pickle.loads(pickle.dumps(dataset))[0], sample)


def test_one_building_counts_in_one_tile(tmp_path):
    write_pair(tmp_path, 'alpha-flood', 0, [Building(500, 500, subtype='destroyed')], folder='test')
    index = XBDPairs(tmp_path, split='test', cache_dir=tmp_path / 'cache', progress=False).index
    assert index['buildings_destroyed'].tolist() == [0, 0, 0, 1]  # its centroid is at (520, 515)
    assert (index['pixels_destroyed'] > 0).all()
    assert index['noisy'].tolist() == [1] * 4
