"""Labels at the size of a feature map."""

import pytest
import torch

from geo_noisy.losses.functional import cross_image_loss, within_image_loss
from geo_noisy.losses.labels import compares, plateau, pool_labels

# Cells of 4 x 4 pixels: mostly 0 with a building's corner; all 1; ignored but for one 0; all ignored.
LABELS = torch.full((1, 8, 8), 255)
LABELS[0, :4, :4] = 0
LABELS[0, 0, 0] = 1
LABELS[0, :4, 4:] = 1
LABELS[0, 4, 0] = 0


@pytest.mark.parametrize(
    ('pooling', 'expected'),
    [('nearest', [[0, 1], [0, 255]]), ('majority', [[0, 1], [0, 255]]), ('any', [[1, 1], [0, 255]])],
)
def test_poolings(pooling: str, expected: list[list[int]]) -> None:
    assert pool_labels(LABELS, (2, 2), pooling)[0].tolist() == expected


def test_nearest_takes_the_centre_and_majority_does_not() -> None:
    labels = torch.zeros(1, 4, 4, dtype=torch.int64)
    labels[0, 1:3, 1:3] = 1
    assert pool_labels(labels, (1, 1), 'nearest').item() == 1
    assert pool_labels(labels, (1, 1), 'majority').item() == 0


def test_ignore_index_is_an_argument() -> None:
    labels = torch.full((1, 4, 4), 7)
    assert pool_labels(labels, (1, 1), 'majority', ignore_index=7).item() == 7
    assert pool_labels(labels, (1, 1), 'any').item() == 7


def test_unknown_pooling() -> None:
    with pytest.raises(ValueError, match="label_pooling is 'mean'"):
        pool_labels(LABELS, (2, 2), 'mean')


@pytest.mark.parametrize('cross', [False, True])
def test_plateau_is_the_loss_of_equal_features(cross: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = [torch.randint(0, 4, (5, 3, 3), generator=generator) for _ in range(3)]
    for each in labels:
        each[each == 3] = 255
    features = torch.ones(5, 6, 3, 3)
    if cross:
        loss = cross_image_loss(features, features, features, *labels, 0.07)
        assert torch.isclose(plateau(*labels), loss, atol=1e-5)
    else:
        loss = within_image_loss(features, features, *labels[:2], 0.07)
        assert torch.isclose(plateau(*labels[:2]), loss, atol=1e-5)


@pytest.mark.parametrize(
    ('labels_a', 'labels_b', 'expected'),
    [([[0]], [[0]], False), ([[0, 1]], [[0, 1]], True), ([[0, 0]], [[1, 1]], False), ([[0, 0]], [[0, 255]], False)],
)
def test_what_compares(labels_a: list[list[int]], labels_b: list[list[int]], expected: bool) -> None:
    assert compares(torch.tensor([labels_a]), torch.tensor([labels_b])) is expected
