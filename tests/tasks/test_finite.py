"""What is not a number, or was not measured: never perfect, never the best, and told."""

import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint

from geo_noisy.commands.ending.explain import explain
from geo_noisy.datasets import TemporalPairs, VTSPairs
from geo_noisy.errors import InputError
from geo_noisy.pairs import PairKey, build_index, scan_rasters
from geo_noisy.tasks import BestCheckpoint, DenseContrast, MomentumContrast, SegmentationProbe
from tests.data.regions import write_series
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer


def moco(**changes: Any) -> MomentumContrast:
    pl.seed_everything(0, verbose=False)
    return MomentumContrast(**{'queue_size': 16, 'projection_dim': 8, **changes})


class TestUnmeasured:
    def test_one_validation_pair(self, tmp_path: Path) -> None:
        best = BestCheckpoint(tmp_path, monitor='val_loss', save_last=True)
        run = trainer(tmp_path, callbacks=[best], enable_checkpointing=True)
        with pytest.warns(UserWarning, match='validation has 1 pair.*give it more'):
            run.fit(moco(), pairs_datamodule(val_count=1))
        assert all(run.callback_metrics[name].isnan() for name in ('val_loss', 'val_rank', 'val_top1'))
        assert 'val_spread' not in run.callback_metrics
        assert best.best_model_path == ''
        assert Path(best.last_model_path).exists()

    def test_one_place(self, tmp_path: Path) -> None:
        model, data = moco(), pairs_datamodule()
        on_device = data.aug
        data.aug = lambda batch: on_device(batch) | {'place': torch.zeros_like(batch['place'])}
        with pytest.warns(UserWarning, match=r'all 16 validation pairs show one place \(0\)'):
            metrics = trainer(tmp_path).validate(model, data, verbose=False)[0]
        assert all(np.isnan(metrics[name]) for name in ('val_loss', 'val_rank', 'val_top1'))

    def test_features_that_are_nan(self, tmp_path: Path) -> None:
        model = moco()
        model.model.conv1.weight.data.fill_(torch.nan)
        with pytest.warns(UserWarning, match='the features hold NaN'):
            metrics = trainer(tmp_path).validate(model, pairs_datamodule(), verbose=False)[0]
        assert all(np.isnan(metrics[name]) for name in ('val_loss', 'val_rank', 'val_top1'))

    def test_a_dense_loss_with_one_cell(self, tmp_path: Path) -> None:
        with pytest.warns(UserWarning, match='no image pair of validation has a cell .* smaller output_stride'):
            metrics = trainer(tmp_path).validate(DenseContrast(), pairs_datamodule(), verbose=False)[0]
        assert np.isnan(metrics['val_loss'])

    @pytest.mark.parametrize(('output_stride', 'told'), [(32, 1), (8, 0)])
    def test_a_dense_loss_with_one_cell_in_training(self, output_stride: int, told: int, tmp_path: Path) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            run = trainer(tmp_path, limit_val_batches=0)
            run.fit(DenseContrast(output_stride=output_stride), pairs_datamodule())
        said = [str(warning.message) for warning in caught if 'measures nothing' in str(warning.message)]
        assert len(said) == told
        assert all('step 0' in text and 'smaller output_stride' in text for text in said)
        assert bool(run.callback_metrics['train_loss'].isnan()) == bool(told)

    def test_dense_features_that_are_nan(self, tmp_path: Path) -> None:
        model = DenseContrast(output_stride=8)
        model.model.conv1.weight.data.fill_(torch.nan)
        with pytest.warns(UserWarning, match='the features hold NaN'):
            metrics = trainer(tmp_path).validate(model, pairs_datamodule(), verbose=False)[0]
        assert np.isnan(metrics['val_loss'])

    @pytest.mark.parametrize('stage', ['validate', 'test'])
    def test_a_probe_of_weights_that_are_nan(self, stage: str, tmp_path: Path) -> None:
        model = SegmentationProbe(classes=('first', 'second', 'noise'), output_stride=16)
        model.model.conv1.weight.data.fill_(torch.nan)
        with pytest.warns(UserWarning, match='the encoder or the head gives NaN'):
            metrics = getattr(trainer(tmp_path), stage)(model, segmentation_datamodule(), verbose=False)[0]
        assert all(np.isnan(value) for value in metrics.values())


@pytest.mark.parametrize('other', ['early', 'plateau'])
def test_callbacks_live_with_the_first_epochs(other: str, tmp_path: Path) -> None:
    """The queue is full after epoch 4 of 5; nothing may end the run before."""
    callbacks: list[Any] = [ModelCheckpoint(tmp_path, monitor='val_loss')]
    if other == 'early':
        callbacks.append(EarlyStopping('val_loss', patience=5))
    model = moco(queue_size=32, lr=1e-3)
    run = trainer(tmp_path, max_epochs=5, limit_train_batches=1, callbacks=callbacks, enable_checkpointing=True)
    if other == 'plateau':
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=9)
        model.configure_optimizers = lambda: {
            'optimizer': optimizer,
            'lr_scheduler': {'scheduler': schedule, 'monitor': 'val_loss'},
        }
    run.fit(model, pairs_datamodule())
    assert run.current_epoch == 5
    assert torch.isfinite(callbacks[0].best_model_score)


class TestStops:
    def test_divergence(self, tmp_path: Path) -> None:
        model = moco(lr=1e30)
        with pytest.raises(
            FloatingPointError, match=r'The loss is nan at step 1 \(epoch 0, batch 1\).*diverged.*place'
        ) as it:
            trainer(tmp_path).fit(model, pairs_datamodule())
        assert explain(it.value)[0] == 1

    def test_divergence_at_the_last_step(self, tmp_path: Path) -> None:
        model = moco()
        model.hparams['lr'] = float('inf')  # no argument takes it
        with pytest.raises(FloatingPointError, match='after step 1: training has diverged'):
            trainer(tmp_path, max_steps=1, limit_val_batches=0).fit(model, pairs_datamodule())

    def test_input_that_is_nan(self, tmp_path: Path) -> None:
        data = pairs_datamodule()
        on_device = data.aug

        def break_place_five(batch: Any) -> Any:
            batch = on_device(batch)
            batch['image'][batch['place'] == 5, :, 1] = torch.nan
            return batch

        data.aug = break_place_five
        message = r'because 1 samples of the batch hold NaN.*place 5, 2000-01-01 and'
        with pytest.raises(FloatingPointError, match=message):
            trainer(tmp_path, num_sanity_val_steps=0).fit(moco(), data)

    def test_training_images_that_are_nan(self, tmp_path: Path) -> None:
        data = pairs_datamodule()
        build = data.build_dataset

        class Broken(VTSPairs):
            def __getitem__(self, key: Any) -> Any:
                sample = super().__getitem__(key)
                sample['image'][:, 1] = torch.where(sample['place'] == 5, torch.nan, sample['image'][:, 1])
                return sample

            def files_of(self, place: int, times: Any) -> list[str]:
                return [f'{place}_{len(times)}.png']

        def build_broken(split: str) -> Any:
            dataset = build(split)
            dataset.__class__ = Broken
            return dataset

        data.build_dataset = build_broken
        message = r'sample 5 of the training split, place 5, 2000-01-01 and .*, 5_2\.png: band 2 holds NaN'
        with pytest.raises(InputError, match=message) as it:
            trainer(tmp_path).fit(moco(), data)
        assert explain(it.value)[0] == 1

    def test_probe(self, tmp_path: Path) -> None:
        model = SegmentationProbe(classes=('first', 'second', 'noise'), output_stride=16)
        model.hparams['lr'] = float('inf')  # no argument takes it
        with pytest.raises(FloatingPointError, match='training has diverged'):
            trainer(tmp_path).fit(model, segmentation_datamodule())


def test_files_of_a_region_are_named(tmp_path: Path) -> None:
    index = build_index(scan_rasters([write_series(tmp_path)]), size_px=16)
    dataset = TemporalPairs(index)
    sample = dataset[PairKey(2, 0, 2)]
    names = [Path(path).name for path in dataset.files_of(int(sample['place']), sample['time'].tolist())]
    assert [name.split('_')[-1] for name in names] == ['20200101.tif', '20220101.tif']
