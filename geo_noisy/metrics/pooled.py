"""Scores from one confusion matrix pooled over the data set: of pixels, or of images."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix


class PooledScores(MulticlassConfusionMatrix):
    """Per-class, macro and overall scores; an absent class counts 0 in the macro mean.

    (torchmetrics leaves a class out of the mean where neither target nor prediction holds it.)
    """

    def __init__(self, classes: Sequence[str], ignore_index: int = 255) -> None:
        """Initialise new PooledScores.

        Args:
            classes: Names of the declared classes.
            ignore_index: Target label to leave out.
        """
        super().__init__(num_classes=len(classes), ignore_index=ignore_index, validate_args=False)
        self.classes = tuple(classes)

    def compute(self) -> dict[str, Tensor]:  # type: ignore[override]  # scores in place of the matrix
        """Scores in [0, 1]: ``f1_macro``, ``iou_macro``, ``accuracy``, and ``f1_<class>``, ``iou_<class>``."""
        scores = class_scores(super().compute())
        result = {name: scores[name].mean() for name in ('f1', 'iou')}
        result = {'f1_macro': result['f1'], 'iou_macro': result['iou'], 'accuracy': scores['accuracy']}
        for name in ('f1', 'iou'):
            result |= {f'{name}_{label}': score for label, score in zip(self.classes, scores[name], strict=True)}
        return result


def class_scores(confusion: Tensor) -> dict[str, Tensor]:
    """F1 and intersection over union of each class, and overall accuracy.

    Args:
        confusion: Counts [classes, classes], rows are targets.

    Returns:
        ``f1`` and ``iou`` [classes], ``accuracy`` []; 0 where a class is absent.
    """
    confusion = confusion.cpu().to(torch.float64)  # not every accelerator has float64
    true_positive = confusion.diagonal()
    target, predicted = confusion.sum(dim=1), confusion.sum(dim=0)
    return {
        'f1': 2 * true_positive / (target + predicted).clamp(min=1),
        'iou': true_positive / (target + predicted - true_positive).clamp(min=1),
        'accuracy': true_positive.sum() / confusion.sum().clamp(min=1),
    }


def image_confusions(predicted: Tensor, target: Tensor, *, classes: int, ignore_index: int = 255) -> Tensor:
    """Confusion matrix of each image of a batch; their sum over all images is the pooled one.

    Args:
        predicted: Classes, [B, ...].
        target: True classes, of the same shape.
        classes: Number of classes.
        ignore_index: Target label to leave out.

    Returns:
        Counts [B, classes, classes], int32, rows are targets.
    """
    predicted, target = (value.reshape(len(value), -1) for value in (predicted, target))
    image = torch.arange(len(target), device=target.device)[:, None].expand_as(target)
    cell = (image * classes + target) * classes + predicted
    counts = torch.bincount(cell[target != ignore_index], minlength=len(target) * classes**2)
    return counts.view(-1, classes, classes).to(torch.int32)


def inverse_frequency_weights(counts: Tensor) -> Tensor:
    """Class weights equal to the inverse class frequency (paper, section V-A); 0 for an absent class.

    Args:
        counts: Pixels, or images, of each class, [classes].

    Returns:
        Weights [classes], float32: all of them over those of the class.
    """
    counts = counts.to(torch.float64)
    return torch.where(counts > 0, counts.sum() / counts.clamp(min=1), 0.0).to(torch.float32)
