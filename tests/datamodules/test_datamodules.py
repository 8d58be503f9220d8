"""Scaling, statistics, and what data modules pass on."""

import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules import VTSPairsDataModule, VTSSegmentationDataModule
from geo_noisy.datamodules.base import Scale
from geo_noisy.datamodules.keyed import KeyedDataset
from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.loader import build_loader
from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.datamodules.sampled import sample_statistics
from geo_noisy.datasets import VTSPairs, VTSSegmentation
from geo_noisy.pairs import PairPolicy
from geo_noisy.pairs.keys import PairKey
from geo_noisy.samplers.keyed import KeyedSampler
from geo_noisy.tasks.features import FeatureStore
from tests.data.numbers import Numbers, loader
from tests.data.vts import pairs_datamodule, segmentation_datamodule


class TestScale:
    def test_units(self) -> None:
        assert Scale(200.0)({'image': torch.tensor([100.0])})['image'].item() == 0.5

    def test_of_a_data_module(self) -> None:
        assert PairDataModule(Numbers, scale=200.0).aug({'image': torch.tensor([100.0])})['image'].item() == 0.5

    def test_stacked_dates(self) -> None:
        image = torch.rand(3, 2, 4, 5, 5)
        assert torch.equal(
            Scale(1.0, stack_dates=True)({'image': image})['image'], torch.cat([image[:, 0], image[:, 1]], 1)
        )

    def test_features_pass(self) -> None:
        assert Scale(255.0)({'feature': torch.ones(1)}).keys() == {'feature'}

    def test_bad_scale(self) -> None:
        with pytest.raises(ValueError, match=r'scale is 0'):
            PairDataModule(Numbers, scale=0.0)


def test_statistics_of_the_bands() -> None:
    mean, deviation = sample_statistics(Numbers(5), scale=2.0)
    assert mean == pytest.approx([1.0, 1.0])
    assert deviation == pytest.approx([np.sqrt(0.5)] * 2)
    assert sample_statistics(Numbers(101), scale=1.0, samples=3)[0] == pytest.approx([50.0, 50.0])


def doubled(batch: Sample, visit: int) -> tuple[Tensor, Tensor]:
    return batch['image'] * (2 + visit), batch['mask'] + visit


class TestFeatureStore:
    def test_visits_follow_each_other(self) -> None:
        images = build_loader(KeyedDataset(Numbers()), sampler=KeyedSampler(10, shuffle=False), batch_size=4)
        store = FeatureStore.build(images, doubled, 'all', storage='memory', visits=2)
        assert len(store) == 20
        assert [store[i]['feature'].unique().item() for i in (7, 17)] == [14, 21]
        assert [store[i]['mask'].unique().item() for i in (7, 17)] == [1, 2]

    @pytest.mark.parametrize('storage', ['memory', 'disk'])
    def test_holds_features_and_masks(self, storage: Any) -> None:
        images = build_loader(KeyedDataset(Numbers()), sampler=KeyedSampler(10, shuffle=False), batch_size=4)
        store = FeatureStore.build(images, doubled, 'all', storage=storage)
        assert len(store) == 10
        assert store[7]['feature'].unique().item() == 14
        assert store[7]['mask'].unique().item() == 1
        assert store.nbytes == 10 * (2 * 16 * 4 + 16)

    @pytest.mark.parametrize(('storage', 'error'), [('memory', None), ('disk', FileNotFoundError)])
    def test_disk_alone_takes_a_file_in_the_temporary_folder(
        self, storage: Any, error: type[OSError] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'absent'))
        with pytest.raises(error) if error else nullcontext():
            FeatureStore.build(loader(), doubled, 'all', storage=storage)

    def test_unknown_storage(self) -> None:
        with pytest.raises(ValueError, match="storage is 'tape'"):
            FeatureStore.build(loader(), doubled, 'all', storage='tape')


class TestPairDataModule:
    def test_policy_chooses_the_pairs(self) -> None:
        flags = {}
        for rate in (0.0, 1.0):
            data = pairs_datamodule(rate=rate)
            data.setup('fit')
            flags[rate] = torch.cat([batch['noisy'] for batch in data.train_dataloader()])
        assert flags[0.0].sum() == 0
        assert flags[1.0].all()

    def test_mere_exposure(self) -> None:
        data = pairs_datamodule(policy=PairPolicy(rate=1.0, match='draw', mere_exposure=True))
        data.setup('fit')
        batch = next(iter(data.train_dataloader()))
        assert batch['exposure'].all()
        assert torch.equal(batch['image'][:, 0], batch['image'][:, 1])
        assert (batch['noise'] == 0).all()

    def test_validation_is_clean_and_fixed_at_every_rate(self) -> None:
        epochs = []
        for rate in (0.0, 1.0):
            data = pairs_datamodule(rate=rate)
            data.setup('fit')
            validation = data.val_dataloader()
            for epoch in range(2):
                validation.sampler.set_epoch(epoch)
                epochs.append(torch.cat([batch['draw'] for batch in validation]))
                assert all((batch['noisy'] == 0).all() for batch in validation)
        assert all(torch.equal(epochs[0], epoch) for epoch in epochs)

    def test_r_img_size_and_cells(self) -> None:
        data = pairs_datamodule(rate=1.0, r_img=0.25, size_px=40)
        data.setup('fit')
        batch = next(iter(data.train_dataloader()))
        assert batch['image'].shape[-2:] == (40, 40)
        assert 0.05 < batch['noise'].mean() < 0.5

    def test_options_reach_the_data_set(self) -> None:
        options: dict[str, Any] = {
            'size_px': 24,
            'cells': 6,
            'categories': ('matted', 'veined'),
            'noise_category': 'layered',
            'r_img': 0.5,
        }
        data = VTSPairsDataModule(**options, val_count=5, dataset_seed=3)
        ours, expected = data.build_dataset('val'), VTSPairs(split='val', count=5, seed=3, **options)
        assert len(ours) == 5
        assert torch.equal(ours[PairKey(2, 0, 1)]['image'], expected[PairKey(2, 0, 1)]['image'])

    def test_labels_of_mere_exposure(self) -> None:
        labels = {}
        for choice in ('noise_free', 'ignore', 'true'):
            policy = PairPolicy(rate=1.0, match='draw', mere_exposure=True)
            data = pairs_datamodule(policy=policy, exposure_labels=choice)
            data.setup('fit')
            labels[choice] = set(next(iter(data.train_dataloader()))['mask'].unique().tolist())
        assert labels == {'noise_free': {0, 1}, 'ignore': {0, 1, 255}, 'true': {0, 1, 2}}

    def test_pairs_of_torchgeos_own_tasks(self) -> None:
        data = pairs_datamodule(stack_dates=True)
        data.setup('fit')
        assert data.aug(next(iter(data.train_dataloader())))['image'].shape == (8, 6, 32, 32)


@pytest.mark.parametrize('build', [pairs_datamodule, segmentation_datamodule])
def test_seed_of_seed_everything_unless_given(
    build: Callable[..., PairDataModule | LabelledDataModule],
) -> None:
    assert build().seed == 0
    pl.seed_everything(7, verbose=False)
    assert build().seed == 7
    assert build(seed=3).seed == 3
    assert build(seed=0).seed == 0


@pytest.mark.parametrize('build', [pairs_datamodule, segmentation_datamodule])
def test_seed_of_the_split_reaches_the_data_sets(build: Callable[..., PairDataModule | LabelledDataModule]) -> None:
    numbers = {seed: build(split_seed=seed).build_dataset('val').mosaics.textures.numbers for seed in (0, 1)}
    assert not all(np.array_equal(first, second) for first, second in zip(*numbers.values(), strict=True))


@pytest.mark.parametrize('build', [pairs_datamodule, segmentation_datamodule])
def test_batch_sizes_and_workers(build: Callable[..., PairDataModule | LabelledDataModule]) -> None:
    data = build(eval_batch_size=5, num_workers=2)
    data.setup('fit')
    assert (data.train_dataloader().batch_size, data.val_dataloader().batch_size) == (8, 5)
    assert data.train_dataloader().num_workers == data.val_dataloader().num_workers == 2


class TestLabelledDataModule:
    def test_noise_option(self) -> None:
        classes = {}
        for noise in ('half', 'evaluation', 'none'):
            data = segmentation_datamodule(noise=noise)
            data.setup('fit')
            train, val = (
                torch.stack([dataset[i]['mask'] for i in range(16)]).max().item()
                for dataset in (data.train_dataset, data.val_dataset)
            )
            classes[noise] = (train, val)
        assert classes == {'half': (2, 2), 'evaluation': (1, 2), 'none': (1, 1)}

    def test_options_reach_the_data_set(self) -> None:
        options: dict[str, Any] = {
            'size_px': 24,
            'cells': 6,
            'categories': ('matted', 'veined'),
            'noise_category': 'layered',
        }
        data = VTSSegmentationDataModule(**options, test_count=5, dataset_seed=3)
        ours, expected = data.build_dataset('test'), VTSSegmentation(split='test', count=5, seed=3, **options)
        assert len(ours) == 5
        for i in range(5):
            assert torch.equal(ours[i]['image'], expected[i]['image'])

    def test_training_order_is_of_seed_and_epoch(self) -> None:
        orders = []
        for seed, epoch in ((0, 0), (0, 0), (0, 1), (1, 0)):
            data = segmentation_datamodule(seed=seed)
            data.setup('fit')
            images = data.train_dataloader()
            images.sampler.set_epoch(epoch)
            orders.append(torch.cat([batch['image'] for batch in images]))
        assert [torch.equal(orders[0], order) for order in orders] == [True, True, False, False]

    def test_other_seeds_choose_other_labels(self) -> None:
        chosen = []
        for seed in (0, 1):
            data = segmentation_datamodule(seed=seed, label_fraction=0.5)
            data.setup('fit')
            chosen.append(set(data.train_dataset.indices))
        assert chosen[0] != chosen[1]
