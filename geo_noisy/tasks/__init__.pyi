from .checkpoint import BestCheckpoint
from .classification_probe import ClassificationProbe
from .damage_probe import DamageProbe
from .dense_contrast import DenseContrast
from .ground_contrast import GroundContrast
from .momentum_contrast import MomentumContrast
from .online_probe import OnlineProbe
from .prediction_writer import PredictionWriter
from .segmentation_probe import SegmentationProbe
from .training_pictures import TrainingPictures

__all__ = [
    'BestCheckpoint',
    'ClassificationProbe',
    'DamageProbe',
    'DenseContrast',
    'GroundContrast',
    'MomentumContrast',
    'OnlineProbe',
    'PredictionWriter',
    'SegmentationProbe',
    'TrainingPictures',
]
