from .checkpoint import BestCheckpoint
from .classification_probe import ClassificationProbe
from .damage_probe import DamageProbe
from .dense_contrast import DenseContrast
from .momentum_contrast import MomentumContrast
from .prediction_writer import PredictionWriter
from .segmentation_probe import SegmentationProbe

__all__ = [
    'BestCheckpoint',
    'ClassificationProbe',
    'DamageProbe',
    'DenseContrast',
    'MomentumContrast',
    'PredictionWriter',
    'SegmentationProbe',
]
