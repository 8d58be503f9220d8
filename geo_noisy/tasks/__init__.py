"""Pretraining and probing, on TorchGeo's ``BaseTask``."""

from geo_noisy.tasks.checkpoint import BestCheckpoint
from geo_noisy.tasks.classification_probe import ClassificationProbe
from geo_noisy.tasks.damage_probe import DamageProbe
from geo_noisy.tasks.dense_contrast import DenseContrast
from geo_noisy.tasks.momentum_contrast import MomentumContrast
from geo_noisy.tasks.segmentation_probe import SegmentationProbe

__all__ = [
    'BestCheckpoint',
    'ClassificationProbe',
    'DamageProbe',
    'DenseContrast',
    'MomentumContrast',
    'SegmentationProbe',
]
