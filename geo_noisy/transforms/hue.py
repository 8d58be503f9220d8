"""The hue of images turned, without a way through three images of hue, saturation and value."""

import torch
from torch import Tensor

_RED_GREEN_BLUE = (5, 3, 1)
"""Where each band lies on the colour circle, in sixths (the constants n of the alternative formula of HSV to RGB)."""


def turn_hue(image: Tensor, turn: Tensor) -> Tensor:
    """Turn the colours of images around the colour circle; value and saturation stay.

    The same as :func:`kornia.enhance.adjust_hue` to 2e-6 in a third of its time (docs/decisions/speed.md): a band is
    ``value - chroma * clamp(2 - |k - 2|, 0, 1)``, with ``k`` the hue and the band's own place, in sixths of the circle.

    Args:
        image: Red, green and blue, shape [n, 3, H, W], values in [0, 1].
        turn: Shares of the circle, shape [n]; 1 is a whole turn.

    Returns:
        Images of the same shape.
    """
    red, green, blue = image.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    from_green = torch.where(
        value == green, torch.add(blue - red, chroma, alpha=2), torch.add(red - green, chroma, alpha=4)
    )
    hue = torch.where(value == red, green - blue, from_green).div_(chroma.clamp_min(1e-12))
    hue += 6 * turn[:, None, None]
    return torch.stack([_band(value, chroma, hue + place) for place in _RED_GREEN_BLUE], dim=1)


def _band(value: Tensor, chroma: Tensor, place: Tensor) -> Tensor:
    within = place.sub_((place / 6).floor_().mul_(6))  # remainder() takes three times as long on a CPU
    return torch.addcmul(value, chroma, within.sub_(2).abs_().neg_().add_(2).clamp_(0, 1), value=-1)
