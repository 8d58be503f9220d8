"""Whether images really lie in [0, 1], as their scale is to see to."""

import warnings
from collections.abc import Sequence
from typing import Any

from torch import Tensor

DARK = 0.03
"""Where mean and two deviations of every band lie below this, the scale is taken for too large."""

FAR = 5.0
"""Deviations between a batch and the statistics of its bands that no domain explains."""


def check_means(means: Sequence[float], *, scale: float | None, of: str, option: str = 'data.init_args.scale') -> None:
    """Check that means of bands lie below 1.

    Args:
        means: Mean of each band after scaling.
        scale: Sensor value that became 1, where known.
        of: What they are means of, for the message.
        option: Where the scale is set, for the message.

    Raises:
        ValueError: If one lies above 1: views cut at 1, so that half of its pixels or more would be lost.
    """
    if any(mean > 1 for mean in means):
        raise ValueError(
            f'The means of {of} are {_shown(means)} after scaling, but 1 is the most that views keep: the pixels would '
            f'saturate. {_remedy(scale, option)}'
        )


def check_scale(
    image: Tensor,
    mean: Tensor,
    std: Tensor,
    *,
    known: bool,
    scale: float | None,
    option: str = 'data.init_args.scale',
) -> None:
    """Check the first images of a run.

    Args:
        image: Scaled images, [..., C, H, W].
        mean: Mean of each band that they are standardised by, in [0, 1] units, C values.
        std: Standard deviation of each band, likewise.
        known: Whether those come from data, and not from a default.
        scale: Sensor value that became 1, where known.
        option: Where it is set, for messages.

    Raises:
        ValueError: If most pixels of a band lie above 1.

    Warns:
        UserWarning: If all are next to 0, or far from the statistics.
    """
    bands = image.detach().float().movedim(-3, 0).flatten(1)
    means, deviations = bands.mean(dim=1), bands.std(dim=1)
    check_means(means.tolist(), scale=scale, of='the bands of the first batch', option=option)
    if (means + 2 * deviations < DARK).all() and (deviations > 0).any():
        warnings.warn(
            f'The bands of the first batch have means of {_shown(means.tolist())} after scaling: next to 0, as if '
            f'scaled by too large a number. {_remedy(scale, option)}',
            stacklevel=2,
        )
    elif known and ((means - mean.flatten().float()).abs() > FAR * std.flatten().float()).any():
        warnings.warn(
            f'The bands of the first batch have means of {_shown(means.tolist())} after scaling, far from the '
            f'{_shown(mean.flatten().tolist())} that the encoder is standardised by. Are they of another scale or '
            f'other bands than those it was trained with? {_remedy(scale, option)}',
            stacklevel=2,
        )


def scale_of(datamodule: Any) -> float | None:
    """The scale of a data module, where it has one."""
    scale = getattr(getattr(datamodule, 'aug', None), 'scale', None)
    return float(scale) if isinstance(scale, int | float) else None


def _remedy(scale: float | None, option: str) -> str:
    now = '' if scale is None else f' (now {scale:g})'
    return f'Set {option}{now} to the sensor value that becomes 1: 255 for bytes, 10000 for Sentinel-2.'


def _shown(values: Sequence[float]) -> str:
    return f'[{", ".join(f"{value:.3g}" for value in values)}]'
