"""All scores of the xBD damage task, from one confusion matrix."""

import torch
from torch import Tensor

from geo_noisy.metrics.pooled import PooledScores
from geo_noisy.metrics.xview2 import CLASSES, damage_counts, localisation_counts, official_scores


class DamageScores(PooledScores):
    """Per-class and macro scores, the macro-F1 over the four building classes, and the official xView2 score."""

    def compute(self) -> dict[str, Tensor]:
        """Scores of :class:`PooledScores`, ``f1_macro_buildings``, and the official ones as ``xview2_*``.

        Raises:
            ValueError: If the classes are not the five of xBD.
        """
        if len(self.classes) != CLASSES:
            raise ValueError(f'The damage scores need the five classes of xBD, background first, not {self.classes}.')
        confusion = self.confusion
        scores = super().compute()
        scores['f1_macro_buildings'] = torch.stack([scores[f'f1_{name}'] for name in self.classes[1:]]).mean()
        official = official_scores(localisation_counts(confusion), damage_counts(confusion))
        return scores | {f'xview2_{name}': score for name, score in official.items()}
