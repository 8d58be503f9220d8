from .folder import export_encoder
from .round_trips import RoundTrip

__all__ = ['RoundTrip', 'export_encoder']
