from .models.encoder import load_encoder

__version__: str

__all__ = ['load_encoder']
