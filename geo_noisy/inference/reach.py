"""How far around its own ground a network looks, measured: what it touches of a column without values is no number."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_PX = 4096
"""A network that looks farther than half of this is taken to look everywhere."""

_PHASES = (0, 1, 2, 5)  # in strides; a network of windows (Swin) looks as far as its windows let it, which differs
_FIRST_PX = 512


@dataclass(frozen=True)
class Reach:
    """What lies around a cell that its features depend on.

    Attributes:
        px: Pixels beyond the cell, in whole cells of output; half the image where ``exact`` is false.
        exact: Whether the network looks that far and no farther, wherever the cell lies. False for global pooling and
            attention: then tiles of one scene never agree exactly.
    """

    px: int
    exact: bool


@torch.no_grad()
def measure_reach(network: Callable[[Tensor], Tensor], *, channels: int, stride: int) -> Reach:
    """Measure how far a network looks.

    A column of NaN is put into an image: each output that depends on it is NaN, whatever the weights are, since NaN
    passes convolutions, pooling and activations.

    Args:
        network: From images [1, C, H, W] to maps [1, D, h, w], in eval mode.
        channels: Number of bands.
        stride: Sides of images divide by this.

    Example:
        >>> measure_reach(torch.nn.Conv2d(3, 8, 5, padding=2), channels=3, stride=1)
        Reach(px=2, exact=True)
    """
    side = -(-_FIRST_PX // stride) * stride
    while side <= MOST_PX:
        found = [_one_reach(network, channels, stride, side, phase, across=True) for phase in _PHASES]
        found.append(_one_reach(network, channels, stride, side, 0, across=False))
        known = [reach for reach in found if reach is not None]
        if len(known) == len(found):
            return Reach(max(known), exact=len(set(known[:-1])) == 1)
        side *= 2
    return Reach(MOST_PX // 2, exact=False)


def _one_reach(
    network: Callable[[Tensor], Tensor], channels: int, stride: int, side: int, phase: int, *, across: bool
) -> int | None:
    """Pixels from a column (or row) to the farthest output that depends on it; None where that is the last there is."""
    start = (side // 2 // stride + phase) * stride
    image = torch.zeros(1, channels, max(stride, 32), side)
    image[..., start : start + stride] = torch.nan
    if not across:
        image = image.mT.contiguous()
    marked = network(image)[0].isnan().any(dim=0).any(dim=0 if across else 1)
    cells = marked.nonzero().flatten()
    cell_px = side // len(marked)
    if len(cells) == 0 or cells[0] == 0 or cells[-1] == len(marked) - 1:
        return None
    return max(start - int(cells[0]) * cell_px, (int(cells[-1]) + 1) * cell_px - start - stride)
