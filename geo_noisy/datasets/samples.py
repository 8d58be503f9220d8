"""The pair contract: every pair data set builds its samples here."""

import math
from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.pairs.keys import PairKey

DATES = pd.DatetimeIndex(['2000-01-01', '2001-01-01'], tz='UTC')
"""Dates of an image and of its partner where the data know no time: pairs have one."""

TIMES = [int(date.timestamp()) for date in DATES]
"""The same in seconds since 1970."""


def pair_sample(
    images: Sequence[Tensor],
    key: PairKey,
    *,
    noise: float,
    noisy: int,
    times: Sequence[int],
    masks: Sequence[Tensor] | None = None,
    valid: Sequence[Tensor] | None = None,
    change: Tensor | None = None,
    place: int | None = None,
) -> Sample:
    """Build a pair sample (all values are tensors, so that TorchGeo's collation works).

    Args:
        images: Earlier and later image, each [C, H, W], in sensor units; the later one twice for a
            mere-exposure pair.
        key: The key this sample was asked for with.
        noise: Share of the pixels whose content changed in a way that matters downstream, in [0, 1];
            NaN when unknown. Of what is shown: 0 for a mere-exposure pair.
        noisy: 1 noisy, 0 clean, -1 unknown; of what is shown, too.
        times: Seconds since 1970 (UTC) of the two images.
        masks: Class of each pixel of each image, [H, W]; 255 is ignored.
        valid: Pixels with data in each image, [H, W].
        change: What changed between the images in a way that matters, [H, W]: 1 yes, 0 no, 255 unknown; of what is
            shown, too.
        place: Number of the ground, equal for samples from the same or overlapping ground; the key's location by
            default.

    Returns:
        ``image`` [2, C, H, W] float32, ``noise`` [] float32, ``noisy`` [] int8, ``exposure`` [] bool,
        ``place`` [] int64, ``time`` [2] int64, ``draw`` [] int64, and where given ``mask`` [2, H, W]
        int64, ``valid`` [2, H, W] bool and ``change`` [H, W] uint8.
    """
    sample: Sample = {
        'image': torch.stack(list(images)).to(torch.float32),
        'noise': torch.tensor(noise, dtype=torch.float32),
        'noisy': torch.tensor(noisy, dtype=torch.int8),
        'exposure': torch.tensor(key.exposure),
        'place': torch.tensor(key.location if place is None else place),
        'time': torch.tensor(list(times), dtype=torch.int64),
        'draw': torch.tensor(key.draw),
    }
    if masks is not None:
        sample['mask'] = torch.stack(list(masks)).to(torch.int64)
    if valid is not None:
        sample['valid'] = torch.stack(list(valid)).to(torch.bool)
    if change is not None:
        sample['change'] = change.to(torch.uint8)
    return sample


def noisy_flag(noise: float, min_noise: float = 0.0) -> int:
    """Flag of a pair from its noise: 1 when ``noise > min_noise``, 0 when not, -1 when unknown (NaN)."""
    return -1 if math.isnan(noise) else int(noise > min_noise)
