import pytest
import torch

from geo_noisy.datamodules.xbd import XBDPairsDataModule, XBDSegmentationDataModule
from geo_noisy.datasets import XBDLabels, XBDSplit
from geo_noisy.pairs import PairPolicy
from tests.data.xbd import Building, write_pair, write_tree


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp('xbd'))


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp('cache')


def pairs(root, cache, **options):
    module = XBDPairsDataModule(root, batch_size=2, cache_dir=cache, **options)
    module.setup('fit')
    return module


def segmentation(root, cache, stage='fit', **options):
    module = XBDSegmentationDataModule(root, batch_size=2, cache_dir=cache, **options)
    module.setup(stage)
    return module


def test_pairs_for_fit(root, cache):
    module = pairs(root, cache)
    assert (len(module.train_dataset), len(module.val_dataset)) == (16, 8)
    batch = next(iter(module.train_dataloader()))
    assert batch['image'].shape == (2, 2, 3, 512, 512)
    scaled = module.aug(batch)['image']
    torch.testing.assert_close(scaled, batch['image'] / 255)


def test_validation_is_clean(root, cache):
    module = pairs(root, cache)
    noisy = torch.cat([batch['noisy'] for batch in module.val_dataloader()])
    assert noisy.eq(0).all()
    assert len(noisy) == module.val_dataset.pairs().count('clean') < len(module.val_dataset)


def test_policy_reaches_the_loader(root, cache):
    module = pairs(root, cache, policy=PairPolicy(rate=1.0))
    assert torch.cat([batch['noisy'] for batch in module.train_dataloader()]).eq(1).all()


def test_stacked_dates(root, cache):
    module = pairs(root, cache, stack_dates=True, eval_batch_size=1)
    batch = next(iter(module.val_dataloader()))
    assert module.aug(batch)['image'].shape == (1, 6, 512, 512)


def test_pair_options_reach_the_data_set(root, cache, tmp_path):
    splits, labels = XBDSplit(seed=3), XBDLabels(unclassified='no-damage')
    module = pairs(
        root,
        cache,
        tile_px=256,
        splits=splits,
        labels=labels,
        folders=('tier3',),
        min_noise=0.5,
        tile_cache=tmp_path,
    )
    dataset = module.train_dataset
    assert (dataset.tile_px, dataset.splits, dataset.labels) == (256, splits, labels)
    assert set(dataset.index['folder']) == {'tier3'}
    assert not dataset.index['noisy'].any()
    dataset[0]
    assert len(list(tmp_path.iterdir())) == 1


def test_bad_files_are_dropped_on_request(tmp_path):
    for number in range(2):
        write_pair(tmp_path, 'alpha-flood', number, [Building(2000, 0)] if number else [Building(0, 0)])
    for build in (pairs, segmentation):
        with pytest.raises(ValueError, match='outside the image'):
            build(tmp_path, tmp_path / 'cache', folders=('train',))
        with pytest.warns(UserWarning, match='Left out 1'):
            module = build(tmp_path, tmp_path / 'cache', folders=('train',), on_error='drop')
        assert len(module.train_dataset) + len(module.val_dataset) == 4


def test_index_is_built_before_the_workers_start(root, tmp_path):
    XBDPairsDataModule(root, cache_dir=tmp_path).prepare_data()
    assert list(tmp_path.glob('*.parquet'))


def test_segmentation_splits(root, cache):
    module = segmentation(root, cache)
    assert (len(module.train_dataset), len(module.val_dataset)) == (16, 8)
    assert module.class_counts().sum() + 1200 * _unclassified(module.train_dataset) == 16 * 512**2
    batch = next(iter(module.train_dataloader()))
    assert batch['mask'].shape == (2, 512, 512)


def _unclassified(dataset):
    return int(dataset.index['buildings_un_classified'].sum())


@pytest.mark.parametrize(('test_split', 'tiles'), [('test', 8), ('val', 8)])
def test_segmentation_tests_on_a_split_of_choice(root, cache, test_split, tiles):
    module = segmentation(root, cache, stage='test', test_split=test_split)
    assert len(module.test_dataset) == tiles
    assert set(module.test_dataset.index['split']) == {test_split}


def test_segmentation_options_reach_the_data_set(root, cache, tmp_path):
    splits, labels = XBDSplit(by='image'), XBDLabels(overlap='file')
    options = {'tile_px': 1024, 'splits': splits, 'labels': labels, 'folders': ('train',), 'tile_cache': tmp_path}
    dataset = segmentation(root, cache, **options).train_dataset
    assert (dataset.tile_px, dataset.splits, dataset.labels) == (1024, splits, labels)
    assert set(dataset.index['folder']) == {'train'}
    dataset[0]
    assert len(list(tmp_path.iterdir())) == 1


def test_share_of_the_labels(root, cache):
    assert len(segmentation(root, cache, label_fraction=0.25).train_dataset) == 4
