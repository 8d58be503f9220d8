"""The losses against loops over pixels, written from the printed equations."""

import math
from collections.abc import Callable
from itertools import product

import pytest
import torch
from torch import Tensor

from geo_noisy.losses import RINCE, CrossImageLoss, InfoNCE, WithinImageLoss
from geo_noisy.losses.functional import cross_image_loss, info_nce, rince, within_image_loss

IGNORE = 255


def unit(v: Tensor) -> Tensor:
    return v / v.norm()


def loop_info_nce(query: Tensor, key: Tensor, queue: Tensor, tau: float) -> Tensor:
    """Equation 1, a query at a time."""
    total = torch.zeros((), dtype=query.dtype)
    for q, k in zip(query, key, strict=True):
        positive = torch.exp(unit(q) @ unit(k) / tau)
        negatives = sum(torch.exp(unit(q) @ unit(n) / tau) for n in queue)
        total = total - torch.log(positive / (positive + negatives))
    return total / len(query)


def pixels(features: Tensor, labels: Tensor) -> list[tuple[Tensor, int]]:
    _, h, w = features.shape
    return [(unit(features[:, y, x]), int(labels[y, x])) for y, x in product(range(h), range(w))]


def loop_within(fa: Tensor, fb: Tensor, la: Tensor, lb: Tensor, tau: float) -> Tensor | None:
    """Equation 2 for one image."""
    image = [(v, c) for v, c in pixels(fa, la) if c != IGNORE]
    partner = [(v, c) for v, c in pixels(fb, lb) if c != IGNORE]
    losses = []
    for anchor, label in image:
        positives = [v for v, c in partner if c == label]
        if not positives:
            continue
        denominator = sum(torch.exp(anchor @ v / tau) for v, _ in partner)
        losses.append(-sum(torch.log(torch.exp(anchor @ v / tau) / denominator) for v in positives) / len(positives))
    return sum(losses) / len(losses) if losses else None


def loop_cross(fa: Tensor, fb: Tensor, fj: Tensor, la: Tensor, lb: Tensor, lj: Tensor, tau: float) -> Tensor | None:
    """Equation 3 for one image, its two terms apart."""
    image = [(v, c) for v, c in pixels(fa, la) if c != IGNORE]
    partner = [(v, c) for v, c in pixels(fb, lb) if c != IGNORE]
    other = [(v, c) for v, c in pixels(fj, lj) if c != IGNORE]
    losses = []
    for anchor, label in image:
        near = [v for v, c in partner if c == label]
        far = [v for v, c in other if c == label]
        if not near and not far:
            continue
        denominator = sum(torch.exp(anchor @ v / tau) for v, _ in partner) + sum(
            torch.exp(anchor @ v / tau) for v in far
        )
        weight = 1 / (len(near) + len(far))
        first = -weight * sum(torch.log(torch.exp(anchor @ v / tau) / denominator) for v in near)
        second = -weight * sum(torch.log(torch.exp(anchor @ v / tau) / denominator) for v in far)
        losses.append(first + second)
    return sum(losses) / len(losses) if losses else None


def mean_over_images(losses: list[Tensor | None]) -> Tensor:
    present = [loss for loss in losses if loss is not None]
    return sum(present) / len(present)


def random_dense(seed: int, batch: int = 4, dim: int = 5, side: int = 4, classes: int = 3) -> tuple[Tensor, ...]:
    """Features and labels with ignored pixels, absent classes, and one image without a valid anchor."""
    generator = torch.Generator().manual_seed(seed)
    features = [torch.randn(batch, dim, side, side, dtype=torch.float64, generator=generator) for _ in range(3)]
    labels = [torch.randint(0, classes, (batch, side, side), generator=generator) for _ in range(3)]
    for label in labels:
        label[torch.rand(label.shape, generator=generator) < 0.2] = IGNORE
    labels[1][0][labels[1][0] == 1] = 2  # class 1 is absent from the first partner
    labels[2][0][labels[2][0] == 1] = 0  # ... and from its other image
    labels[0][1] = IGNORE  # no anchors at all
    return *features, *labels


@pytest.mark.parametrize('tau', [0.07, 0.5])
@pytest.mark.parametrize('seed', range(3))
class TestAgainstLoops:
    def test_info_nce(self, seed: int, tau: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        query, key, queue = (torch.randn(n, 6, dtype=torch.float64, generator=generator) for n in (5, 5, 9))
        torch.testing.assert_close(
            info_nce(query, key, queue, tau), loop_info_nce(query, key, queue, tau), rtol=0, atol=1e-9
        )

    def test_within(self, seed: int, tau: float) -> None:
        fa, fb, _, la, lb, _ = random_dense(seed)
        expected = mean_over_images([loop_within(fa[i], fb[i], la[i], lb[i], tau) for i in range(len(fa))])
        torch.testing.assert_close(within_image_loss(fa, fb, la, lb, tau), expected, rtol=0, atol=1e-9)

    def test_cross(self, seed: int, tau: float) -> None:
        fa, fb, fj, la, lb, lj = random_dense(seed)
        expected = mean_over_images([loop_cross(fa[i], fb[i], fj[i], la[i], lb[i], lj[i], tau) for i in range(len(fa))])
        torch.testing.assert_close(cross_image_loss(fa, fb, fj, la, lb, lj, tau), expected, rtol=0, atol=1e-9)


class TestGradients:
    def test_info_nce(self) -> None:
        tensors = [torch.randn(n, 4, dtype=torch.float64, requires_grad=True) for n in (3, 3, 5)]
        assert torch.autograd.gradcheck(lambda *t: info_nce(*t, 0.2), tensors)

    def test_dense(self) -> None:
        fa, fb, fj, la, lb, lj = random_dense(0, batch=3, side=2)
        features = [f.requires_grad_() for f in (fa, fb, fj)]
        assert torch.autograd.gradcheck(lambda a, b: within_image_loss(a, b, la, lb, 0.2), features[:2])
        assert torch.autograd.gradcheck(lambda a, b, j: cross_image_loss(a, b, j, la, lb, lj, 0.2), features)


class TestEdges:
    @pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32])
    def test_finite_with_identical_features(self, dtype: torch.dtype) -> None:
        features = torch.ones(2, 8, 4, 4, dtype=dtype, requires_grad=True)
        labels = torch.arange(16).view(1, 4, 4).expand(2, 4, 4) % 2
        vectors = torch.ones(4, 8, dtype=dtype, requires_grad=True)
        losses = [
            within_image_loss(features, features, labels, labels, 0.07),
            cross_image_loss(features, features, features, labels, labels, labels, 0.07),
            info_nce(vectors, vectors, vectors.detach(), 0.07),
        ]
        assert torch.allclose(torch.stack(losses).double(), torch.tensor([16, 24, 5]).double().log(), atol=1e-2)
        sum(losses).backward()
        assert features.grad.isfinite().all()
        assert vectors.grad.isfinite().all()

    def test_autocast_does_not_lower_the_precision(self) -> None:
        fa, fb, fj, la, lb, lj = (t.float() if t.is_floating_point() else t for t in random_dense(0))
        plain = cross_image_loss(fa, fb, fj, la, lb, lj, 0.07)
        with torch.autocast('cpu', torch.bfloat16):
            assert torch.equal(cross_image_loss(fa, fb, fj, la, lb, lj, 0.07), plain)

    @pytest.mark.parametrize('loss', [within_image_loss, cross_image_loss])
    def test_no_valid_anchor_is_no_measurement(self, loss: Callable[..., Tensor]) -> None:
        features = torch.randn(2, 4, 2, 2, requires_grad=True)
        ignored = torch.full((2, 2, 2), IGNORE)
        images = 2 if loss is within_image_loss else 3
        found = loss(*[features] * images, *[ignored] * images, 0.07)
        assert found.isnan()
        found.backward()
        assert torch.equal(features.grad, torch.zeros_like(features))

    def test_one_class_lies_at_log_of_the_pixels(self) -> None:
        features, labels = torch.ones(1, 4, 3, 3), torch.zeros(1, 3, 3, dtype=torch.int64)
        assert within_image_loss(features, features, labels, labels, 0.07).item() == pytest.approx(math.log(9))

    def test_ignored_pixels_have_no_influence(self) -> None:
        fa, fb, _, la, lb, _ = random_dense(1)
        before = within_image_loss(fa, fb, la, lb, 0.1)
        changed = fb + 100 * (lb == IGNORE)[:, None]
        assert torch.equal(within_image_loss(fa, changed, la, lb, 0.1), before)

    def test_ignore_index_is_an_argument(self) -> None:
        fa, fb, _, la, lb, _ = random_dense(1)
        as_seven = [label.masked_fill(label == IGNORE, 7) for label in (la, lb)]
        expected = within_image_loss(fa, fb, la, lb, 0.1)
        assert torch.equal(within_image_loss(fa, fb, *as_seven, 0.1, ignore_index=7), expected)
        assert not torch.isclose(within_image_loss(fa, fb, *as_seven, 0.1), expected)

    def test_no_other_image_leaves_the_within_loss(self) -> None:
        fa, fb, fj, la, lb, lj = random_dense(2)
        assert torch.allclose(
            cross_image_loss(fa, fb, fj, la, lb, torch.full_like(lj, IGNORE), 0.1),
            within_image_loss(fa, fb, la, lb, 0.1),
        )

    def test_other_class_of_the_other_image_is_no_negative(self) -> None:
        fa, fb, fj, la, lb, lj = random_dense(2)
        la, lb, lj = torch.zeros_like(la), torch.zeros_like(lb), torch.ones_like(lj)
        assert torch.equal(
            cross_image_loss(fa, fb, fj, la, lb, lj, 0.1), cross_image_loss(fa, fb, fj * -1, la, lb, lj, 0.1)
        )

    def test_excluded_keys_are_no_negatives(self) -> None:
        query, key, queue = torch.randn(2, 4), torch.randn(2, 4), torch.randn(3, 4)
        excluded = torch.tensor([[True, False, False], [True, False, False]])
        expected = info_nce(query, key, queue[1:], 0.2)
        assert torch.allclose(info_nce(query, key, queue, 0.2, excluded=excluded), expected)
        assert not torch.allclose(info_nce(query, key, queue, 0.2), expected)

    def test_length_of_features_does_not_matter(self) -> None:
        query, key, queue = torch.randn(2, 4), torch.randn(2, 4), torch.randn(3, 4)
        assert torch.allclose(info_nce(query * 9, key * 3, queue * 5, 0.2), info_nce(query, key, queue, 0.2))


class TestBadInput:
    def test_temperature(self) -> None:
        with pytest.raises(ValueError, match=r'temperature is 0\.0'):
            info_nce(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 2), 0.0)

    def test_info_nce_shapes(self) -> None:
        with pytest.raises(ValueError, match=r'queue \(1, 3\)'):
            info_nce(torch.ones(1, 2), torch.ones(1, 2), torch.ones(1, 3), 0.1)

    def test_labels_at_the_size_of_the_image(self) -> None:
        features = torch.ones(1, 2, 2, 2)
        with pytest.raises(ValueError, match=r'not \(1, 64, 64\)'):
            within_image_loss(features, features, torch.zeros(1, 64, 64), torch.zeros(1, 2, 2), 0.1)


class TestRINCE:
    """Against the published formula, written as a loop, and its limit."""

    def tensors(self) -> list[Tensor]:
        generator = torch.Generator().manual_seed(3)
        return [torch.randn(n, 6, generator=generator, dtype=torch.float64) for n in (5, 5, 9)]

    @staticmethod
    def reference(query: Tensor, key: Tensor, queue: Tensor, tau: float, q: float, lam: float) -> float:
        def cosine(a: Tensor, b: Tensor) -> float:
            return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))

        total = 0.0
        for anchor, partner in zip(query, key, strict=True):
            pos = math.exp(cosine(anchor, partner) / tau)
            neg = sum(math.exp(cosine(anchor, other) / tau) for other in queue)
            total += -(pos**q) / q + (lam * (pos + neg)) ** q / q
        return total / len(query)

    @pytest.mark.parametrize('q', [0.1, 0.6, 1.0])
    @pytest.mark.parametrize('lam', [0.01, 0.5])
    def test_against_a_loop(self, q: float, lam: float) -> None:
        tensors = self.tensors()
        expected = self.reference(*tensors, 0.2, q, lam)
        assert float(rince(*tensors, 0.2, q=q, lam=lam)) == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize(('q', 'tolerance'), [(0.0, 1e-9), (1e-9, 1e-7), (1e-4, 1e-2)])
    def test_as_q_goes_to_zero_it_is_info_nce(self, q: float, tolerance: float) -> None:
        query, key, queue = (tensor.requires_grad_() for tensor in self.tensors())
        robust = rince(query, key, queue, 0.2, q=q, lam=0.01) - math.log(0.01)
        plain = info_nce(query, key, queue, 0.2)
        assert robust.item() == pytest.approx(plain.item(), abs=tolerance)
        gradients = [torch.autograd.grad(loss, (query, key, queue)) for loss in (robust, plain)]
        for ours, theirs in zip(*gradients, strict=True):
            assert torch.allclose(ours, theirs, rtol=0, atol=tolerance)

    def test_gradients(self) -> None:
        tensors = [tensor.requires_grad_() for tensor in self.tensors()]
        assert torch.autograd.gradcheck(lambda *t: rince(*t, 0.2, q=0.5, lam=0.1), tensors)

    def test_a_false_positive_pulls_less_than_in_info_nce(self) -> None:
        """At q = 1 the pull of a pair falls with its similarity; in InfoNCE it rises."""
        queue = -torch.eye(4)[:1]
        pulls = {}
        for name, loss in (
            ('rince', lambda *t: rince(*t, 0.5, q=1.0, lam=0.01)),
            ('plain', lambda *t: info_nce(*t, 0.5)),
        ):
            sizes = []
            for angle in (0.3, 2.0):  # nearly the same, and far apart
                key = torch.tensor([[math.cos(angle), math.sin(angle), 0.0, 0.0]])
                query = torch.eye(4)[:1].clone().requires_grad_()
                (gradient,) = torch.autograd.grad(loss(query, key, queue), query)
                sizes.append(float(gradient.norm()) / math.sin(angle))
            pulls[name] = sizes[1] / sizes[0]
        assert pulls['rince'] < 1 < pulls['plain']

    def test_excluded_keys_are_no_negatives(self) -> None:
        query, key, queue = self.tensors()
        excluded = torch.zeros(5, 9, dtype=torch.bool)
        excluded[:, 0] = True
        expected = rince(query, key, queue[1:], 0.2)
        assert torch.allclose(rince(query, key, queue, 0.2, excluded=excluded), expected)

    def test_finite_where_a_negative_lies_far_above_the_positive(self) -> None:
        query = torch.tensor([[1.0, 0.0]], requires_grad=True)
        key, queue = torch.tensor([[-0.9, 0.44]]), torch.tensor([[1.0, 0.0]])
        loss = rince(query, key, queue, 0.02, q=1.0, lam=0.01)
        assert loss.item() == pytest.approx(0.01 * math.exp(50), rel=1e-3)
        (gradient,) = torch.autograd.grad(loss, query)
        assert torch.isfinite(gradient).all()

    def test_half_precision_is_finite(self) -> None:
        vectors = torch.ones(4, 8, dtype=torch.float16)
        assert torch.isfinite(rince(vectors, vectors, vectors, 0.07, q=1.0))

    @pytest.mark.parametrize(
        ('arguments', 'message'),
        [
            ({'q': 1.5}, 'q is 1.5'),
            ({'lam': 0.0}, 'lam is 0.0'),
            ({'q': 1.0, 'temperature': 0.01}, 'overflows'),
            ({'temperature': 0.0}, 'temperature is 0.0'),
        ],
    )
    def test_arguments(self, arguments: dict[str, float], message: str) -> None:
        vectors = torch.ones(2, 3)
        with pytest.raises(ValueError, match=message):
            rince(vectors, vectors, vectors, **{'temperature': 0.2, **arguments})


class TestModules:
    """Each is its function with the options it was made with."""

    def test_of_vectors(self) -> None:
        vectors = [torch.randn(n, 4, generator=torch.Generator().manual_seed(n)) for n in (3, 2, 5)]
        query, key, queue = vectors[0][:2], vectors[1], vectors[2]
        excluded = torch.tensor([[True, False, False, True, False]] * 2)
        assert torch.equal(
            InfoNCE(0.3)(query, key, queue, excluded), info_nce(query, key, queue, 0.3, excluded=excluded)
        )
        ours = RINCE(0.3, q=0.2, lam=0.4)(query, key, queue, excluded)
        assert torch.equal(ours, rince(query, key, queue, 0.3, q=0.2, lam=0.4, excluded=excluded))

    def test_of_maps(self) -> None:
        fa, fb, fj, la, lb, lj = random_dense(1)
        la, lb, lj = (label.masked_fill(label == IGNORE, 7) for label in (la, lb, lj))
        assert torch.equal(
            WithinImageLoss(0.3, ignore_index=7)(fa, fb, la, lb), within_image_loss(fa, fb, la, lb, 0.3, 7)
        )
        ours = CrossImageLoss(0.3, ignore_index=7)(fa, fb, fj, la, lb, lj)
        assert torch.equal(ours, cross_image_loss(fa, fb, fj, la, lb, lj, 0.3, 7))
