"""Images of any bands as colours that a screen shows."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torchgeo.datasets.utils import Sample

_STRETCH = (0.02, 0.98)
_COLOURS = (('B04', 'B03', 'B02'), ('red', 'green', 'blue'), ('R', 'G', 'B'))


def colour_bands(names: Sequence[str]) -> list[int]:
    """Positions of red, green and blue where bands are named so, else the first three, else the first."""
    for colours in _COLOURS:
        if set(colours) <= set(names):
            return [names.index(colour) for colour in colours]
    return [0, 1, 2] if len(names) >= 3 else [0]


def pictures(sample: Sample, *, bands: Sequence[int] | None = None) -> list[np.ndarray]:
    """Images of a sample as colours in [0, 1], [H, W, 3], stretched alike; a single band as grey.

    Args:
        sample: ``image`` [T, C, H, W] in any units, optionally ``valid`` [T, H, W].
        bands: Positions of the bands to show, three or one; the first three by default, or the first.
    """
    image = sample['image'].detach().cpu().float()
    shown = list(bands) if bands else [0, 1, 2] if image.shape[1] >= 3 else [0]
    image = image[:, shown].expand(-1, 3, -1, -1)
    low, high = _range(image, sample.get('valid'))
    return [((date - low) / (high - low)).clamp(0, 1).permute(1, 2, 0).numpy() for date in image]


def _range(image: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor]:
    """Low and high end of the stretch of each band, [3, 1, 1]."""
    pixels = image.movedim(1, 0).flatten(1)
    if valid is not None and bool(valid.any()):
        pixels = pixels[:, valid.detach().cpu().flatten()]
    ends = torch.quantile(pixels, torch.tensor(_STRETCH), dim=1)[:, :, None, None]
    return ends[0], torch.maximum(ends[1], ends[0] + 1e-6)
