"""Views of a batch of pairs, each date on its own, on the device of the batch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.transforms.draws import split, uniforms
from geo_noisy.transforms.geometry import (
    Geometry,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    RandomQuarterTurn,
    RandomResizedCrop,
)
from geo_noisy.transforms.photometric import (
    BrightnessShift,
    ChannelOrder,
    ChannelShift,
    ColorJitter,
    GaussianBlur,
    Grayscale,
    Inversion,
    Photometric,
)

if TYPE_CHECKING:  # it takes seconds to import
    from torchgeo.datasets.utils import Sample


_CACHED_BYTES = 2**21
"""Images of a CPU's second cache, beside what an operation makes of them."""


class Views(nn.Module):
    """Random views of images: geometry (with the mask) in one resampling, then photometric operations.

    What is drawn for an image depends on its own ``draw`` and date alone, so that neither the batch it lies
    in nor the device changes its view. Views are drawn in float32 at least, whatever the precision of training.
    """

    ignore_index: int = IGNORE_INDEX
    """Label of mask pixels from outside the image."""

    def __init__(
        self,
        geometry: Sequence[Geometry] = (),
        photometric: Sequence[Photometric] = (),
        size_px: int | None = None,
    ) -> None:
        """Initialise new Views.

        Args:
            geometry: Geometric operations, in order.
            photometric: Photometric operations, in order.
            size_px: Side of the views; by default that of the images.
        """
        super().__init__()
        self.geometry, self.photometric = tuple(geometry), tuple(photometric)
        self._operations = nn.ModuleList([*geometry, *photometric])
        self.size_px = size_px

    def forward(self, batch: 'Sample') -> 'Sample':
        """Draw a view of each image of a batch.

        Args:
            batch: ``image`` [B, T, C, H, W] or [B, C, H, W] with values in [0, 1], ``draw`` [B] int64, and
                optionally ``mask`` [B, T, H, W] or [B, H, W], ``valid`` of the same shape, and ``change`` [B, H, W].

        Returns:
            The batch with new ``image``, ``mask``, ``valid`` and ``change`` (for each date what its view shows of it,
            shaped as ``mask``); from outside the image masks are ``ignore_index``, changes unknown (255), and pixels
            not valid. ``matrix``, [B, T, 3, 3] or [B, 3, 3], takes places in the view to places in the image, both
            from -1 to 1 (see :mod:`geo_noisy.transforms.geometry`).
        """
        image = batch['image']
        lead = image.shape[:-3]
        dates = image.shape[1] if image.ndim == 5 else 1
        draw = torch.stack([split(batch['draw'], date) for date in range(dates)], dim=1).flatten()
        shown = {key: batch[key] for key in ('image', 'mask', 'valid', 'change') if key in batch}
        if 'change' in shown and image.ndim == 5:
            shown['change'] = shown['change'][:, None].expand(-1, dates, -1, -1)
        flat: dict[str, Tensor] = {key: value.flatten(0, len(lead) - 1) for key, value in shown.items()}
        flat['image'] = flat['image'].to(torch.promote_types(image.dtype, torch.float32))
        matrix = self._matrices(draw, image.shape[-1] / image.shape[-2])
        parts = [
            self._change_pixels(
                self._resample({key: value[part] for key, value in flat.items()}, matrix[part]), draw[part]
            )
            for part in _parts(flat['image'])
        ]
        viewed = {key: torch.cat([part[key] for part in parts]) for key in flat} | {'matrix': matrix}
        return batch | {key: value.view(*lead, *value.shape[1:]) for key, value in viewed.items()}

    def _matrices(self, draw: Tensor, aspect: float) -> Tensor:
        """Where each image's view lies in it, [n, 3, 3]."""
        matrix = torch.eye(3, device=draw.device, dtype=torch.float32).expand(len(draw), 3, 3)
        for number, operation in enumerate(self.geometry):
            matrix = matrix @ operation.matrix(uniforms(split(draw, 1000 + number), operation.draws), aspect)
        return matrix

    def _resample(self, flat: dict[str, Tensor], matrix: Tensor) -> dict[str, Tensor]:
        height, width = flat['image'].shape[-2:]
        size = (self.size_px, self.size_px) if self.size_px else (height, width)
        if not self.geometry and size == (height, width):
            return flat
        grid = F.affine_grid(matrix[:, :2], [len(matrix), 1, *size], align_corners=False)
        outside = {'mask': self.ignore_index, 'change': IGNORE_INDEX}
        return {key: _sample(value, grid, key, outside=outside.get(key, 0)) for key, value in flat.items()}

    def _change_pixels(self, flat: dict[str, Tensor], draw: Tensor) -> dict[str, Tensor]:
        image = flat['image']
        for number, operation in enumerate(self.photometric):
            image = operation(image, uniforms(split(draw, 2000 + number), 1 + operation.draws_for(image.shape[1])))
        return flat | {'image': image}


def _parts(images: Tensor) -> list[slice]:
    """All images at once; on a CPU as many as stay in its cache from one operation to the next."""
    count = len(images) if images.device.type != 'cpu' else max(1, _CACHED_BYTES // max(1, images[0].nbytes))
    return [slice(start, start + count) for start in range(0, len(images), count)]


def _sample(value: Tensor, grid: Tensor, key: str, *, outside: int) -> Tensor:
    if key == 'image':
        return F.grid_sample(value, grid.to(value.dtype), padding_mode='reflection', align_corners=False)
    shifted = value[:, None].float() - outside  # zeros lie outside
    sampled = F.grid_sample(shifted, grid, mode='nearest', padding_mode='zeros', align_corners=False)[:, 0]
    return (sampled + outside).round().to(value.dtype)


class MoCoViews(Views):
    """The augmentation of MoCo v2 and of Temporal Positives, for any number of bands."""

    def __init__(self, size_px: int | None = None, min_scale: float = 0.2, flip_vertical: float = 0.0) -> None:
        """Initialise new MoCoViews.

        Args:
            size_px: Side of the views; by default that of the images.
            min_scale: Smallest share of the image area in a crop.
            flip_vertical: Probability of swapping top and bottom (0 in MoCo v2).
        """
        super().__init__(
            geometry=[RandomResizedCrop(scale=(min_scale, 1.0)), RandomFlip(vertical=flip_vertical)],
            photometric=[ColorJitter(), Grayscale(), GaussianBlur()],
            size_px=size_px,
        )


Color = Literal['rare', 'jitter', 'free', 'none']
"""How strongly views change colours, see :func:`color_changes`."""


def color_changes(color: Color) -> list[Photometric]:
    """Operations on colours, by their strength.

    Args:
        color: ``rare``: small shifts in 3 of 100 images, as the xView2 winner has them. ``jitter``: MoCo v2's jitter
            and grey. ``free``: bands in random order, inverted or not, with more or less contrast, much brighter or
            darker, so that nothing about colours tells an image: for textures that each have colours of their own, by
            which any network would learn them by heart. ``none``: colours as they are.

    Raises:
        ValueError: If the strength is unknown.
    """
    if color == 'rare':
        return [ChannelShift(p=0.015), ColorJitter(0.02, 0.0, 0.02, 0.014, p=0.015)]
    if color == 'jitter':
        return [ColorJitter(), Grayscale()]
    if color == 'free':
        return [ChannelOrder(), Inversion(), ColorJitter(0.0, 0.4, 0.0, 0.0, p=1.0), BrightnessShift()]
    if color == 'none':
        return []
    raise ValueError(f"color is {color!r}; choose 'rare', 'jitter', 'free' or 'none'.")


class VTSViews(Views):
    """The paper's augmentation for VTS, "similar to those used for xBD": flip, turn, shift, rotation, scale, colour.

    Shift and colour ranges are those of the xView2 winner, with the shift as a share of the image; its rarest
    operations (about 3 in 10,000 images) are left out. The winner always crops: ``crop`` and ``color`` set how
    strong the views are.
    """

    def __init__(
        self,
        size_px: int | None = None,
        shift: float = 0.3,
        crop: float | tuple[float, float] | None = None,
        color: Color = 'rare',
    ) -> None:
        """Initialise new VTSViews.

        Args:
            size_px: Side of the views; by default that of the images.
            shift: Largest shift as a share of the image side, in one of ten images.
            crop: Side of a crop at a random place as a share of the image side, or the range that it is drawn from;
                the winner's is 0.59. None takes whole images.
            color: How strongly colours change, see :func:`color_changes`.
        """
        super().__init__(
            geometry=[
                RandomFlip(horizontal=0.0, vertical=0.5),
                RandomQuarterTurn(p=0.95),
                RandomAffine(shift=shift, p=0.1),
                RandomAffine(degrees=10.0, scale=(0.9, 1.1), p=0.4),
                *([] if crop is None else [RandomCrop(crop)]),
            ],
            photometric=color_changes(color),
            size_px=size_px,
        )


class ColorViews(Views):
    """Colours alone change: for a probe whose images each have colours of their own."""

    def __init__(self, color: Color = 'free') -> None:
        """Initialise new ColorViews.

        Args:
            color: How strongly, see :func:`color_changes`.
        """
        super().__init__(photometric=color_changes(color))
