"""The probe: frozen means frozen, scores are pooled, features are worked out once."""

import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch

from geo_noisy import load_encoder
from geo_noisy.metrics.pooled import inverse_frequency_weights
from geo_noisy.tasks import MomentumContrast, SegmentationProbe
from geo_noisy.transforms import Views, VTSViews
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer

CLASSES = ('first', 'second', 'noise')


def task(**changes: Any) -> SegmentationProbe:
    pl.seed_everything(0, verbose=False)
    return SegmentationProbe(**{'classes': CLASSES, 'output_stride': 16, 'lr': 0.01, **changes})


def fit(folder: Path, model: SegmentationProbe, **changes: Any) -> pl.Trainer:
    data = changes.pop('data', None) or segmentation_datamodule()
    run = trainer(folder, **changes)
    run.fit(model, data)
    return run


def state(model: SegmentationProbe) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.model.state_dict().items()}


class TestFreeze:
    def test_frozen_encoder_does_not_move_at_all(self, tmp_path: Path) -> None:
        model = task()
        before, head = state(model), model.head[0].weight.clone()
        fit(tmp_path, model, max_epochs=2)
        assert all(torch.equal(before[key], value) for key, value in state(model).items())
        assert not torch.equal(head, model.head[0].weight)
        assert model.train().head.training
        assert not model.model.training
        assert not any(parameter.requires_grad for parameter in model.model.parameters())

    def test_fine_tuning_moves_all_of_it(self, tmp_path: Path) -> None:
        model = task(freeze=False)
        before = state(model)
        fit(tmp_path, model)
        assert not torch.equal(before['conv1.weight'], model.model.conv1.weight)
        assert not torch.equal(before['bn1.running_mean'], model.model.bn1.running_mean)

    def test_calibration_sets_batch_norm_to_the_statistics_of_the_training_images(self, tmp_path: Path) -> None:
        model = task(calibrate_batch_norm=True)
        weight = model.model.conv1.weight.clone()
        data = segmentation_datamodule(batch_size=24)
        fit(tmp_path, model, data=data)
        images = torch.stack([data.train_dataset[i]['image'] for i in range(24)]) / 255
        first = model.model.conv1(model.standardise(images))
        assert torch.allclose(model.model.bn1.running_mean, first.mean(dim=(0, 2, 3)), atol=1e-4)
        assert torch.equal(weight, model.model.conv1.weight)
        assert not model.model.training
        assert model.model.bn1.momentum == 0.1


def test_images_are_standardised() -> None:
    model, plain = task(band_mean=[0.5] * 3, band_std=[0.25] * 3).eval(), task().eval()
    image = torch.rand(2, 3, 32, 32)
    assert torch.allclose(model.encode(image), plain.encode((image - 0.5) / 0.25), atol=1e-5)


class TestFeatures:
    @pytest.mark.parametrize('storage', ['memory', 'disk'])
    def test_cached_features_give_the_same_probe(self, storage: str, tmp_path: Path) -> None:
        plain, cached, data = task(), task(cache_features=storage), segmentation_datamodule()
        for layer in (*plain.modules(), *cached.modules()):
            if isinstance(layer, torch.nn.Dropout):
                layer.p = 0.0  # the two draw from one generator at different moments
        first, second = fit(tmp_path, plain), fit(tmp_path, cached, data=data)
        assert torch.isclose(first.callback_metrics['val_loss'], second.callback_metrics['val_loss'], rtol=1e-3)
        stored, image = data.train_dataloader().dataset.dataset[5], data.train_dataset[5]
        feature = cached.encode(image['image'][None] / 255)[0]
        assert torch.allclose(stored['feature'], feature, atol=1e-4)
        assert torch.equal(stored['mask'], image['mask'])

    def test_the_encoder_sees_each_image_once(self, tmp_path: Path) -> None:
        seen = []
        for storage in ('memory', None):
            model = task(cache_features=storage)
            images = []
            model.model.register_forward_hook(lambda _m, x, _y, images=images: images.append(len(x[0])))
            fit(tmp_path, model, max_epochs=3, num_sanity_val_steps=0)
            seen.append(sum(images))
        assert seen == [24 + 16, 3 * (24 + 16)]

    def test_test_split(self, tmp_path: Path) -> None:
        scores = []
        for storage in ('memory', None):
            run = trainer(tmp_path)
            scores.append(run.test(task(cache_features=storage), segmentation_datamodule(), verbose=False)[0])
        assert scores[0]['test_f1_macro'] == pytest.approx(scores[1]['test_f1_macro'], abs=0.01)

    def test_the_bytes_are_stated(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level('INFO'):
            fit(tmp_path, task(cache_features='memory'))
        assert 'Features of train: 24 images take' in caplog.text

    @pytest.mark.parametrize('changes', [{'freeze': False}, {'views': Views()}])
    def test_features_that_change_cannot_be_cached(self, changes: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match='features change'):
            task(cache_features='memory', **changes)

    def test_another_encoder_gets_its_own_features(self, tmp_path: Path) -> None:
        data, run = segmentation_datamodule(), trainer(tmp_path)
        run.fit(task(cache_features='memory'), data)
        other = task(cache_features='memory')
        other.model.conv1.weight.data.mul_(-1)
        scores = [
            trainer(tmp_path).test(other, datamodule, verbose=False)[0]['test_loss']
            for datamodule in (data, data, segmentation_datamodule())
        ]
        assert scores[0] == scores[1] == scores[2]


class TestWeights:
    @pytest.mark.parametrize('kind', [str, Path])
    def test_encoder_and_statistics_of_a_checkpoint(self, kind: Any, tmp_path: Path) -> None:
        pretrained = MomentumContrast(queue_size=8, output_stride=16, band_mean=[0.1] * 3, band_std=[0.9] * 3)
        run = trainer(tmp_path)
        run.fit(pretrained, pairs_datamodule())
        run.save_checkpoint(tmp_path / 'moco.ckpt')
        model = task(weights=kind(tmp_path / 'moco.ckpt'))
        expected = pretrained.model.state_dict()
        assert all(torch.equal(expected[key], value) for key, value in state(model).items())
        loaded, image = load_encoder(kind(tmp_path / 'moco.ckpt')), torch.rand(2, 3, 32, 32)
        assert loaded.output_stride == 16
        assert torch.allclose(loaded(image), model.eval().encode(image), atol=1e-5)
        fit(tmp_path, model)
        assert model.band_mean.flatten().tolist() == pytest.approx([0.1] * 3)
        assert model.band_std.flatten().tolist() == pytest.approx([0.9] * 3)

    def test_inverse_frequency(self, tmp_path: Path) -> None:
        model, data = task(), segmentation_datamodule()
        fit(tmp_path, model, data=data)
        counts = torch.zeros(3)
        for i in range(24):
            counts += torch.bincount(data.train_dataset[i]['mask'].flatten(), minlength=3)
        assert torch.allclose(model.loss_weights, counts.sum() / counts, rtol=1e-5)

    def test_given_and_none(self, tmp_path: Path) -> None:
        given, none = task(class_weights=[1.0, 2.0, 3.0]), task(class_weights=None)
        for model in (given, none):
            fit(tmp_path, model)
        assert given.loss_weights.tolist() == [1, 2, 3]
        assert none.loss_weights.tolist() == [1, 1, 1]
        assert not torch.equal(given.head[0].weight, none.head[0].weight)

    def test_number_of_classes(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match='classes names 2 classes, but the data set has 3'):
            fit(tmp_path, task(classes=('first', 'second')))

    def test_absent_class(self) -> None:
        assert inverse_frequency_weights(torch.tensor([2, 0, 6])).tolist() == pytest.approx([4, 0, 8 / 6])

    def test_loss_is_the_weighted_mean(self) -> None:
        model = task(class_weights=[1.0, 2.0, 3.0])
        logits, mask = torch.randn(2, 3, 4, 4), torch.randint(0, 3, (2, 4, 4))
        mask[0, 0] = 255
        expected = torch.nn.functional.cross_entropy(logits, mask, torch.tensor([1.0, 2.0, 3.0]), ignore_index=255)
        assert torch.isclose(model._loss(logits, mask), expected)
        assert model._loss(logits, torch.full_like(mask, 255)) == 0

    @pytest.mark.parametrize('value', [[1.0, 2.0], 'balanced'])
    def test_bad_class_weights(self, value: Any) -> None:
        with pytest.raises(ValueError, match='class_weights'):
            task(class_weights=value)


class TestOptions:
    def test_label_fraction(self, tmp_path: Path) -> None:
        data = segmentation_datamodule(label_fraction=0.5)
        whole = segmentation_datamodule(label_fraction=1.0)
        quarter = segmentation_datamodule(label_fraction=0.25)
        for each in (data, whole, quarter):
            each.setup('fit')
        assert [len(each.train_dataset) for each in (whole, data, quarter)] == [24, 12, 6]
        assert set(quarter.train_dataset.indices) < set(data.train_dataset.indices)
        counts = sum(torch.bincount(data.train_dataset[i]['mask'].flatten(), minlength=3) for i in range(12))
        assert data.class_counts().tolist() == counts.tolist()

    @pytest.mark.parametrize('value', [0.0, 1.2])
    def test_bad_label_fraction(self, value: float) -> None:
        with pytest.raises(ValueError, match=f'label_fraction is {value}'):
            segmentation_datamodule(label_fraction=value)

    @pytest.mark.parametrize(('name', 'value'), [('views', VTSViews()), ('lr', 0.1), ('weight_decay', 0.9)])
    def test_options_change_the_head(self, name: str, value: Any, tmp_path: Path) -> None:
        heads = []
        for changes in ({}, {name: value}):
            model = task(**changes)
            fit(tmp_path, model)
            heads.append(model.head[0].weight.detach().clone())
        assert not torch.equal(*heads)

    def test_cached_views(self, tmp_path: Path) -> None:
        heads = []
        for count in (1, 2):
            model = task(cache_features='memory', views=VTSViews(), cached_views=count)
            run = fit(tmp_path, model)
            assert len(run.datamodule.train_dataloader().dataset) == 24 * count
            heads.append(model.head[0].weight.detach().clone())
        assert not torch.equal(*heads)
        store = run.datamodule.train_dataloader().dataset.dataset
        first, second = (torch.stack([store[i]['feature'] for i in range(k, k + 24)]) for k in (0, 24))
        assert not torch.allclose(first, second)  # another view of each image, with a mask that follows it

    @pytest.mark.parametrize('changes', [{}, {'views': VTSViews()}, {'cache_features': 'memory'}])
    def test_cached_views_need_views_and_a_cache(self, changes: Any) -> None:
        with pytest.raises(ValueError, match='cached_views is 2'):
            task(cached_views=2, **changes)
        with pytest.raises(ValueError, match='cached_views keeps some of each image'):
            task(views=VTSViews(), cache_features='memory')

    def test_validation_sees_no_random_views(self, tmp_path: Path) -> None:
        losses = [
            trainer(tmp_path).validate(task(views=views), segmentation_datamodule(), verbose=False)[0]['val_loss']
            for views in (None, VTSViews())
        ]
        assert losses[0] == losses[1]

    def test_cosine_schedule_over_the_epochs(self, tmp_path: Path) -> None:
        model, rates = task(), []
        run = trainer(tmp_path, max_epochs=4)
        model.on_train_batch_start = lambda *_: rates.append(run.optimizers[0].param_groups[0]['lr'])
        run.fit(model, segmentation_datamodule())
        cosine = [0.01 * (1 + math.cos(math.pi * epoch / 4)) / 2 for epoch in range(4)]
        assert rates[::3] == pytest.approx(cosine)

    def test_trained_by_steps_the_rate_stays(self, tmp_path: Path) -> None:
        run = fit(tmp_path, task(), max_steps=7, max_epochs=-1)
        assert run.optimizers[0].param_groups[0]['lr'] == 0.01

    def test_learns(self, tmp_path: Path) -> None:
        first, last = (
            fit(tmp_path, task(freeze=False), max_epochs=epochs).callback_metrics['train_loss'] for epochs in (1, 12)
        )
        assert last < 0.8 * first

    def test_what_is_logged(self, tmp_path: Path) -> None:
        run = trainer(tmp_path)
        metrics = run.test(task(), segmentation_datamodule(), verbose=False)[0]
        names = {'test_loss', 'test_f1_macro', 'test_iou_macro', 'test_accuracy'}
        assert names | {f'test_f1_{name}' for name in CLASSES} <= metrics.keys()

    def test_predict(self) -> None:
        prediction = task().eval().predict_step({'image': torch.rand(2, 3, 32, 32)}, 0)
        assert prediction['probabilities'].shape == (2, 3, 32, 32)
        assert torch.allclose(prediction['probabilities'].sum(dim=1), torch.ones(2, 32, 32))
