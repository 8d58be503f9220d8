from .auc import Agreement, agreement
from .estimate import estimate_noise
from .indexed_estimates import estimate_index
from .map import write_map
from .report import audit

__all__ = ['Agreement', 'agreement', 'audit', 'estimate_index', 'estimate_noise', 'write_map']
