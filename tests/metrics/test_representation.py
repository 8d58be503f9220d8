import math

import pytest
import torch

from geo_noisy.metrics.representation import alignment, effective_rank, uniformity


def test_effective_rank_counts_directions() -> None:
    assert effective_rank(torch.eye(8)) == pytest.approx(8, rel=1e-5)
    assert effective_rank(torch.eye(8)[[0, 0, 0]]) == pytest.approx(1, rel=1e-5)
    share = [3 / 4, 1 / 4]
    expected = math.exp(-sum(p * math.log(p) for p in share))
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(expected, rel=1e-5)
    assert effective_rank(torch.zeros(4, 3)) == pytest.approx(1)  # one point is one direction at most
    assert effective_rank(torch.full((4, 3), torch.nan)).isnan()
    assert effective_rank(torch.empty(0, 3)).isnan()


def test_alignment_is_the_squared_distance_on_the_sphere() -> None:
    first = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    assert alignment(first, 5 * first) == pytest.approx(0)
    assert alignment(first, -first) == pytest.approx(4)
    assert alignment(first, first.flip(0)) == pytest.approx(2)


def test_uniformity_against_its_formula() -> None:
    features = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    unit = features / features.norm(dim=1, keepdim=True)
    pairs = [(a, b) for i, a in enumerate(unit) for b in unit[:i]]
    expected = math.log(sum(math.exp(-2 * float((a - b).square().sum())) for a, b in pairs) / len(pairs))
    assert uniformity(features) == pytest.approx(expected, rel=1e-5)
    assert uniformity(torch.ones(5, 3)) == pytest.approx(0, abs=1e-6)
    assert uniformity(torch.ones(1, 3)).isnan()
