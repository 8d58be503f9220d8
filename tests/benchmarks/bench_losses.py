"""Dense losses, forward and backward, beside a batched softmax with a dense mask of the positives."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from geo_noisy.losses.functional import cross_image_loss, within_image_loss
from tests.benchmarks.rows import Comparison

BATCH, CHANNELS, TAU = 64, 256, 0.07
WITHIN, ACROSS = 2, 3


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
    """Within and cross, for maps of three sizes."""
    for side in (8, 16, 32):
        generator = torch.Generator().manual_seed(0)
        features = [
            torch.randn(BATCH, CHANNELS, side, side, generator=generator).requires_grad_() for _ in range(ACROSS)
        ]
        labels = [torch.randint(0, 2, (BATCH, side, side), generator=generator) for _ in range(ACROSS)]
        for name, loss, images in (('within', within_image_loss, WITHIN), ('cross', cross_image_loss, ACROSS)):
            yield _comparison(name, loss, features[:images], labels[:images], side)


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
