from .geometry import (
    Geometry,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    RandomQuarterTurn,
    RandomResizedCrop,
)
from .photometric import (
    ChannelShift,
    ColorJitter,
    GaussianBlur,
    Grayscale,
    Noise,
    Photometric,
)
from .views import MoCoViews, Views, VTSViews
from .xview2 import XView2Views

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
