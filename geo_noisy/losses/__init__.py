"""Contrastive losses."""

from geo_noisy.losses.modules import CrossImageLoss, InfoNCE, WithinImageLoss

__all__ = ['CrossImageLoss', 'InfoNCE', 'WithinImageLoss']
