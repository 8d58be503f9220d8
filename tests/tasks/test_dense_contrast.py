"""The dense losses as a task."""

import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from torchgeo.datasets.utils import Sample

from geo_noisy.losses import WithinImageLoss
from geo_noisy.losses.functional import cross_image_loss, within_image_loss
from geo_noisy.models import last_features
from geo_noisy.tasks import DenseContrast, plateau
from geo_noisy.tasks.dense_contrast import other_places
from geo_noisy.transforms import MoCoViews, RandomFlip, Views
from tests.data.vts import pairs_datamodule, trainer


def task(**changes: Any) -> DenseContrast:
    pl.seed_everything(0, verbose=False)
    model = DenseContrast(**{'output_stride': 8, 'views': Views(), 'query': 'earlier', **changes})
    model.log = lambda *_, **__: None
    return model


def batch(size: int = 4) -> Sample:
    generator = torch.Generator().manual_seed(1)
    masks = torch.randint(0, 2, (size, 2, 4, 4), generator=generator)
    return {
        'image': torch.rand(size, 2, 3, 32, 32, generator=generator),
        'mask': masks.repeat_interleave(8, 2).repeat_interleave(8, 3),
        'draw': torch.randint(0, 2**62, (size,), generator=generator),
        'place': torch.arange(size),
        'exposure': torch.zeros(size, dtype=torch.bool),
        'noisy': torch.zeros(size, dtype=torch.int8),
    }


def features(model: DenseContrast, data: Sample) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.cat([data['image'][:, 0], data['image'][:, 1]])
    return model.head(last_features(model.model, model.standardise(images))).chunk(2)


def test_within_is_the_functional_loss() -> None:
    data = batch()
    loss, _ = task().pair_loss(data, train=True)
    a, b = features(task(), data)
    labels = data['mask'][:, :, ::8, ::8]
    assert torch.allclose(loss, within_image_loss(a, b, labels[:, 0], labels[:, 1], 0.07), atol=1e-5)


def test_cross_is_the_functional_loss_with_another_place() -> None:
    data = batch()
    loss, _ = task(loss='cross').pair_loss(data, train=True)
    a, b = features(task(), data)
    labels, (other, _) = data['mask'][:, :, ::8, ::8], other_places(data['place'], data['draw'])
    expected = cross_image_loss(a, b, b[other], labels[:, 0], labels[:, 1], labels[other, 1], 0.07)
    assert torch.allclose(loss, expected, atol=1e-5)


def test_cross_without_another_place_is_within() -> None:
    data = batch()
    data['place'][:] = 7
    assert torch.allclose(
        task(loss='cross').pair_loss(data, train=True)[0], task().pair_loss(data, train=True)[0], atol=1e-5
    )


def test_the_other_image_is_never_of_the_same_place() -> None:
    location = torch.tensor([0, 0, 0, 1, 1, 2])
    for seed in range(30):
        other, found = other_places(location, torch.arange(6) + 100 * seed)
        assert found.all()
        assert (location[other] != location).all()


def test_every_other_place_is_drawn() -> None:
    seen = {int(other_places(torch.arange(5), torch.arange(5) + seed)[0][0]) for seed in range(60)}
    assert seen == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('temperature', 0.5),
        ('query', 'later'),
        ('query', 'coin'),
        ('query', 'symmetric'),
        ('projection_dim', 32),
        ('output_stride', 16),
        ('views', MoCoViews()),
        ('loss', 'cross'),
    ],
)
def test_options_change_the_loss(name: str, value: Any) -> None:
    plain, changed = (task(**options).pair_loss(batch(), train=True)[0] for options in ({}, {name: value}))
    assert not torch.isclose(plain, changed)


def test_label_pooling() -> None:
    data = batch()
    data['mask'] = torch.zeros_like(data['mask'])
    data['mask'][:, :, ::8, ::8] = 1  # a building in a corner of each cell
    data['mask'][:, :, :16] = 0
    losses = [task(label_pooling=pooling).pair_loss(data, train=True)[0] for pooling in ('nearest', 'majority', 'any')]
    assert torch.isclose(losses[0], losses[1])
    assert not torch.isclose(losses[0], losses[2])


def test_labels_go_with_their_images() -> None:
    data = batch(16)
    data['image'] = data['mask'][:, :, None].expand(-1, -1, 3, -1, -1).float()  # an image of its labels
    views = Views(geometry=[RandomFlip(horizontal=1.0)])
    for view in task(query='coin', views=views).directions(data)[0]:
        assert torch.allclose(view['image'][:, 0], view['mask'].float(), atol=1e-4)


def test_pixels_without_data_are_ignored() -> None:
    data = batch()
    data['valid'] = torch.ones_like(data['mask'], dtype=torch.bool)
    data['valid'][:, 1, :16] = False
    ignored = batch()
    ignored['mask'][:, 1, :16] = 255
    assert torch.equal(task().pair_loss(data, train=True)[0], task().pair_loss(ignored, train=True)[0])
    assert not torch.equal(task().pair_loss(data, train=True)[0], task().pair_loss(batch(), train=True)[0])


def test_no_labels() -> None:
    data = batch()
    del data['mask']
    with pytest.raises(ValueError, match="gives no 'mask'"):
        task().pair_loss(data, train=True)


def test_a_loss_of_ones_own() -> None:
    own, _ = task(criterion=WithinImageLoss(temperature=0.5)).pair_loss(batch(), train=True)
    assert own == task(temperature=0.5).pair_loss(batch(), train=True)[0]


def test_unknown_loss() -> None:
    with pytest.raises(ValueError, match="loss is 'between'"):
        task(loss='between')


@pytest.mark.parametrize('loss', ['within', 'cross'])
def test_fit_lowers_the_loss(loss: str, tmp_path: Path) -> None:
    pl.seed_everything(0, verbose=False)
    model = DenseContrast(loss=loss, output_stride=8, lr=0.1, views=Views())
    data = pairs_datamodule(rate=0.0)
    before = trainer(tmp_path).validate(model, data, verbose=False)[0]['val_loss']
    run = trainer(tmp_path, max_epochs=6)
    run.fit(model, data)
    assert run.callback_metrics['val_loss'] < before
    assert run.callback_metrics['val_spread'] > 0.01
    assert 0 < run.callback_metrics['train_foreground_cells'] < 1


@pytest.mark.parametrize(('lr', 'warned'), [(1e-12, True), (0.1, False)])
def test_a_loss_on_its_plateau_is_told(
    lr: float, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plateau, 'STEPS', 12)
    monkeypatch.setattr(plateau, 'WINDOW', 4)
    monkeypatch.setattr(plateau, 'DEPTH', 0.01)
    pl.seed_everything(0, verbose=False)
    model = DenseContrast(output_stride=8, lr=lr, views=Views())
    for weight in (model.head[0].weight, model.head[-1].weight):
        weight.data.mul_(1 if not warned else 0)  # all cells alike
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        trainer(tmp_path, max_epochs=3, limit_val_batches=0).fit(model, pairs_datamodule(rate=0.0))
    told = [str(each.message) for each in caught if 'still on the plateau' in str(each.message)]
    assert len(told) == warned
    assert not told or ('After 12 steps the loss is 2.773' in told[0] and 'lr (now 1e-12)' in told[0])


@pytest.mark.parametrize('norm', ['batch', 'none'])
def test_norm_of_the_head(norm: Any) -> None:
    model = task(head_norm=norm)
    assert any(isinstance(layer, torch.nn.BatchNorm2d) for layer in model.head) is (norm == 'batch')
