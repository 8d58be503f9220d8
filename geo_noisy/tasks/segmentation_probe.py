"""Segmentation on top of a pretrained encoder: the paper's probe, or fine-tuning."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geo_noisy.models.heads import segmentation_head
from geo_noisy.tasks.probe import Probe


class SegmentationProbe(Probe):
    """An FCN head on an encoder that is frozen or fine-tuned (paper, section V)."""

    target = 'mask'

    def build_head(self) -> nn.Module:
        """Build torchvision's FCN head."""
        return segmentation_head(self.channels, len(self.hparams['classes']))

    def decode(self, feature: Tensor, size: torch.Size) -> Tensor:
        """Logits [B, classes, H, W] of features [B, D, h, w], upsampled bilinearly as in torchvision's FCN."""
        if self.training:
            self.check_cells(len(feature), size)
        return F.interpolate(self.head(feature), size, mode='bilinear', align_corners=False)
