from .pairs import PairSampler
from .torchgeo import select_patches

__all__ = ['PairSampler', 'select_patches']
