"""Scores pooled over a data set."""

from geo_noisy.metrics.damage import DamageScores
from geo_noisy.metrics.pooled import PooledScores
from geo_noisy.metrics.xview2 import XView2Score

__all__ = ['DamageScores', 'PooledScores', 'XView2Score']
