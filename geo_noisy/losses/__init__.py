"""Contrastive losses."""

from geo_noisy.losses.labels import LabelPooling, pool_labels
from geo_noisy.losses.modules import RINCE, CrossImageLoss, InfoNCE, WithinImageLoss

__all__ = ['RINCE', 'CrossImageLoss', 'InfoNCE', 'LabelPooling', 'WithinImageLoss', 'pool_labels']
