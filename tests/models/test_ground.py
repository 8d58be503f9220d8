"""Where cells lie, in which view, and what lies there."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from geo_noisy.models.ground import best_match_distance, cell_centres, features_at, is_inside, transformed


def test_cells_lie_where_pooling_puts_them() -> None:
    ramp = torch.stack(torch.meshgrid((torch.arange(12) + 0.5) / 6 - 1, (torch.arange(8) + 0.5) / 4 - 1, indexing='xy'))
    assert torch.allclose(F.avg_pool2d(ramp[None], 4)[0].flatten(1).T, cell_centres((2, 3)), atol=1e-6)


def test_places_are_transformed_row_by_row() -> None:
    matrix = torch.tensor([[[0.0, -1, 0.5], [2, 0, 0], [0, 0, 1]]])
    assert transformed(torch.tensor([[0.25, 0.5]]), matrix).tolist() == [[[0.0, 0.5]]]


def test_inside_is_the_whole_image() -> None:
    assert is_inside(torch.tensor([[1.0, -1], [1.01, 0], [0, -1.01]])).tolist() == [True, False, False]


def test_features_between_cells() -> None:
    features = torch.tensor([[[[0.0, 1], [2, 3]]]])
    points = torch.tensor([[[-0.5, -0.5], [0.5, 0.5], [0, 0], [0, 0.5], [-1, -1]]])
    assert features_at(features, points)[0, :, 0].tolist() == [0, 3, 1.5, 2.5, 0]


def test_features_in_half_precision_come_in_float32() -> None:
    assert features_at(torch.ones(1, 2, 3, 3, dtype=torch.bfloat16), torch.zeros(1, 1, 2)).dtype == torch.float32


def loop_best(first: Tensor, second: Tensor, reach: int) -> Tensor:
    """One minus the highest cosine within reach, a cell at a time."""
    images, _, height, width = first.shape
    found = torch.empty(images, height, width, dtype=first.dtype)
    for image, y, x in itertools.product(range(images), range(height), range(width)):
        near = [
            F.cosine_similarity(first[image, :, y, x], second[image, :, v, u], dim=0)
            for v, u in itertools.product(range(height), range(width))
            if abs(v - y) <= reach and abs(u - x) <= reach
        ]
        found[image, y, x] = 1 - max(near)
    return found


@pytest.mark.parametrize('reach', [0, 1, 2])
def test_best_match_against_a_loop(reach: int) -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(2, 5, 3, 4, dtype=torch.float64, generator=generator) for _ in range(2))
    torch.testing.assert_close(
        best_match_distance(first, second, reach=reach), loop_best(first, second, reach), rtol=0, atol=1e-12
    )


def test_a_shift_within_reach_makes_no_distance() -> None:
    features = torch.randn(1, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    moved = features.roll((1, 1), dims=(2, 3))
    assert best_match_distance(features, moved, reach=1)[:, :-1, :-1].max() < 1e-5
    assert best_match_distance(features, moved, reach=0)[:, :-1, :-1].mean() > 0.5


@pytest.mark.parametrize(
    ('shape', 'reach', 'message'), [((1, 8, 6, 5), 1, 'must both be'), ((1, 8, 6, 6), -1, 'reach is -1')]
)
def test_wrong_arguments(shape: tuple[int, ...], reach: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_match_distance(torch.zeros(1, 8, 6, 6), torch.zeros(shape), reach=reach)
