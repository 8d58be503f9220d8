"""The queue of keys that MoCo takes its negatives from."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class KeyQueue(nn.Module):
    """First in, first out: features of past keys and the places they show.

    Starts with random unit vectors of no place, as in MoCo's released code. Everything is a buffer, so a
    checkpoint holds it.
    """

    features: Tensor
    places: Tensor
    pointer: Tensor
    seen: Tensor

    def __init__(self, size: int, dim: int) -> None:
        """Initialise a new KeyQueue.

        Args:
            size: Number of keys.
            dim: Length of a key.

        Raises:
            ValueError: If size is below 1.
        """
        super().__init__()
        if size < 1:
            raise ValueError(f'queue_size is {size}; the queue needs at least one key.')
        self.register_buffer('features', F.normalize(torch.randn(size, dim), dim=1))
        self.register_buffer('places', torch.full((size,), -1, dtype=torch.int64))
        self.register_buffer('pointer', torch.zeros((), dtype=torch.int64))
        self.register_buffer('seen', torch.zeros((), dtype=torch.int64))

    @property
    def filled(self) -> bool:
        """Whether every random start vector has been replaced."""
        return int(self.seen) >= len(self.features)

    def same_place(self, places: Tensor) -> Tensor:
        """Which keys show the place of an anchor, and so are no negatives of it: [B] to [B, K] bool."""
        return (places[:, None] == self.places[None]) & (self.places >= 0)[None]

    @torch.no_grad()
    def enqueue(self, keys: Tensor, places: Tensor) -> None:
        """Replace the oldest keys.

        Args:
            keys: Unit vectors, [B, D], with B at most the queue's size.
            places: Their places, [B].

        Raises:
            ValueError: If there are more keys than the queue holds.
        """
        size = len(self.features)
        if len(keys) > size:
            raise ValueError(f'A batch of {len(keys)} keys does not fit a queue of {size}: raise queue_size.')
        rows = (self.pointer + torch.arange(len(keys), device=keys.device)) % size
        self.features[rows] = keys.to(self.features.dtype)
        self.places[rows] = places
        self.pointer.copy_((self.pointer + len(keys)) % size)
        self.seen.add_(len(keys)).clamp_(max=size)
