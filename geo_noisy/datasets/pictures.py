"""Images of any bands as colours that a screen shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchgeo.datasets.utils import Sample

_ENDS = (0.02, 0.98)
_PIXELS = 1_000_000  # of a band, to find its ends; torch.quantile takes 16 million
_COLOURS = (('B04', 'B03', 'B02'), ('red', 'green', 'blue'), ('R', 'G', 'B'))


def colour_bands(names: Sequence[str]) -> list[int]:
    """Positions of red, green and blue where bands are named so, else the first three, else the first."""
    for colours in _COLOURS:
        if set(colours) <= set(names):
            return [names.index(colour) for colour in colours]
    return [0, 1, 2] if len(names) >= 3 else [0]


@dataclass(frozen=True)
class Stretch:
    """From the values of some bands to colours.

    Attributes:
        bands: Positions of red, green and blue; of one band thrice for grey.
        low: Value of each that becomes 0, [3, 1, 1].
        high: Value of each that becomes 1, [3, 1, 1].
    """

    bands: tuple[int, ...]
    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, image: Tensor, *, valid: Tensor | None = None, bands: Sequence[int] | None = None) -> 'Stretch':
        """From the 2nd to the 98th percentile of each band.

        Args:
            image: Images [T, C, H, W] in any units.
            valid: Pixels with data, [T, H, W].
            bands: Positions of the bands to show, three or one; the first three by default, or the first.
        """
        shown = tuple(bands) if bands else (0, 1, 2) if image.shape[1] >= 3 else (0,)
        shown = shown if len(shown) == 3 else shown[:1] * 3
        pixels = image.detach()[:, shown].cpu().float().movedim(1, 0).flatten(1)
        if valid is not None and bool(valid.any()):
            pixels = pixels[:, valid.detach().cpu().flatten()]
        pixels = pixels[:, :: pixels.shape[1] // _PIXELS + 1]
        ends = torch.nanquantile(pixels, torch.tensor(_ENDS), dim=1).nan_to_num()[:, :, None, None]
        return cls(shown, ends[0], torch.maximum(ends[1], ends[0] + 1e-6))

    def colours(self, image: Tensor) -> NDArray[np.float32]:
        """An image [C, H, W] as colours in [0, 1], [H, W, 3]; what is no number is black."""
        values = image.detach()[list(self.bands)].cpu().float()
        return ((values - self.low) / (self.high - self.low)).nan_to_num().clamp(0, 1).permute(1, 2, 0).numpy()


def pictures(sample: Sample, *, bands: Sequence[int] | None = None) -> list[NDArray[np.float32]]:
    """Images of a sample as colours, stretched alike; see :meth:`Stretch.of`.

    Args:
        sample: ``image`` [T, C, H, W] in any units, optionally ``valid`` [T, H, W].
        bands: Positions of the bands to show.
    """
    stretch = Stretch.of(sample['image'], valid=sample.get('valid'), bands=bands)
    return [stretch.colours(date) for date in sample['image']]
