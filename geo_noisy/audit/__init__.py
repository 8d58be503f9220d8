"""How noisy are my pairs: report, map, label-free estimate."""

from geo_noisy.audit.map import write_map
from geo_noisy.audit.report import audit

__all__ = ['audit', 'write_map']
