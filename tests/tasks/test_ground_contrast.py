"""Contrast of the same ground as a task: where points land, what changed does, what is validated."""

import warnings
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules import VTSPairsDataModule
from geo_noisy.losses import GroundLoss
from geo_noisy.losses.functional import ground_loss, info_nce
from geo_noisy.models import last_features
from geo_noisy.models.ground import features_at
from geo_noisy.tasks import GroundContrast, plateau
from geo_noisy.tasks.ground_points import Points, drawn_points, ground_points
from geo_noisy.transforms import (
    Geometry,
    MoCoViews,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    RandomQuarterTurn,
    RandomResizedCrop,
    Views,
    VTSViews,
    XView2Views,
)
from tests.data.vts import pairs_datamodule, trainer

GEOMETRY: list[Geometry] = [
    RandomFlip(horizontal=0.5, vertical=0.5),
    RandomQuarterTurn(p=1.0),
    RandomResizedCrop(scale=(0.3, 0.9)),
    RandomCrop((0.5, 0.9)),
    RandomAffine(degrees=30.0, scale=(0.8, 1.25), shift=0.2),
]
COMBINED = [[operation] for operation in GEOMETRY] + [
    list(views().geometry) for views in (MoCoViews, VTSViews, XView2Views)
]


def dates(batch: Sample, views: Views) -> tuple[Sample, Sample]:
    viewed = views(batch)
    keys = ('image', 'valid', 'change', 'matrix')
    first, second = ({key: viewed[key][:, date] for key in keys if key in viewed} for date in (0, 1))
    return first, second


@pytest.mark.parametrize('stride', [4, 8])
@pytest.mark.parametrize('geometry', COMBINED, ids=lambda chain: '+'.join(type(each).__name__ for each in chain))
def test_points_of_both_views_are_the_same_ground(geometry: list[Geometry], stride: int) -> None:
    """An image that holds its own places: what both views show at a point must be where the point is said to lie."""
    side, size = 64, 24
    place = (torch.arange(side) + 0.5) / side * 2 - 1
    image = torch.stack(torch.meshgrid(place, place, indexing='xy')).expand(size, 2, 2, side, side)
    batch = {'image': image, 'draw': torch.arange(size) * 7919}
    query, key = dates(batch, Views(geometry=geometry))
    cells = torch.Size((side // stride,) * 2)
    points = ground_points(query, key, cells)
    maps = [F.adaptive_avg_pool2d(view['image'], cells) for view in (query, key)]
    inner = points.kept & (points.position.abs() < 0.8).all(dim=2)  # beyond, cells hold mirrored pixels
    inner &= (points.there.abs() <= 1 - 1 / cells[0]).all(dim=2)  # between the centres of cells
    assert inner.float().mean() > 0.1
    for features, at in zip(maps, (points.here, points.there), strict=True):
        assert (features_at(features, at)[inner] - points.position[inner]).abs().max() < 0.02
    outside = (points.position.abs() > 1) | (points.there.abs() > 1)
    assert torch.equal(points.kept, ~outside.any(dim=2))


def test_a_known_point_lands_where_the_matrices_say() -> None:
    """A mark at one cell of the image is seen at the point of that ground, in a flipped and a turned view."""
    image = torch.zeros(8, 2, 1, 32, 32)
    image[..., 8:16, 16:24] = 1  # second row of cells, third column
    batch = {'image': image, 'draw': torch.arange(8) * 7919}
    query, key = dates(batch, Views(geometry=[RandomFlip(0.5, 0.5), RandomQuarterTurn(p=1.0)]))
    points = ground_points(query, key, torch.Size((4, 4)))
    marked = (points.position - torch.tensor([0.25, -0.25])).abs().amax(dim=2) < 1e-4
    assert marked.sum(dim=1).tolist() == [1] * 8
    for view, at in ((query, points.here), (key, points.there)):
        seen = features_at(F.avg_pool2d(view['image'], 8), at)[..., 0]
        assert torch.allclose(seen, marked.float(), atol=1e-4)
    assert len(set(points.here[marked].sum(dim=1).tolist())) > 1  # it does lie elsewhere in other views


def test_share_of_changed_ground_leaves_out_unknown_pixels() -> None:
    change = torch.zeros(1, 16, 16, dtype=torch.uint8)
    change[0, :8, :6] = 1
    change[0, :4, :8] = 255
    change[0, 8:, 8:] = 255
    batch = {'image': torch.zeros(1, 2, 3, 16, 16), 'change': change, 'draw': torch.tensor([1])}
    share = ground_points(*dates(batch, Views()), torch.Size((2, 2))).share
    assert torch.equal(share.nan_to_num(-1), torch.tensor([[0.75, 0, 0, -1]]))


@pytest.mark.parametrize('date', [0, 1])
def test_points_without_data_at_either_date_drop_out(date: int) -> None:
    valid = torch.ones(1, 2, 16, 16, dtype=torch.bool)
    valid[0, date, :8, :6] = False
    batch = {'image': torch.zeros(1, 2, 3, 16, 16), 'valid': valid, 'draw': torch.tensor([1])}
    assert ground_points(*dates(batch, Views()), torch.Size((2, 2))).kept.tolist() == [[False, True, True, True]]


def test_drawn_points_are_kept_ones_and_follow_the_draw() -> None:
    generator = torch.Generator().manual_seed(0)
    kept = torch.rand(6, 9, generator=generator) < 0.5
    number = torch.arange(9.0).expand(6, 9)
    points = Points(*(number[..., None].expand(6, 9, 2),) * 3, kept, number)
    some, others = (drawn_points(points, torch.arange(6) + seed, 3) for seed in (0, 100))
    assert some.kept.shape == (6, 3)
    assert torch.equal(some.kept.sum(dim=1), kept.sum(dim=1).clamp(max=3))
    assert torch.equal(some.share, some.here[..., 0])
    assert kept.gather(1, some.share.long())[some.kept].all()
    assert not torch.equal(some.share, others.share)
    whole = drawn_points(points, torch.arange(6), None)
    assert whole.kept.shape[1] == kept.sum(dim=1).max()
    assert torch.equal(whole.kept.sum(dim=1), kept.sum(dim=1))


def task(**changes: Any) -> GroundContrast:
    pl.seed_everything(0, verbose=False)
    small = {'model': 'tu-test_resnet', 'output_stride': 8, 'views': Views(), 'query': 'earlier'}
    model = GroundContrast(**{**small, **changes})
    model.log = lambda *_, **__: None
    return model


def batch(size: int = 6) -> Sample:
    generator = torch.Generator().manual_seed(1)
    change = torch.randint(0, 2, (size, 4, 4), dtype=torch.uint8, generator=generator)
    change[:, 0, 0] = 255
    return {
        'image': torch.rand(size, 2, 3, 32, 32, generator=generator),
        'change': change.repeat_interleave(8, 1).repeat_interleave(8, 2),
        'draw': torch.randint(0, 2**62, (size,), generator=generator),
        'place': torch.arange(size),
        'exposure': torch.zeros(size, dtype=torch.bool),
        'noisy': torch.zeros(size, dtype=torch.int8),
    }


def cells(model: GroundContrast, data: Sample) -> tuple[Tensor, Tensor]:
    """Projected cells of both dates, [B, 16, D]; views are the images themselves."""
    images = torch.cat([data['image'][:, 0], data['image'][:, 1]])
    first, second = model.head(last_features(model.model, model.standardise(images))).flatten(2).mT.chunk(2)
    return first, second


@pytest.mark.parametrize('changed', ['keep', 'drop', 'negative', 'weight'])
@pytest.mark.parametrize('unknown', ['drop', 'unchanged'])
def test_it_is_the_functional_loss(changed: Any, unknown: Any) -> None:
    data = batch()
    found, _ = task(changed=changed, unknown=unknown).pair_loss(data, train=True)
    query, key = cells(task(), data)
    centre = torch.tensor([-0.75, -0.25, 0.25, 0.75])
    position = torch.stack(torch.meshgrid(centre, centre, indexing='xy'), dim=-1).flatten(0, 1).expand(6, 16, 2)
    share = data['change'][:, ::8, ::8].flatten(1).float()
    expected = ground_loss(
        query, key, position, torch.ones(6, 16, dtype=torch.bool), data['place'], 0.1,
        share=share.masked_fill(share == 255, torch.nan), changed=changed, unknown=unknown, radius=0.6,
    )  # fmt: skip
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('changed', 'drop'),
        ('changed', 'negative'),
        ('changed', 'weight'),
        ('radius', None),
        ('radius', 1.0),
        ('points', 3),
        ('queue_size', 256),
        ('image_weight', 0.5),
        ('temperature', 0.5),
        ('query', 'later'),
        ('query', 'coin'),
        ('query', 'symmetric'),
        ('projection_dim', 32),
        ('head_norm', 'none'),
        ('output_stride', 16),
        ('views', MoCoViews()),
        ('criterion', GroundLoss(temperature=0.3)),
    ],
)
def test_options_change_the_loss(name: str, value: Any) -> None:
    plain, changed = (task(**options).pair_loss(batch(), train=True)[0] for options in ({}, {name: value}))
    assert not torch.isclose(plain, changed)


def test_unknown_ground_is_left_out_unless_asked_for() -> None:
    drop, unchanged = (
        task(changed='drop', unknown=each).pair_loss(batch(), train=True)[0] for each in ('drop', 'unchanged')
    )
    assert not torch.isclose(drop, unchanged)


def test_the_image_term_is_info_nce_on_pooled_features() -> None:
    data = batch()
    data['place'][1] = data['place'][0]
    model = task(image_weight=0.5)
    found = model.pair_loss(data, train=True)[0]
    images = model.standardise(torch.cat([data['image'][:, 0], data['image'][:, 1]]))
    query, key = model.image_head(last_features(model.model, images).mean(dim=(2, 3))).chunk(2)
    term = info_nce(query, key, key, 0.1, excluded=data['place'][:, None] == data['place'][None])
    plain = task(image_weight=0.5)
    plain.image_head = None
    assert torch.allclose(found, plain.pair_loss(data, train=True)[0] + 0.5 * term, atol=1e-4)


def test_the_queue_takes_the_cells_of_the_keys() -> None:
    data, model = batch(), task(queue_size=100)
    model.pair_loss(data, train=True)
    key = cells(task(queue_size=100), data)[1].flatten(0, 1)
    assert torch.allclose(model.queue.features[:96], F.normalize(key, dim=1), atol=1e-4)
    assert model.queue.places[:96].tolist() == [place for place in range(6) for _ in range(16)]
    assert model.queue.places[96:].tolist() == [-1] * 4


def test_changed_ground_needs_a_data_set_that_tells() -> None:
    data = batch()
    del data['change']
    assert task().pair_loss(data, train=True)[0] > 0
    with pytest.raises(ValueError, match=r"changed is 'drop', but the data set gives no 'change'.*changed: keep"):
        task(changed='drop').pair_loss(data, train=True)


def test_views_that_do_not_say_where_they_lie_are_told() -> None:
    class Mine(Views):
        def forward(self, batch: Sample) -> Sample:
            return {key: value for key, value in super().forward(batch).items() if key != 'matrix'}

    with pytest.raises(ValueError, match="views give no 'matrix'"):
        task(views=Mine()).pair_loss(batch(), train=True)


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'changed': 'lose'}, "changed is 'lose'"),
        ({'unknown': 'keep'}, "unknown is 'keep'"),
        ({'radius': -0.1}, 'radius is -0.1'),
        ({'points': 0}, 'points is 0'),
        ({'queue_size': -1}, 'queue_size is -1'),
        ({'image_weight': -1.0}, 'image_weight is -1'),
    ],
)
def test_wrong_arguments(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        task(**wrong)


@pytest.mark.parametrize('bands', [1, 5])
def test_any_number_of_bands(bands: int) -> None:
    data = batch()
    data['image'] = data['image'][:, :, :1].expand(-1, -1, bands, -1, -1)
    assert torch.isfinite(task(in_channels=bands, views=MoCoViews()).pair_loss(data, train=True)[0])


def scores(tmp_path: Path, model: GroundContrast, data: VTSPairsDataModule) -> dict[str, float]:
    return dict(trainer(tmp_path).validate(model, data, verbose=False)[0])


def fitted(**changes: Any) -> GroundContrast:
    pl.seed_everything(0, verbose=False)
    return GroundContrast(**{'model': 'tu-test_resnet', 'output_stride': 8, 'lr': 3e-3, **changes})


def test_fit_lowers_the_rank_of_the_positive(tmp_path: Path) -> None:
    data = pairs_datamodule(rate=0.0, train_count=256, batch_size=32)
    model = fitted(changed='drop', queue_size=512, image_weight=0.1, points=12)
    before = scores(tmp_path, model, data)
    run = trainer(tmp_path, max_epochs=6)
    run.fit(model, data)
    assert run.callback_metrics['val_rank'] < before['val_rank'] - 0.05
    assert run.callback_metrics['val_spread'] > 0.1
    assert run.callback_metrics['train_changed_points'] == 0  # no noisy pair
    assert 8 < run.callback_metrics['train_points'] <= 12


@pytest.mark.parametrize('precision', ['bf16-mixed', 'bf16-true'])
def test_half_precision(precision: str, tmp_path: Path) -> None:
    run = trainer(tmp_path, precision=precision, limit_train_batches=2)
    run.fit(fitted(changed='negative', queue_size=256, image_weight=0.1), pairs_datamodule())
    assert torch.isfinite(run.callback_metrics['train_loss'])
    assert torch.isfinite(run.callback_metrics['val_rank'])


def test_validation_does_not_hang_on_what_is_done_about_change(tmp_path: Path) -> None:
    data = pairs_datamodule(rate=1.0)
    found = [scores(tmp_path, fitted(changed=changed), data) for changed in ('keep', 'drop', 'negative')]
    assert found[0]['val_rank'] == found[1]['val_rank'] == found[2]['val_rank']


def test_an_epoch_without_a_point_is_told(tmp_path: Path) -> None:
    run = trainer(tmp_path, limit_val_batches=0)
    with pytest.warns(UserWarning, match='No ground point of this epoch counted'):
        run.fit(fitted(changed='drop'), pairs_datamodule(rate=1.0, r_img=1.0))
    assert run.callback_metrics['train_loss'].isnan()  # a zero would be perfect


def test_ground_that_views_never_share_is_not_measured(tmp_path: Path) -> None:
    views = Views(geometry=[RandomAffine(shift=1.0)])
    views.geometry[0].matrix = lambda u, aspect: (
        torch.eye(3).repeat(len(u), 1, 1)
        + torch.tensor(  # out of the image
            [[0.0, 0, 3], [0, 0, 0], [0, 0, 0]]
        )
    )
    with pytest.warns(UserWarning, match='no ground of the validation pairs'):
        assert torch.tensor(scores(tmp_path, fitted(views=views), pairs_datamodule())['val_rank']).isnan()


@pytest.mark.parametrize(('lr', 'warned'), [(1e-9, True), (0.01, False)])
def test_a_loss_on_its_plateau_is_told(
    lr: float, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plateau, 'STEPS', 12)
    monkeypatch.setattr(plateau, 'WINDOW', 4)
    model = fitted(lr=lr, views=Views(), queue_size=256)
    for layer in (model.head[0], model.head[-1]):
        layer.weight.data.mul_(1 if not warned else 0)  # all cells alike
    model.head[-1].bias.data.fill_(1.0)
    if warned:
        model.queue.features[:] = 128**-0.5
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        trainer(tmp_path, max_epochs=3, limit_val_batches=0).fit(model, pairs_datamodule(rate=0.0))
    assert len([each for each in caught if 'still on the plateau' in str(each.message)]) == warned
