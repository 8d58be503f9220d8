"""What a temporal pair is, and how noisy it is: tables in, tables out, no torch."""

from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.table import PairSource, PairTable

__all__ = ['PairKey', 'PairPolicy', 'PairSource', 'PairTable']
