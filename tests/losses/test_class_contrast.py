"""The dense losses some images at a time against one softmax over the batch, and what they keep in memory."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from geo_noisy.losses import class_contrast as module
from geo_noisy.losses.functional import cross_image_loss, within_image_loss

TAU = 0.07


def softmax_loss(anchor: Tensor, partner: Tensor, labels: Tensor, partner_labels: Tensor) -> Tensor:
    """What a user would write: a softmax of all pixels of the batch, and a dense mask of the positives."""
    a, b = (F.normalize(features.flatten(2).mT, dim=2) for features in (anchor, partner))
    positive = (labels.flatten(1)[:, :, None] == partner_labels.flatten(1)[:, None]).float()
    mean = ((a @ b.mT / TAU).log_softmax(dim=2) * positive).sum(dim=2) / positive.sum(dim=2)
    return -mean.mean()


def pair(batch: int = 7, dim: int = 32, side: int = 8) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    features = [torch.randn(batch, dim, side, side, generator=generator).requires_grad_() for _ in range(2)]
    labels = [torch.randint(0, 2, (batch, side, side), generator=generator) for _ in range(2)]
    return features, labels


@pytest.mark.parametrize('entries', [1, 3 * 64**2, 2**18], ids=['one image', 'three images', 'all'])
@pytest.mark.parametrize('layout', [torch.contiguous_format, torch.channels_last])
def test_equal_to_a_softmax_over_the_batch(
    entries: int, layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(module.ENTRIES, 'cpu', entries)
    features, labels = pair()
    found = within_image_loss(*(f.contiguous(memory_format=layout) for f in features), *labels, TAU)
    expected = softmax_loss(*features, *labels)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    for one, other in zip(
        torch.autograd.grad(3 * found, features), torch.autograd.grad(3 * expected, features), strict=True
    ):
        assert (one - other).norm() <= 1e-6 * other.norm()


def test_the_same_with_and_without_gradients() -> None:
    features, labels = pair()
    with torch.no_grad():
        plain = within_image_loss(*features, *labels, TAU)
    assert torch.equal(plain, within_image_loss(*features, *labels, TAU).detach())


@pytest.mark.parametrize('cross', [False, True])
def test_keeps_no_matrix_of_pixels_for_the_backward_pass(cross: bool) -> None:
    features, labels = pair(dim=16, side=16)
    kept: list[int] = []

    def _note(tensor: Tensor) -> Tensor:
        kept.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(_note, lambda tensor: tensor):
        if cross:
            cross_image_loss(*features, features[1].flip(0), *labels, labels[1].flip(0), TAU)
        else:
            within_image_loss(*features, *labels, TAU)
    of_features = features[0].nbytes * (3 if cross else 2)
    assert of_features <= sum(kept) < 1.1 * of_features
