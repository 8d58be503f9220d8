from .batch_norm import SplitBatchNorm2d
from .encoder import build_encoder, last_features, load_encoder, read_weights
from .heads import image_projection, momentum_copy, pixel_projection, segmentation_head
from .queue import KeyQueue

__all__ = [
    'KeyQueue',
    'SplitBatchNorm2d',
    'build_encoder',
    'image_projection',
    'last_features',
    'load_encoder',
    'momentum_copy',
    'pixel_projection',
    'read_weights',
    'segmentation_head',
]
