"""Dense losses, forward and backward, beside a batched softmax with a dense mask."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from geo_noisy.losses.functional import cross_image_loss, ground_loss, within_image_loss
from tests.benchmarks.rows import Comparison

BATCH, CHANNELS, TAU = 64, 256, 0.07
WITHIN, ACROSS = 2, 3
RADIUS = 0.6


def softmax_loss(*features_and_labels: Tensor) -> Tensor:
    """Both losses as a user would write them, for labels of which none is ignored and all have positives."""
    images = len(features_and_labels) // 2
    anchor, *others = (F.normalize(features.flatten(2).mT, dim=2) for features in features_and_labels[:images])
    classes, *other_classes = (labels.flatten(1) for labels in features_and_labels[images:])
    similarity = anchor @ torch.cat(others, dim=1).mT / TAU
    positive = classes[:, :, None] == torch.cat(other_classes, dim=1)[:, None]
    absent = ~positive
    absent[:, :, : others[0].shape[1]] = False
    log_share = similarity.masked_fill(absent, -1e9).log_softmax(dim=2)
    mask = positive.float()
    return -((log_share * mask).sum(dim=2) / mask.sum(dim=2)).mean()


def comparisons() -> Iterator[Comparison]:
    """Within and cross for maps of three sizes, ground for two."""
    for side in (8, 16, 32):
        generator = torch.Generator().manual_seed(0)
        features = [
            torch.randn(BATCH, CHANNELS, side, side, generator=generator).requires_grad_() for _ in range(ACROSS)
        ]
        labels = [torch.randint(0, 2, (BATCH, side, side), generator=generator) for _ in range(ACROSS)]
        for name, loss, images in (('within', within_image_loss, WITHIN), ('cross', cross_image_loss, ACROSS)):
            yield _comparison(name, loss, features[:images], labels[:images], side)
    for side in (8, 16):
        yield _ground(side)


def _comparison(
    name: str, loss: Callable[..., Tensor], features: list[Tensor], labels: list[Tensor], side: int
) -> Comparison:
    def _ours() -> tuple[Tensor, ...]:
        return torch.autograd.grad(loss(*features, *labels, TAU), features)

    def _theirs() -> tuple[Tensor, ...]:
        return torch.autograd.grad(softmax_loss(*features, *labels), features)

    def _equal() -> str:
        exact = [f.detach()[:4].double().requires_grad_() for f in features]
        few, classes = [f.detach()[:4].requires_grad_() for f in features], [y[:4] for y in labels]
        expected = torch.autograd.grad(softmax_loss(*exact, *classes), exact)
        found = torch.autograd.grad(loss(*few, *classes, TAU), few)
        for one, other in zip(found, expected, strict=True):
            if (one - other).norm() > 1e-6 * other.norm():
                raise AssertionError(f'gradients of {name} differ by {(one - other).norm() / other.norm()}')
        return 'gradients of 4 pairs within 1e-6 of the softmax in float64'

    size, rounds = f'{BATCH} pairs, {side} x {side} cells', 7 if side < 32 else 3
    return Comparison(f'{name} loss', size, 'softmax, dense mask', 1.3, _ours, _theirs, _equal, rounds)


def softmax_of_ground(query: Tensor, key: Tensor, position: Tensor, kept: Tensor, place: Tensor) -> Tensor:
    """The contrast of the same ground as a user would write it: one matrix of all points of the batch."""
    a, b = (F.normalize(features.flatten(0, 1), dim=1) for features in (query, key))
    pair, counted = place.repeat_interleave(query.shape[1]), kept.flatten()
    far = torch.cdist(position.flatten(0, 1), position.flatten(0, 1)) > RADIUS
    candidates = ((pair[:, None] != pair) | far) & counted
    candidates.fill_diagonal_(True)  # the positives
    log_share = (a @ b.T / TAU).masked_fill(~candidates, -1e9).log_softmax(dim=1)
    return -(log_share.diagonal() * counted).sum() / counted.sum()


def _ground(side: int) -> Comparison:
    generator = torch.Generator().manual_seed(0)
    shape = (BATCH, side**2)
    features = [torch.randn(*shape, 128, generator=generator).requires_grad_() for _ in range(2)]
    where, kept = 2 * torch.rand(*shape, 2, generator=generator) - 1, torch.rand(shape, generator=generator) > 0.1
    rest = (where, kept, torch.arange(BATCH))

    def _equal() -> str:
        expected = torch.autograd.grad(softmax_of_ground(*features, *rest), features)
        found = torch.autograd.grad(ground_loss(*features, *rest, TAU, radius=RADIUS), features)
        for one, other in zip(found, expected, strict=True):
            if (one - other).norm() > 1e-5 * other.norm():
                raise AssertionError(f'gradients of ground differ by {(one - other).norm() / other.norm()}')
        return 'gradients, 1e-5'

    return Comparison(
        'ground loss', f'{BATCH} pairs, {side} x {side} points', 'softmax over the batch', 1.3,
        lambda: torch.autograd.grad(ground_loss(*features, *rest, TAU, radius=RADIUS), features),
        lambda: torch.autograd.grad(softmax_of_ground(*features, *rest), features),
        _equal, rounds=3,
    )  # fmt: skip
