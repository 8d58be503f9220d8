"""How noisy are my pairs: report, map, label-free estimate."""

from geo_noisy.audit.estimate import Agreement, agreement, estimate_noise
from geo_noisy.audit.map import write_map
from geo_noisy.audit.report import audit

__all__ = ['Agreement', 'agreement', 'audit', 'estimate_noise', 'write_map']
