"""The official score of the xView2 challenge, from pixel counts pooled over the data set."""

import torch
from torch import Tensor
from torchmetrics import Metric

from geo_noisy.confusion import IGNORE_INDEX, f1_from_counts
from geo_noisy.metrics.pooled import confusion_matrices

CLASSES = 5
EPSILON = 1e-6
LOCALISATION_WEIGHT, DAMAGE_WEIGHT = 0.3, 0.7

_DAMAGE = ('no_damage', 'minor_damage', 'major_damage', 'destroyed')


class XView2Score(Metric):
    """Localisation F1, damage F1 by class and their harmonic mean, and 0.3 / 0.7 of both.

    Localisation compares building with background. The damage of a class counts only where the target is a
    building; a building pixel that is predicted as background is a miss of its class.

    After https://github.com/DIUx-xView/xView2_scoring.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False
    localisation: Tensor
    damage: Tensor

    def __init__(self, ignore_index: int = IGNORE_INDEX, per_image: bool = False) -> None:
        """Initialise a new XView2Score.

        Args:
            ignore_index: Target label of pixels to leave out.
            per_image: Leave out the false positives of a damage class in samples whose target lacks the class. The
                official script does so for whole images of 1024 px, hence samples must be whole images for its
                number. By default all are counted, which no cutting into tiles can change.
        """
        super().__init__()
        self.ignore_index = ignore_index
        self.per_image = per_image
        for name, shape in (('localisation', (3,)), ('damage', (len(_DAMAGE), 3))):
            self.add_state(name, torch.zeros(shape, dtype=torch.int64), dist_reduce_fx='sum')

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Count the pixels of a batch.

        Args:
            preds: Predicted classes [B, H, W], integers, or scores [B, 5, H, W], of which the largest is taken.
            target: Classes [B, H, W]: 0 background, 1 no damage, 2 minor, 3 major, 4 destroyed.
        """
        predicted = preds.argmax(dim=1) if preds.ndim == target.ndim + 1 else preds
        confusion = confusion_matrices(predicted, target, classes=CLASSES, ignore_index=self.ignore_index)
        self.localisation += localisation_counts(confusion.sum(dim=0))
        counts = damage_counts(confusion)
        if self.per_image:
            there = counts[..., 0] + counts[..., 2] > 0
            counts = counts * there[..., None]
        self.damage += counts.sum(dim=0)

    def compute(self) -> dict[str, Tensor]:
        """Scores in [0, 1]: ``score``, ``localization_f1``, ``damage_f1``, ``damage_f1_<class>`` (official names)."""
        return official_scores(self.localisation, self.damage)


def official_scores(localisation: Tensor, damage: Tensor) -> dict[str, Tensor]:
    """Scores under their official names.

    Args:
        localisation: True positives, false positives and false negatives of buildings, [3].
        damage: The same of each damage class where the target is a building, [4, 3].
    """
    building_f1, damage_f1 = (f1_from_counts(*counts.double().unbind(dim=-1)) for counts in (localisation, damage))
    harmonic = len(damage_f1) / (1 / (damage_f1 + EPSILON)).sum()
    scores = {
        'score': LOCALISATION_WEIGHT * building_f1 + DAMAGE_WEIGHT * harmonic,
        'localization_f1': building_f1,
        'damage_f1': harmonic,
    }
    return scores | {f'damage_f1_{name}': value for name, value in zip(_DAMAGE, damage_f1, strict=True)}


def localisation_counts(confusion: Tensor) -> Tensor:
    """True positives, false positives and false negatives of buildings, [3], from counts [5, 5]."""
    return torch.stack([confusion[1:, 1:].sum(), confusion[0, 1:].sum(), confusion[1:, 0].sum()])


def damage_counts(confusion: Tensor) -> Tensor:
    """The same of each damage class where the target is a building, [..., 4, 3], from counts [..., 5, 5]."""
    buildings = confusion[..., 1:, :]
    true_positive = buildings[..., 1:].diagonal(dim1=-2, dim2=-1)
    predicted, there = buildings[..., 1:].sum(dim=-2), buildings.sum(dim=-1)
    return torch.stack([true_positive, predicted - true_positive, there - true_positive], dim=-1)
