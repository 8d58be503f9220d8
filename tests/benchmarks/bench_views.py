"""Views, keyed to the sample, beside a Kornia pipeline of the same operations drawn for a batch."""

from collections.abc import Iterator

import kornia.augmentation as K
import torch

from geo_noisy.transforms import MoCoViews
from tests.benchmarks.rows import Comparison


def kornia_views(side: int) -> K.AugmentationSequential:
    """The operations of MoCoViews as a user would write them down."""
    return K.AugmentationSequential(
        K.RandomResizedCrop((side, side), scale=(0.2, 1.0)),
        K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        K.RandomGrayscale(p=0.2),
        K.RandomGaussianBlur((9, 9), (0.1, 2.0), p=0.5),
        K.RandomHorizontalFlip(),
        data_keys=['input'],
    )


def comparisons() -> Iterator[Comparison]:
    """Two sizes."""
    for count, side in ((64, 256), (128, 64)):
        batch = {'image': torch.rand(count, 3, side, side), 'draw': torch.arange(count)}
        views, peer = MoCoViews(), kornia_views(side)
        yield Comparison(
            'views',
            f'{count} images of {side} px',
            'Kornia AugmentationSequential',
            2,
            lambda views=views, batch=batch: views(batch),
            lambda peer=peer, batch=batch: peer(batch['image']),
        )
