from .batch_norm import SplitBatchNorm2d
from .encoder import PretrainedEncoder, build_encoder, last_features, load_encoder
from .ground import best_match_distance, cell_centres, features_at
from .heads import image_projection, momentum_copy, pixel_projection, segmentation_head
from .queue import KeyQueue
from .weights import StoredWeights, read_weights

__all__ = [
    'KeyQueue',
    'PretrainedEncoder',
    'SplitBatchNorm2d',
    'StoredWeights',
    'best_match_distance',
    'build_encoder',
    'cell_centres',
    'features_at',
    'image_projection',
    'last_features',
    'load_encoder',
    'momentum_copy',
    'pixel_projection',
    'read_weights',
    'segmentation_head',
]
