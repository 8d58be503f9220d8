"""Scores from one pooled confusion matrix."""

import pytest
import torch
from torchmetrics.functional.classification import multiclass_f1_score, multiclass_jaccard_index

from geo_noisy.metrics.pooled import PooledScores


def test_against_torchmetrics_where_all_classes_are_there() -> None:
    target, predicted = torch.randint(0, 4, (5, 9, 9)), torch.randint(0, 4, (5, 9, 9))
    target[0, 0] = 255
    scores = PooledScores(['a', 'b', 'c', 'd'])
    for t, p in zip(target, predicted, strict=True):
        scores.update(p[None], t[None])
    computed = scores.compute()
    arguments = {'num_classes': 4, 'ignore_index': 255}
    assert torch.isclose(computed['f1_macro'].float(), multiclass_f1_score(predicted, target, **arguments))
    assert torch.isclose(computed['iou_macro'].float(), multiclass_jaccard_index(predicted, target, **arguments))
    known = target != 255
    assert computed['accuracy'] == pytest.approx((predicted == target)[known].float().mean().item())


def test_an_absent_class_counts_zero() -> None:
    scores = PooledScores(['a', 'b', 'never'])
    scores.update(torch.tensor([0, 1]), torch.tensor([0, 1]))
    assert scores.compute()['f1_macro'] == pytest.approx(2 / 3)
    assert scores.compute()['f1_never'] == 0


def test_all_background_of_xbd() -> None:
    """Macro-F1 .197 over five classes for the published pixel shares (.96969 background)."""
    target = torch.arange(5).repeat_interleave(torch.tensor([96969, 2326, 257, 268, 179]))
    scores = PooledScores(['background', 'none', 'minor', 'major', 'destroyed'])
    scores.update(torch.zeros_like(target), target)
    assert scores.compute()['f1_macro'] == pytest.approx(0.197, abs=5e-4)


@pytest.mark.parametrize(('value', 'ignore_index'), [(4, 255), (-1, 255), (255, -1)])
def test_a_target_that_is_no_class(value: int, ignore_index: int) -> None:
    scores = PooledScores(['a', 'b', 'c', 'd'], ignore_index)
    with pytest.raises(ValueError, match=rf'Targets hold \[{value}\].* ignore_index is {ignore_index}'):
        scores.update(torch.tensor([0, 1]), torch.tensor([0, value]))
    scores.update(torch.tensor([0, 1]), torch.tensor([0, ignore_index]))
    assert scores.confusion.sum() == 1
