"""The pair contract: every pair data set builds its samples here."""

import math
from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.pairs.keys import PairKey

IGNORE_INDEX = 255

DATES = pd.DatetimeIndex(['2000-01-01', '2001-01-01'], tz='UTC')
"""Dates of an image and of its partner where the data know no time: pairs have one."""


def pair_sample(
    images: Sequence[Tensor],
    key: PairKey,
    *,
    noise: float,
    noisy: int,
    times: Sequence[int],
    masks: Sequence[Tensor] | None = None,
    valid: Sequence[Tensor] | None = None,
    location: int | None = None,
) -> Sample:
    """Build a pair sample (all values are tensors, so that TorchGeo's collation works).

    Args:
        images: Earlier and later image, each [C, H, W], in sensor units; the later one twice for a
            mere-exposure pair.
        key: The key this sample was asked for with.
        noise: Share of the pixels whose content changed in a way that matters downstream, in [0, 1];
            NaN when unknown. A mere-exposure pair always gets 0.
        noisy: 1 noisy, 0 clean, -1 unknown. A mere-exposure pair keeps the flag of the pair it replaces.
        times: Seconds since 1970 (UTC) of the two images.
        masks: Class of each pixel of each image, [H, W]; 255 is ignored.
        valid: Pixels with data in each image, [H, W].
        location: Number of the place, equal for samples from the same or overlapping ground; the key's
            location by default.

    Returns:
        ``image`` [2, C, H, W] float32, ``noise`` [] float32, ``noisy`` [] int8, ``exposure`` [] bool,
        ``location`` [] int64, ``time`` [2] int64, ``draw`` [] int64, and where given ``mask`` [2, H, W]
        int64 and ``valid`` [2, H, W] bool.
    """
    sample: Sample = {
        'image': torch.stack(list(images)).to(torch.float32),
        'noise': torch.tensor(0.0 if key.exposure else noise, dtype=torch.float32),
        'noisy': torch.tensor(noisy, dtype=torch.int8),
        'exposure': torch.tensor(key.exposure),
        'location': torch.tensor(key.location if location is None else location),
        'time': torch.tensor(list(times), dtype=torch.int64),
        'draw': torch.tensor(key.draw),
    }
    if masks is not None:
        sample['mask'] = torch.stack(list(masks)).to(torch.int64)
    if valid is not None:
        sample['valid'] = torch.stack(list(valid)).to(torch.bool)
    return sample


def two_dates(key: PairKey, *, dates: str) -> tuple[tuple[int, int], bool]:
    """Resolve a key of a data set with two dates, where a place may be paired with itself.

    Args:
        key: The key that was asked for.
        dates: What the two dates are, for the message.

    Returns:
        The dates of the two images, and whether the pair that was asked for (or that a mere-exposure pair stands for)
        has two different ones.

    Raises:
        IndexError: If there is no such pair.
    """
    if not 0 <= key.earlier <= key.later <= 1:
        raise IndexError(
            f'Image {key.location} has no pair of dates ({key.earlier}, {key.later}): {dates}, and the earlier comes '
            'first.'
        )
    if key.exposure:  # the later image twice, in place of a pair with date 0
        return (key.later, key.later), key.later != 0
    return (key.earlier, key.later), key.earlier != key.later


def noisy_flag(noise: float, min_noise: float = 0.0) -> int:
    """Flag of a pair from its noise: 1 when ``noise > min_noise``, 0 when not, -1 when unknown (NaN)."""
    return -1 if math.isnan(noise) else int(noise > min_noise)
