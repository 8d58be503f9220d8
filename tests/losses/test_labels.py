"""Labels at the size of a feature map."""

import pytest
import torch

from geo_noisy.losses.labels import pool_labels

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
