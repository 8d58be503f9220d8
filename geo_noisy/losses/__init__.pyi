from .ground import GroundLoss
from .labels import LabelPooling, pool_labels
from .modules import RINCE, CrossImageLoss, InfoNCE, WithinImageLoss

__all__ = [
    'RINCE',
    'CrossImageLoss',
    'GroundLoss',
    'InfoNCE',
    'LabelPooling',
    'WithinImageLoss',
    'pool_labels',
]
