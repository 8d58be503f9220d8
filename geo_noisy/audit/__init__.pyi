from .estimate import Agreement, agreement, estimate_noise
from .map import write_map
from .report import audit

__all__ = ['Agreement', 'agreement', 'audit', 'estimate_noise', 'write_map']
