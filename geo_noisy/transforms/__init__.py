"""Random views of pairs, drawn for each sample by a key of its own."""

from geo_noisy.transforms.geometry import (
    Geometry,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    RandomQuarterTurn,
    RandomResizedCrop,
)
from geo_noisy.transforms.photometric import (
    ChannelShift,
    ColorJitter,
    GaussianBlur,
    Grayscale,
    Noise,
    Photometric,
)
from geo_noisy.transforms.views import MoCoViews, Views, VTSViews
from geo_noisy.transforms.xview2 import XView2Views

__all__ = [
    'ChannelShift',
    'ColorJitter',
    'GaussianBlur',
    'Geometry',
    'Grayscale',
    'MoCoViews',
    'Noise',
    'Photometric',
    'RandomAffine',
    'RandomCrop',
    'RandomFlip',
    'RandomQuarterTurn',
    'RandomResizedCrop',
    'VTSViews',
    'Views',
    'XView2Views',
]
