"""Denominators some anchors at a time against one matrix of all similarities, and what they keep in memory."""

import pytest
import torch
from torch import Tensor

from geo_noisy.losses import logsumexp as module
from geo_noisy.losses.functional import ground_loss
from geo_noisy.losses.logsumexp import logsumexp_over


def inputs(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    anchor = torch.randn(3, 5, 4, generator=generator, dtype=dtype).requires_grad_()
    candidate = torch.randn(7, 4, generator=generator, dtype=dtype).requires_grad_()
    return anchor, candidate, torch.rand(3, 7, generator=generator) < 0.4


@pytest.mark.parametrize('fewest', [1, 4, 64])
def test_equal_to_one_matrix(fewest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, '_FEWEST', fewest)
    monkeypatch.setitem(module.ENTRIES, 'cpu', 1)
    anchor, candidate, masked = inputs()
    expected = (anchor @ candidate.T).masked_fill(masked[:, None], -torch.inf).logsumexp(dim=2)
    found = logsumexp_over(anchor, candidate, masked)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    weights = torch.arange(15.0, dtype=torch.float64).view(3, 5)
    wanted = torch.autograd.grad((weights * expected).sum(), [anchor, candidate])
    torch.testing.assert_close(torch.autograd.grad((weights * found).sum(), [anchor, candidate]), wanted)
    assert torch.autograd.gradcheck(logsumexp_over, (anchor, candidate, masked))


def test_features_in_any_order_of_memory() -> None:
    anchor, candidate, masked = inputs()
    turned = anchor.detach().mT.contiguous().mT.requires_grad_()
    for one, other in zip(
        torch.autograd.grad(logsumexp_over(turned, candidate, masked).sum(), [turned, candidate]),
        torch.autograd.grad(logsumexp_over(anchor, candidate, masked).sum(), [anchor, candidate]),
        strict=True,
    ):
        torch.testing.assert_close(one, other)


def test_nothing_to_compare_with_has_no_gradient() -> None:
    anchor, candidate, masked = inputs()
    found = logsumexp_over(anchor, candidate, torch.ones_like(masked))
    assert (found < -1e300).all()
    assert all((gradient == 0).all() for gradient in torch.autograd.grad(found.sum(), [anchor, candidate]))


def test_no_matrix_of_all_points_waits_for_the_backward_pass() -> None:
    pairs, points, dim = 16, 64, 8
    features = [torch.randn(pairs, points, dim).requires_grad_() for _ in range(2)]
    where, kept = torch.rand(pairs, points, 2), torch.ones(pairs, points, dtype=torch.bool)
    kept_bytes: list[int] = []

    def _note(tensor: Tensor) -> Tensor:
        kept_bytes.append(tensor.nbytes)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(_note, lambda tensor: tensor):
        ground_loss(*features, where, kept, torch.arange(pairs), 0.1, radius=0.6)
    assert max(kept_bytes) <= 4 * pairs * points**2  # the pairs' own points, in float32
    assert max(kept_bytes) < 4 * (pairs * points) ** 2 / 10
