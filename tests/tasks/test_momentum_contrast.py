"""MoCo v2 on pairs, step by step."""

import copy
import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
import torch.nn.functional as F
from torchgeo.datasets.utils import Sample

from geo_noisy.losses import RINCE
from geo_noisy.losses.functional import info_nce
from geo_noisy.pairs import PairPolicy
from geo_noisy.tasks import BestCheckpoint, MomentumContrast
from geo_noisy.tasks.pretraining import feature_spread
from geo_noisy.tasks.retrieval import retrieval_scores
from geo_noisy.transforms import MoCoViews, Views
from tests.data.vts import pairs_datamodule, trainer


def task(**changes: Any) -> MomentumContrast:
    pl.seed_everything(0, verbose=False)
    return MomentumContrast(**{'queue_size': 16, 'projection_dim': 8, **changes})


def batch(size: int = 8) -> Sample:
    generator = torch.Generator().manual_seed(1)
    return {
        'image': torch.rand(size, 2, 3, 32, 32, generator=generator),
        'draw': torch.randint(0, 2**62, (size,), generator=generator),
        'place': torch.arange(size),
        'exposure': torch.zeros(size, dtype=torch.bool),
        'noisy': torch.zeros(size, dtype=torch.int8),
    }


def one_step(model: MomentumContrast, data: Sample) -> torch.Tensor:
    """A training step outside a trainer."""
    model.log = lambda *_, **__: None
    model._trainer = pl.Trainer(accelerator='cpu', logger=False, enable_checkpointing=False)
    return model.training_step(data, 0)


class TestStep:
    def test_key_encoder_starts_as_an_exact_copy(self) -> None:
        model = task()
        pairs = zip(model.model.state_dict().values(), model.key_encoder.state_dict().values(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs)
        assert torch.equal(model.head.state_dict()['layers.0.weight'], model.key_head.state_dict()['layers.0.weight'])

    def test_the_order_of_a_step(self) -> None:
        """Momentum update, keys, loss against the old queue, enqueue: worked out by hand beside it."""
        model = task(key_momentum=0.5, views=Views())
        with torch.no_grad():
            for parameter in (*model.model.parameters(), *model.head.parameters()):
                parameter.add_(0.01)
        twin, data = copy.deepcopy(model), batch()
        loss = one_step(model, data)

        for own, key in ((twin.model, twin.key_encoder), (twin.head, twin.key_head)):
            for a, b in zip(own.parameters(), key.parameters(), strict=True):
                b.data = 0.5 * b.data + 0.5 * a.data
        query, key = twin.directions(data)[0]
        q, _ = twin.encode_query(query['image'])
        k = twin.encode_key(key['image'])
        assert torch.allclose(loss, info_nce(q, k, twin.queue.features, 0.2), atol=1e-6)
        assert torch.allclose(model.queue.features[:8], k, atol=1e-6)
        assert torch.equal(model.queue.features[8:], twin.queue.features[8:])
        assert torch.equal(model.queue.places[:8], data['place'])

    def test_only_parameters_follow_the_momentum_rule(self) -> None:
        model = task(key_momentum=1.0, lr=1.0)
        weight = model.key_encoder.conv1.weight.clone()
        model.model.bn1.running_mean.fill_(100.0)
        one_step(model, batch())
        assert torch.equal(model.key_encoder.conv1.weight, weight)
        assert model.key_encoder.bn1.num_batches_tracked == 1  # its own statistics move
        assert model.key_encoder.bn1.running_mean.abs().max() < 10
        assert model.model.bn1.running_mean.min() > 80

    def test_keys_of_the_same_place_are_no_negatives(self) -> None:
        model, data = task(views=Views(), key_momentum=1.0), batch()
        model.queue.enqueue(F.normalize(torch.randn(16, 8), dim=1), torch.full((16,), 99))
        other = copy.deepcopy(model)
        other.queue.places[:] = data['place'][0]
        before, after = one_step(model, data), one_step(other, data)
        assert after < before

    def test_temperature(self) -> None:
        losses = [one_step(task(temperature=value), batch()) for value in (0.05, 1.0)]
        assert not torch.isclose(*losses)

    def test_rince(self) -> None:
        plain = one_step(task(), batch())
        limit = one_step(task(loss='rince', rince_q=0.0, rince_lam=0.5), batch())
        assert torch.isclose(limit, plain + math.log(0.5))
        others = [
            one_step(task(loss='rince', **changes), batch()) for changes in ({}, {'rince_q': 0.1}, {'rince_lam': 1.0})
        ]
        assert len({round(loss.item(), 4) for loss in others}) == 3

    def test_a_loss_of_ones_own(self) -> None:
        own = one_step(task(criterion=RINCE(q=0.5, lam=0.2)), batch())
        assert own == one_step(task(loss='rince', rince_q=0.5, rince_lam=0.2), batch())

    def test_unknown_loss(self) -> None:
        with pytest.raises(ValueError, match="loss is 'rinse'"):
            task(loss='rinse')
        with pytest.raises(ValueError, match=r'q is 2'):
            task(loss='rince', rince_q=2.0)

    def test_shuffled_keys_come_back_in_order(self) -> None:
        model = task(batch_norm_splits=2).eval()  # in eval mode a key does not depend on its batch
        image = torch.rand(8, 3, 32, 32)
        keys = model.encode_shuffled_key(image, batch()['draw'])
        assert torch.allclose(keys, model.encode_key(image), atol=1e-6)

    def test_keys_share_batch_norm_with_others_than_queries_do(self) -> None:
        model, image = task(batch_norm_splits=2), torch.rand(8, 3, 32, 32)
        keys = model.encode_shuffled_key(image, batch()['draw'])
        assert not torch.allclose(keys, model.encode_key(image), atol=1e-3)

    def test_queries_and_keys_are_both_split(self) -> None:
        model, image = task(batch_norm_splits=2), torch.rand(8, 3, 32, 32)
        for encode in (lambda part: model.encode_query(part)[0], model.encode_key):
            assert torch.allclose(encode(image)[:4], encode(torch.cat([image[:4], image[:4]]))[:4], atol=1e-5)

    def test_symmetric_loss_is_the_mean_over_both_directions(self) -> None:
        earlier, later, both = (
            one_step(task(query=query, views=Views()), batch()) for query in ('earlier', 'later', 'symmetric')
        )
        assert not torch.isclose(earlier, later)
        assert torch.isclose(both, (earlier + later) / 2)

    def test_images_are_standardised(self) -> None:
        model, data = task(query='earlier', views=Views(), band_mean=[0.1, 0.2, 0.3], band_std=[0.5, 1.0, 2.0]), batch()
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in ([0.1, 0.2, 0.3], [0.5, 1.0, 2.0]))
        for date, view in enumerate(model.directions(data)[0]):
            assert torch.allclose(view['image'], (data['image'][:, date] - mean) / std, atol=1e-6)

    def test_model_and_bands(self) -> None:
        model = task(model='resnet34', in_channels=5)
        assert len(model.model.layer3) == len(model.key_encoder.layer3) == 6
        assert model.eval().predict_step({'image': torch.rand(2, 2, 5, 32, 32)}, 0).shape == (2, 2, 512)

    def test_features_have_the_projected_length(self) -> None:
        assert task(projection_dim=12).encode_key(torch.rand(2, 3, 32, 32)).shape == (2, 12)


class TestQuery:
    def roles(self, query: str) -> list[tuple[Sample, Sample]]:
        data = batch(64)
        data['image'] = torch.zeros_like(data['image'])
        data['image'][:, 1] = 1.0  # the later date is white
        return task(query=query, views=Views()).directions(data)

    def test_earlier_and_later(self) -> None:
        (query, key), *rest = self.roles('earlier')
        assert query['image'].max() == 0
        assert key['image'].min() == 1
        assert not rest
        assert self.roles('later')[0][0]['image'].min() == 1

    def test_coin(self) -> None:
        (query, key), *rest = self.roles('coin')
        later = query['image'].amax(dim=(1, 2, 3))
        assert 0.3 < later.mean() < 0.7
        assert torch.equal(key['image'].amax(dim=(1, 2, 3)), 1 - later)
        assert not rest

    def test_coin_belongs_to_the_draw(self) -> None:
        model, data = task(views=Views()), batch(64)
        turned = {key: value.flip(0) for key, value in data.items()}
        query, again = (model.directions(each)[0][0]['image'] for each in (data, turned))
        assert torch.equal(query, again.flip(0))

    def test_symmetric(self) -> None:
        directions = self.roles('symmetric')
        assert [query['image'].max().item() for query, _ in directions] == [0, 1]

    def test_symmetric_enqueues_both_dates(self) -> None:
        model = task(query='symmetric')
        one_step(model, batch())
        assert model.queue.seen == 16

    def test_unknown(self) -> None:
        with pytest.raises(ValueError, match="query is 'both'"):
            task(query='both')


class TestRetrieval:
    def test_against_a_loop(self) -> None:
        query, key = (F.normalize(torch.randn(7, 4), dim=1) for _ in range(2))
        place = torch.tensor([0, 1, 2, 3, 4, 5, 5])
        losses, ranks = [], []
        for i in range(7):
            scores = query[i] @ key.T
            others = [j for j in range(7) if place[j] != place[i]]
            logits = torch.cat([scores[i, None], scores[others]]) / 0.3
            losses.append(-logits.log_softmax(0)[0])
            ranks.append((scores[others] > scores[i]).float().mean())
        loss, rank, top1 = retrieval_scores(query, key, place, 0.3, rows=3)
        assert torch.isclose(loss, torch.stack(losses).mean(), atol=1e-5)
        assert torch.isclose(rank, torch.stack(ranks).mean())
        assert torch.isclose(top1, (torch.stack(ranks) == 0).float().mean())

    def test_collapsed_features_are_at_chance(self) -> None:
        same = F.normalize(torch.ones(6, 4), dim=1)
        _, rank, top1 = retrieval_scores(same, same, torch.arange(6), 0.2)
        assert rank == pytest.approx(0.5)
        assert top1 == 0

    @pytest.mark.parametrize('broken', ['query', 'key'])
    def test_nan_is_not_perfect(self, broken: str) -> None:
        features = {name: F.normalize(torch.randn(6, 4), dim=1) for name in ('query', 'key')}
        features[broken][2] = torch.nan
        scores = retrieval_scores(features['query'], features['key'], torch.arange(6), 0.2)
        assert all(score.isnan() for score in scores)

    def test_one_place_is_not_perfect(self) -> None:
        query = F.normalize(torch.randn(6, 4), dim=1)
        assert all(score.isnan() for score in retrieval_scores(query, query, torch.full((6,), 3), 0.2))

    def test_queries_without_negatives_are_left_out(self) -> None:
        query, key = (F.normalize(torch.randn(6, 4), dim=1) for _ in range(2))
        place = torch.arange(6)
        with_all = retrieval_scores(query, key, place, 0.2, rows=2)
        assert all(torch.isfinite(score) for score in with_all)

    def test_a_single_one_has_no_spread(self) -> None:
        assert feature_spread(torch.ones(1, 8)).isnan()

    def test_spread(self) -> None:
        assert feature_spread(torch.randn(4000, 64)) == pytest.approx(1.0, abs=0.05)
        assert feature_spread(torch.ones(9, 64)) == pytest.approx(0.0, abs=1e-3)


class TestFit:
    def test_a_queue_that_never_filled_is_told(self, tmp_path: Path) -> None:
        best = BestCheckpoint(tmp_path, monitor='val_loss', save_last=True)
        run = trainer(tmp_path, limit_train_batches=4, callbacks=[best], enable_checkpointing=True)
        with pytest.warns(UserWarning, match='fewer than queue_size 64'):
            run.fit(task(queue_size=64), pairs_datamodule(train_count=128, batch_size=8, policy=None))
        assert Path(best.best_model_path).exists()  # validation does not use the queue
        assert Path(best.last_model_path).exists()

    def test_the_best_checkpoint(self, tmp_path: Path) -> None:
        best = BestCheckpoint(tmp_path, monitor='val_loss')
        run = trainer(tmp_path, max_epochs=2, callbacks=[best], enable_checkpointing=True)
        run.fit(task(queue_size=32), pairs_datamodule())
        assert Path(best.best_model_path).exists()
        assert torch.isfinite(run.callback_metrics['val_loss'])

    def test_validation_does_not_depend_on_the_queue(self, tmp_path: Path) -> None:
        losses = []
        for queue_size in (16, 32):
            run = trainer(tmp_path)
            losses.append(run.validate(task(queue_size=queue_size), pairs_datamodule(), verbose=False)[0]['val_loss'])
        model = task()
        model.queue.features.zero_()
        losses.append(trainer(tmp_path).validate(model, pairs_datamodule(), verbose=False)[0]['val_loss'])
        assert losses[0] == losses[1] == losses[2]

    def test_validation_takes_the_temperature(self, tmp_path: Path) -> None:
        losses = [
            trainer(tmp_path).validate(task(temperature=value), pairs_datamodule(), verbose=False)[0]['val_loss']
            for value in (0.2, 1.0)
        ]
        assert losses[0] != pytest.approx(losses[1], abs=1e-3)

    def test_what_is_logged(self, tmp_path: Path) -> None:
        run = trainer(tmp_path)
        run.fit(task(), pairs_datamodule(rate=1.0))
        metrics = run.callback_metrics
        assert {'train_loss', 'train_spread', 'val_rank', 'val_top1', 'val_spread', 'val_loss'} <= metrics.keys()
        assert metrics['train_noisy_rate'] == 1
        assert 0 <= metrics['val_rank'] <= 1

    def test_queue_larger_than_the_training_set(self, tmp_path: Path) -> None:
        with pytest.warns(UserWarning, match='queue_size is 40, more than the 32 training places'):
            trainer(tmp_path, max_epochs=2).fit(task(queue_size=40), pairs_datamodule())

    def test_queue_larger_than_what_the_policy_trains_on(self, tmp_path: Path) -> None:
        data = pairs_datamodule(policy=PairPolicy(rate=0.5, match='fixed-size', size=8))
        with pytest.warns(UserWarning, match='queue_size is 16, more than the 8 training places'):
            trainer(tmp_path, max_epochs=3).fit(task(), data)

    def test_predict_from_the_data_module(self, tmp_path: Path) -> None:
        batches = trainer(tmp_path).predict(task(), pairs_datamodule())
        assert torch.cat(batches).shape == (32, 2, 512)  # each validation image: its clean and its noisy pair

    def test_bands_are_standardised_alike_at_every_noise(self) -> None:
        statistics = []
        for r_img in (0.0, 1.0):
            data = pairs_datamodule(r_img=r_img, policy=None)
            statistics.append(data.band_statistics())
        assert statistics[0] == statistics[1]

    @pytest.mark.parametrize(('query', 'size', 'step'), [('coin', 20, 8), ('symmetric', 24, 16)])
    def test_queue_no_multiple_of_the_keys_of_a_step(self, query: str, size: int, step: int, tmp_path: Path) -> None:
        with pytest.warns(UserWarning, match=f'queue_size is {size}, no multiple of the {step} keys'):
            trainer(tmp_path).fit(task(queue_size=size, query=query), pairs_datamodule())

    @pytest.mark.parametrize(
        ('name', 'value'),
        [('lr', 0.5), ('optimizer', 'adamw'), ('weight_decay', 0.5), ('momentum', 0.0), ('warmup_steps', 3)],
    )
    def test_optimiser_options(self, name: str, value: float, tmp_path: Path) -> None:
        weights = []
        for changes in ({}, {name: value}):
            model = task(**{'lr': 0.1, **changes})
            trainer(tmp_path).fit(model, pairs_datamodule())
            weights.append(model.model.conv1.weight.detach().clone())
        assert not torch.equal(*weights)

    def test_cosine_schedule_ends_near_zero_and_warms_up(self, tmp_path: Path) -> None:
        model = task(lr=1.0, warmup_steps=2)
        run = trainer(tmp_path, max_steps=8, max_epochs=None)
        rates: list[float] = []
        model.on_train_batch_start = lambda *_: rates.append(run.optimizers[0].param_groups[0]['lr'])
        run.fit(model, pairs_datamodule())
        assert rates[:3] == pytest.approx([1 / 3, 2 / 3, 1.0])
        assert rates[3:] == sorted(rates[3:], reverse=True)
        assert rates[-1] < 0.1

    def test_the_same_twice(self, tmp_path: Path) -> None:
        """A run can be repeated bit for bit on one CPU."""
        weights = []
        for _ in range(2):
            model = task()
            trainer(tmp_path).fit(model, pairs_datamodule())
            weights.append(model.model.conv1.weight.detach().clone())
        assert torch.equal(*weights)

    def test_seed_of_the_data_module(self, tmp_path: Path) -> None:
        weights = []
        for seed in (0, 1):
            model = task()
            trainer(tmp_path).fit(model, pairs_datamodule(seed=seed))
            weights.append(model.model.conv1.weight.detach().clone())
        assert not torch.equal(*weights)

    def test_views(self, tmp_path: Path) -> None:
        weights = []
        for views in (Views(), MoCoViews()):
            model = task(views=views)
            trainer(tmp_path).fit(model, pairs_datamodule())
            weights.append(model.model.conv1.weight.detach().clone())
        assert not torch.equal(*weights)

    def test_statistics_of_the_bands_come_from_the_data(self, tmp_path: Path) -> None:
        model, given = task(), task(band_mean=[0.1, 0.2, 0.3], band_std=[1.0, 2.0, 3.0])
        for each in (model, given):
            trainer(tmp_path).fit(each, pairs_datamodule())
        assert (model.band_mean > 0.1).all()
        assert (model.band_std < 0.5).all()
        assert given.band_mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
        assert given.band_std.flatten().tolist() == pytest.approx([1.0, 2.0, 3.0])

    def test_statistics_of_a_loaded_checkpoint_stay(self, tmp_path: Path) -> None:
        run = trainer(tmp_path)
        run.validate(task(), pairs_datamodule(), verbose=False)
        run.save_checkpoint(tmp_path / 'run.ckpt')
        loaded = MomentumContrast.load_from_checkpoint(tmp_path / 'run.ckpt', weights_only=True)
        before = loaded.band_mean.clone()
        trainer(tmp_path).validate(loaded, pairs_datamodule(dataset_seed=1), verbose=False)
        assert (before > 0.1).all()
        assert torch.equal(loaded.band_mean, before)

    def test_predict_gives_features_of_both_dates(self) -> None:
        features = task().eval().predict_step(batch(4), 0)
        assert features.shape == (4, 2, 512)

    def test_predict_standardises(self) -> None:
        features = task(band_mean=[0.5] * 3, band_std=[0.25] * 3).eval().predict_step(batch(4), 0)
        expected = task().eval().predict_step({'image': (batch(4)['image'] - 0.5) / 0.25}, 0)
        assert torch.allclose(features, expected, atol=1e-5)


class TestBadInput:
    def test_key_momentum(self) -> None:
        with pytest.raises(ValueError, match=r'key_momentum is 1\.5'):
            task(key_momentum=1.5)

    def test_statistics_of_other_bands(self) -> None:
        with pytest.raises(ValueError, match='band_mean has 2 values, but in_channels is 3'):
            task(band_mean=[0.1, 0.2], band_std=[1.0, 1.0])

    def test_one_statistic_alone(self) -> None:
        with pytest.raises(ValueError, match='give both, or neither'):
            task(band_std=[1.0, 1.0, 1.0])

    def test_optimizer(self) -> None:
        with pytest.raises(ValueError, match="optimizer is 'lion'"):
            task(optimizer='lion')

    def test_no_deviation(self) -> None:
        with pytest.raises(ValueError, match='band_std is'):
            task(band_mean=[0.1, 0.2, 0.3], band_std=[1.0, 0.0, 1.0])
