from .geometry import (
    Geometry,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    RandomQuarterTurn,
    RandomResizedCrop,
)
from .photometric import (
    BrightnessShift,
    ChannelOrder,
    ChannelShift,
    ColorJitter,
    GaussianBlur,
    Grayscale,
    Inversion,
    Noise,
    Photometric,
)
from .views import ColorViews, MoCoViews, Views, VTSViews
from .xview2 import XView2Views

__all__ = [
    'BrightnessShift',
    'ChannelOrder',
    'ChannelShift',
    'ColorJitter',
    'ColorViews',
    'GaussianBlur',
    'Geometry',
    'Grayscale',
    'Inversion',
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
