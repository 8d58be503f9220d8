"""An encoder or a probe over scenes of any size: embeddings, classes, change, and what looks alike."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
