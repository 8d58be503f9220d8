"""Contrastive pretraining from temporal satellite image pairs that may be noisy."""

__version__ = '0.1.0'
