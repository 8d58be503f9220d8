import numpy as np
import pytest
import torch

from geo_noisy.datamodules import TemporalPairsDataModule
from geo_noisy.pairs import PairIndex, PairPolicy, build_index, change_polygons, scan_rasters
from tests.data.regions import polygons, square, write_series

DATES = ('20200101', '20200701', '20210701')


@pytest.fixture(scope='module')
def stored(tmp_path_factory):
    """36 windows of 16 px, three dates, an event in some; no splits."""
    folder = tmp_path_factory.mktemp('region')
    index = build_index(scan_rasters([write_series(folder / 'images', DATES, size_px=96)]), size_px=16)
    index.with_noise(change_polygons(polygons(square(0, 0, 60)), event_date='2020-03-01')).write(
        folder / 'pairs.parquet'
    )
    index.write(folder / 'unknown.parquet')
    return folder


def module(stored, name='pairs', **arguments):
    defaults = {'batch_size': 4, 'block_px': 32, 'shares': (0.5, 0.25, 0.25), 'scale': 100.0}
    found = TemporalPairsDataModule(str(stored / f'{name}.parquet'), **defaults | arguments)
    found.setup('fit')
    return found


def batches(loader):
    return list(loader)


def test_training_and_validation_lie_on_separate_ground(stored):
    data = module(stored, margin_px=2, block_px=48, shares=(0.5, 0.5, 0.0))
    boxes = [part.pair_index.windows() for part in (data.train_dataset, data.val_dataset)]
    assert min(first.distance(second) for first in boxes[0] for second in boxes[1]) >= 20
    other = module(stored, block_px=48, shares=(0.5, 0.5, 0.0), split_seed=1)
    assert set(other.train_dataset.pair_index.locations.place) != set(data.train_dataset.pair_index.locations.place)


def test_splits_of_the_index_are_kept(stored, tmp_path):
    index = PairIndex.read(stored / 'pairs.parquet').with_splits(block_px=16, shares=(0.25, 0.5, 0.25), seed=5)
    index.write(tmp_path / 'split.parquet')
    data = TemporalPairsDataModule(str(tmp_path / 'split.parquet'))
    data.setup('fit')
    assert len(data.train_dataset) == 9
    for idle in ({'block_px': 32}, {'margin_px': 2}, {'shares': (0.5, 0.5, 0.0)}):
        data = TemporalPairsDataModule(str(tmp_path / 'split.parquet'), **idle)
        with pytest.raises(ValueError, match=f'{next(iter(idle))} cannot act: .* has splits of its own'):
            data.setup('fit')


def test_images_that_moved_are_found_in_the_root(tmp_path):
    index = build_index(scan_rasters([write_series(tmp_path / 'images', DATES, size_px=96)]), size_px=16)
    index.write(tmp_path / 'pairs.parquet')
    (tmp_path / 'images').rename(tmp_path / 'moved')
    assert len(module(tmp_path, root=str(tmp_path / 'moved')).train_dataset) > 0
    with pytest.raises(FileNotFoundError, match='not where they were'):
        module(tmp_path)


def test_batches_keep_the_pair_contract(stored):
    batch = batches(module(stored).train_dataloader())[0]
    assert batch['image'].shape == (4, 2, 2, 16, 16)
    assert batch['noise'].dtype == torch.float32


def test_validation_sees_clean_pairs_or_all_where_noise_is_unknown(stored):
    noisy = torch.cat([batch['noisy'] for batch in batches(module(stored).val_dataloader())])
    assert set(noisy.tolist()) == {0}
    noisy = torch.cat([batch['noisy'] for batch in batches(module(stored, name='unknown').val_dataloader())])
    assert set(noisy.tolist()) == {-1}
    assert len(batches(module(stored, val_length=8).val_dataloader())) == 2


def test_policy_length_and_weights_reach_the_sampler(stored):
    data = module(stored, policy=PairPolicy(rate=0.5), shares=(0.8, 0.2, 0.0))
    noisy = torch.cat([batch['noisy'] for batch in batches(data.train_dataloader())])
    assert 0 < noisy.float().mean() <= 0.6
    assert len(batches(module(stored, length=20).train_dataloader())) == 5
    weighted = module(stored, weights_column='pairs_noisy', shares=(0.8, 0.2, 0.0), length=40)
    drawn = torch.cat([batch['place'] for batch in batches(weighted.train_dataloader())])
    frame = weighted.train_dataset.index
    assert set(drawn.tolist()) <= set(frame.loc[frame['pairs_noisy'] > 0, 'place'])
    with pytest.raises(ValueError, match="weights_column is 'value'; the index has"):
        module(stored, weights_column='value').train_dataloader()


@pytest.mark.parametrize(
    ('arguments', 'found'),
    [
        ({'bands': [2]}, lambda data: batches(data.train_dataloader())[0]['image'].shape[2] == 1),
        ({'roi': (399_999, 4_999_500, 400_500, 5_000_001)}, lambda data: len(data.pair_index) == 9),
        ({'months': [7]}, lambda data: set(np.diff(data.pair_index.offsets)) == {2}),
        ({'toi': ('2020-01-01', '2020-12-31')}, lambda data: set(np.diff(data.pair_index.offsets)) == {2}),
        ({'stack_dates': True}, lambda data: data.aug(batches(data.train_dataloader())[0])['image'].shape[1] == 4),
        ({'align': 'resample'}, lambda data: data.train_dataset._reader.align == 'resample'),
        ({'on_error': 'skip'}, lambda data: data.train_dataset.on_error == 'skip'),
        ({'fill': 5.0}, lambda data: data.train_dataset._fill.tolist() == [5, 5]),
        ({'eval_batch_size': 2}, lambda data: len(batches(data.val_dataloader())[0]['noise']) == 2),
    ],
)
def test_options_reach_the_data(stored, arguments, found):
    assert found(module(stored, **arguments))


def test_sensors_reach_the_data(stored):
    with pytest.raises(ValueError, match='No file comes from sensor X'):
        module(stored, sensors=['X'])


def test_seeds_choose_the_order(stored):
    first, again, other = (
        torch.cat([batch['draw'] for batch in batches(module(stored, seed=seed).train_dataloader())])
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_band_statistics_are_those_of_the_training_split_scaled(stored):
    data = module(stored)
    mean, std = data.band_statistics()
    assert mean == pytest.approx([value / 100 for value in data.pair_index.statistics.mean])
    assert len(std) == 2
    assert len(module(stored, bands=[1]).band_statistics()[0]) == 1


def test_a_wrong_date_is_told_at_once(stored):
    with pytest.raises(ValueError, match='soon'):
        TemporalPairsDataModule('x.parquet', toi=('soon', '2020-01-01'))
