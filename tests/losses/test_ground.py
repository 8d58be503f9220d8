"""The ground loss against a loop over points, written from its definition."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from geo_noisy.losses import GroundLoss
from geo_noisy.losses.functional import ground_loss

MODES = ('keep', 'drop', 'negative', 'weight')


def unit(v: Tensor) -> Tensor:
    return v / v.norm()


def loop(
    data: dict[str, Tensor],
    tau: float,
    *,
    changed: str = 'keep',
    unknown: str = 'drop',
    radius: float | None = None,
    queue: bool = False,
) -> Tensor:
    """The definition, a point at a time."""
    query, key, position, kept, place, share = (
        data[name] for name in ('query', 'key', 'position', 'kept', 'place', 'share')
    )
    total, weights = torch.zeros((), dtype=query.dtype), 0.0
    pairs, points = kept.shape
    for b in range(pairs):
        for p in range(points):
            if not kept[b, p]:
                continue
            s = float(share[b, p])
            if changed == 'keep':
                s = 0.0
            elif math.isnan(s):
                if unknown == 'drop':
                    continue
                s = 0.0
            if changed == 'drop' and s > 0.5:
                continue
            anchor = unit(query[b, p])
            negatives = [
                torch.exp(anchor @ unit(key[c, r]) / tau)
                for c in range(pairs)
                for r in range(points)
                if kept[c, r]
                and (
                    place[c] != place[b]
                    or (radius is not None and c == b and (position[b, p] - position[c, r]).norm() > radius)
                )
            ]
            if queue:
                entries = zip(data['queue'], data['queue_place'], strict=True)
                negatives += [
                    torch.exp(anchor @ unit(v) / tau) for v, where in entries if where < 0 or where != place[b]
                ]
            if not negatives:
                continue
            positive = torch.exp(anchor @ unit(key[b, p]) / tau)
            denominator = positive + sum(negatives)
            pushed = changed == 'negative' and s > 0.5
            term = torch.log(denominator) if pushed else -torch.log(positive / denominator)
            weight = 1 - s if changed == 'weight' else 1.0
            total, weights = total + weight * term, weights + weight
    return total / weights


def random_points(seed: int, pairs: int = 5, points: int = 6, dim: int = 4) -> dict[str, Tensor]:
    """Points of which some are not kept or of unknown change; two pairs share a place, and one has no point."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(pairs, points, dtype=torch.float64, generator=generator)
    share[torch.rand(share.shape, generator=generator) < 0.2] = torch.nan
    kept = torch.rand(pairs, points, generator=generator) < 0.7
    kept[1:2] = False
    return {
        'query': torch.randn(pairs, points, dim, dtype=torch.float64, generator=generator),
        'key': torch.randn(pairs, points, dim, dtype=torch.float64, generator=generator),
        'position': 2 * torch.rand(pairs, points, 2, generator=generator) - 1,
        'kept': kept,
        'place': torch.tensor([7, 2, 7, 3, 9])[:pairs],
        'share': share,
        'queue': torch.randn(5, dim, dtype=torch.float64, generator=generator),
        'queue_place': torch.tensor([3, -1, 7, 8, 9]),
    }


def loss(data: dict[str, Tensor], tau: float = 0.2, *, queue: bool = False, **options: Any) -> Tensor:
    plain = [data[name] for name in ('query', 'key', 'position', 'kept', 'place')]
    stored = {name: data[name] for name in ('queue', 'queue_place')} if queue else {}
    return ground_loss(*plain, tau, share=data['share'], **stored, **options)


@pytest.mark.parametrize('queue', [False, True])
@pytest.mark.parametrize('radius', [None, 0.0, 0.6])
@pytest.mark.parametrize('unknown', ['drop', 'unchanged'])
@pytest.mark.parametrize('changed', MODES)
def test_against_the_loop(changed: Any, unknown: Any, radius: float | None, queue: bool) -> None:
    for seed, tau in ((0, 0.07), (1, 0.5)):
        data, options = random_points(seed), {'changed': changed, 'unknown': unknown, 'radius': radius, 'queue': queue}
        torch.testing.assert_close(loss(data, tau, **options), loop(data, tau, **options), rtol=0, atol=1e-9)


@pytest.mark.parametrize('changed', MODES)
def test_gradients(changed: Any) -> None:
    data = random_points(2, pairs=4, points=3)
    names = ('query', 'key')
    features = [data[name].requires_grad_() for name in names]
    assert torch.autograd.gradcheck(
        lambda *values: loss(data | dict(zip(names, values, strict=True)), changed=changed, radius=0.3, queue=True),
        features,
    )


@pytest.mark.parametrize(
    'options',
    [
        {'changed': 'drop'},
        {'changed': 'negative'},
        {'changed': 'weight'},
        {'radius': 0.6},
        {'queue': True},
        {'tau': 0.5},
    ],
)
def test_every_option_acts(options: dict[str, Any]) -> None:
    data = random_points(0)
    assert not torch.isclose(loss(data), loss(data, **options))


def test_unknown_acts_but_where_shares_are_ignored() -> None:
    data = random_points(0)
    for changed in MODES:
        drop, unchanged = (loss(data, changed=changed, unknown=unknown) for unknown in ('drop', 'unchanged'))
        assert torch.equal(drop, unchanged) == (changed == 'keep')


def test_keys_of_the_same_place_are_no_negatives() -> None:
    """Pairs 0 and 2, and an entry of the queue, show one place: those keys may be anything to the points of pair 0."""
    data = random_points(0)
    data['kept'][1:] = False
    data['kept'][2] = True
    data['share'] = torch.tensor([0.0, 0, 1, 0, 0]).double()[:, None].expand(5, 6)  # points of pair 2 are no anchors
    other = data | {'key': data['key'].clone(), 'queue': data['queue'].clone()}
    other['key'][2] += 1
    other['queue'][2] += 1
    first, second = (loss(each, changed='drop', queue=True, radius=0.3) for each in (data, other))
    assert first > 0
    assert torch.equal(first, second)
    assert not torch.equal(*(loss(each, changed='keep', queue=True, radius=0.3) for each in (data, other)))


def test_no_point_is_no_measurement() -> None:
    data = random_points(0)
    data['kept'] = torch.zeros_like(data['kept'])
    data['query'].requires_grad_()
    value = loss(data, radius=0.5)
    value.backward()
    assert value.isnan()
    assert torch.equal(data['query'].grad, torch.zeros_like(data['query']))


def test_a_pair_alone_has_no_negatives_without_a_radius() -> None:
    data = random_points(0, pairs=1)
    data['kept'][:] = True
    assert loss(data).isnan()
    assert loss(data, radius=0.2) > 0


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_at_low_temperature(dtype: torch.dtype) -> None:
    data = random_points(0)
    half = data | {name: data[name].to(dtype) for name in ('query', 'key', 'queue')} | {'share': data['share'].float()}
    for changed in MODES:
        found = loss(half, 0.05, changed=changed, radius=0.6, queue=True)
        assert found.dtype == torch.float32
        torch.testing.assert_close(
            found.double(), loss(data, 0.05, changed=changed, radius=0.6, queue=True), rtol=0.02, atol=0.02
        )
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert loss(half, 0.05).dtype == torch.float32


def test_module() -> None:
    data = random_points(0)
    plain = [data[name] for name in ('query', 'key', 'position', 'kept', 'place', 'share', 'queue', 'queue_place')]
    found = GroundLoss(0.3, radius=0.5, changed='weight', unknown='unchanged')(*plain)
    assert torch.equal(found, loss(data, 0.3, radius=0.5, changed='weight', unknown='unchanged', queue=True))


@pytest.mark.parametrize(
    ('wrong', 'options', 'message'),
    [
        ({}, {'tau': 0.0}, 'temperature is 0'),
        ({}, {'changed': 'keeep'}, "changed is 'keeep'"),
        ({}, {'changed': 'drop', 'unknown': 'guess'}, "unknown is 'guess'"),
        ({'share': None}, {'changed': 'drop'}, 'nothing says what changed'),
        ({'key': torch.zeros(5, 6, 3)}, {}, r'must both be \[B, P, D\]'),
        ({'place': torch.zeros(4)}, {}, r'place \(4,\) must be \[B\]'),
        ({'queue': torch.zeros(5, 3)}, {'queue': True}, r'queue \(5, 3\) must be \[K, D\]'),
    ],
)
def test_wrong_arguments(wrong: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss(random_points(0) | wrong, **options)


def test_a_queue_needs_its_places() -> None:
    data = random_points(0)
    plain = [data[name] for name in ('query', 'key', 'position', 'kept', 'place')]
    with pytest.raises(ValueError, match='belong together'):
        ground_loss(*plain, 0.2, queue=data['queue'])
