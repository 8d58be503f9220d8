"""Classification on top of a pretrained encoder: a linear classifier, or fine-tuning."""

import torch
from torch import Tensor, nn

from geo_noisy.tasks.probe import Probe


class ClassificationProbe(Probe):
    """A linear classifier on pooled features of an encoder that is frozen or fine-tuned (paper, Fig. 1, CIFAR-10)."""

    target = 'label'

    def build_head(self) -> nn.Module:
        """Build the linear classifier."""
        return nn.Linear(self.channels, len(self.hparams['classes']))

    def decode(self, feature: Tensor, size: torch.Size) -> Tensor:
        """Logits [B, classes] of features [B, D, h, w], averaged over the map."""
        logits: Tensor = self.head(feature.mean(dim=(2, 3)))
        return logits
