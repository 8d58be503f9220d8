"""Which pair comes next."""

from geo_noisy.samplers.pairs import PairSampler
from geo_noisy.samplers.torchgeo import select_patches

__all__ = ['PairSampler', 'select_patches']
