from .damage import DamageScores
from .pooled import PooledScores
from .xview2 import XView2Score

__all__ = ['DamageScores', 'PooledScores', 'XView2Score']
