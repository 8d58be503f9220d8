"""Scores from one confusion matrix pooled over the data set: of pixels, or of images."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics import Metric

from geo_noisy.confusion import IGNORE_INDEX, class_f1


class PooledScores(Metric):
    """Per-class, macro and overall scores; an absent class counts 0 in the macro mean.

    (torchmetrics leaves a class out of the mean where neither target nor prediction holds it.)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    confusion: Tensor

    def __init__(self, classes: Sequence[str], ignore_index: int = IGNORE_INDEX) -> None:
        """Initialise new PooledScores.

        Args:
            classes: Names of the declared classes.
            ignore_index: Target label to leave out.
        """
        super().__init__()
        self.classes, self.ignore_index = tuple(classes), ignore_index
        count = len(self.classes)
        self.add_state('confusion', torch.zeros((count, count), dtype=torch.int64), dist_reduce_fx='sum')

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Count a batch.

        Args:
            preds: Predicted classes, [B, ...].
            target: True classes, of the same shape.
        """
        classes = len(self.classes)
        self.confusion += confusion_matrices(preds, target, classes=classes, ignore_index=self.ignore_index).sum(dim=0)

    def compute(self) -> dict[str, Tensor]:
        """Scores in [0, 1]: ``f1_macro``, ``iou_macro``, ``accuracy``, and ``f1_<class>``, ``iou_<class>``."""
        scores = class_scores(self.confusion)
        result = {
            'f1_macro': scores['f1'].mean(),
            'iou_macro': scores['iou'].mean(),
            'accuracy': scores['accuracy'],
        }
        for name in ('f1', 'iou'):
            result |= {f'{name}_{label}': score for label, score in zip(self.classes, scores[name], strict=True)}
        return result


def class_scores(confusion: Tensor) -> dict[str, Tensor]:
    """F1 and intersection over union of each class, and overall accuracy.

    Args:
        confusion: Counts [classes, classes], rows are targets.

    Returns:
        ``f1`` and ``iou`` [classes], ``accuracy`` []; 0 where a class is absent, NaN where nothing was counted.
    """
    confusion = confusion.cpu().to(torch.float64)  # not every accelerator has float64
    if not confusion.any():
        confusion = torch.full_like(confusion, torch.nan)
    true_positive = confusion.diagonal()
    union = confusion.sum(dim=1) + confusion.sum(dim=0) - true_positive
    return {
        'f1': class_f1(confusion),
        'iou': true_positive / union.clamp(min=1),
        'accuracy': true_positive.sum() / confusion.sum().clamp(min=1),
    }


def confusion_matrices(predicted: Tensor, target: Tensor, *, classes: int, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Confusion matrix of each image of a batch; their sum over all images is the pooled one.

    Args:
        predicted: Classes, [B, ...].
        target: True classes, of the same shape.
        classes: Number of classes.
        ignore_index: Target label to leave out.

    Returns:
        Counts [B, classes, classes], int32, rows are targets.

    Raises:
        ValueError: If a target is neither a class nor the ignored label.
    """
    check_targets(target, classes=classes, ignore_index=ignore_index)
    predicted, target = (value.reshape(len(value), -1) for value in (predicted, target))
    image = torch.arange(len(target), device=target.device)[:, None].expand_as(target)
    cell = (image * classes + target) * classes + predicted
    counts = torch.bincount(cell[target != ignore_index], minlength=len(target) * classes**2)
    return counts.view(-1, classes, classes).to(torch.int32)


def check_targets(target: Tensor, *, classes: int, ignore_index: int = IGNORE_INDEX) -> None:
    """Check that every target is a class or the ignored label.

    Raises:
        ValueError: With the values that are neither, and what to change.
    """
    wrong = (target != ignore_index) & ((target < 0) | (target >= classes))
    if wrong.any():
        values = sorted(set(target[wrong].tolist()))
        raise ValueError(
            f'Targets hold {values[:5]}, but there are {classes} classes (0 to {classes - 1}) and ignore_index is '
            f'{ignore_index}: name every class, or set ignore_index to the label that is to be left out.'
        )


def inverse_frequency_weights(counts: Tensor) -> Tensor:
    """Class weights equal to the inverse class frequency (paper, section V-A); 0 for an absent class.

    Args:
        counts: Pixels, or images, of each class, [classes].

    Returns:
        Weights [classes], float32: all of them over those of the class.
    """
    counts = counts.to(torch.float64)
    return torch.where(counts > 0, counts.sum() / counts.clamp(min=1), 0.0).to(torch.float32)
