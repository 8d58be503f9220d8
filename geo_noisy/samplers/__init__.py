"""Which pair comes next."""

from geo_noisy.samplers.pairs import PairSampler

__all__ = ['PairSampler']
