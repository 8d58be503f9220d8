"""The augmentation of the xView2 winner, which the paper uses for xBD, scaled to tiles."""

import math

import torch
from torch import Tensor

from geo_noisy.transforms.geometry import Geometry, RandomAffine, RandomFlip, RandomQuarterTurn, between, probability
from geo_noisy.transforms.photometric import ChannelShift, Noise
from geo_noisy.transforms.views import Views
from geo_noisy.transforms.xview2_photometric import (
    RARE,
    BoxBlur,
    Brightness,
    Contrast,
    ElasticJitter,
    HSVShift,
    LocalContrast,
    Saturation,
)

_IMAGE_PX, _CROP_PX, _SHIFT_PX = 1024, 608, 320


class PivotRotation(Geometry):
    """Rotation and scale about a random point."""

    draws = 5

    def __init__(
        self, degrees: float = 10.0, scale: tuple[float, float] = (0.9, 1.1), pivot: float = 0.3125, p: float = 0.4
    ) -> None:
        """Initialise a new PivotRotation.

        Args:
            degrees: Largest rotation either way.
            scale: Range of magnification.
            pivot: Largest distance of the point from the centre along an axis, as a share of the image side.
            p: Probability for each sample.
        """
        super().__init__()
        self.degrees, self.scale, self.pivot, self.p = degrees, scale, pivot, probability(p)

    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices [B, 3, 3] of the operation."""
        chosen = (u[:, 0] < self.p).float()
        angle = chosen * between(u[:, 1], -self.degrees, self.degrees) * math.pi / 180
        zoom = 1 / torch.where(chosen > 0, between(u[:, 2], *self.scale), 1.0)
        x, y = (2 * self.pivot * between(u[:, k], -1, 1) for k in (3, 4))
        a, b, c, d = angle.cos() * zoom, -angle.sin() * zoom / aspect, angle.sin() * zoom * aspect, angle.cos() * zoom
        rows = [a, b, x - a * x - b * y, c, d, y - c * x - d * y, 0 * a, 0 * a, 0 * a + 1]
        return torch.stack(rows, dim=-1).view(-1, 3, 3)


class VaryingCrop(Geometry):
    """A crop at a random place, mostly of a size that varies about the usual one."""

    draws = 4

    def __init__(self, share: float = 0.59375, spread: float = 0.15, p: float = 0.8) -> None:
        """Initialise a new VaryingCrop.

        Args:
            share: Usual side of the crop as a share of the image side, in (0, 1 - spread].
            spread: Sides run from share / (1 + spread) to share / (1 - spread).
            p: Probability of a side other than the usual one.
        """
        super().__init__()
        if not (0 <= spread < 1 and 0 < share <= 1 - spread):
            raise ValueError(
                f'share is {share} and spread {spread}; crops of up to share / (1 - spread) must fit in 1.'
            )
        self.share, self.spread, self.p = share, spread, probability(p)

    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices [B, 3, 3] of the crops."""
        varied = between(u[:, 1], self.share / (1 + self.spread), self.share / (1 - self.spread))
        side = torch.where(u[:, 0] < self.p, varied, self.share)
        x, y = ((1 - side) * between(u[:, k], -1, 1) for k in (2, 3))
        rows = [side, 0 * side, x, 0 * side, side, y, 0 * side, 0 * side, 0 * side + 1]
        return torch.stack(rows, dim=-1).view(-1, 3, 3)


class XView2Views(Views):
    """The augmentation of the xView2 winner (classification script), drawn for each date on its own.

    Sizes given in pixels of 1024 px images there are shares of the side here, so that they fit any tile: the crop of
    608 px is 304 px of a tile of 512 px, and the shift of up to 320 px is one of up to 160 px. Not taken over: the
    choice of the crop that holds most damage among several, as it looks at the labels; the dilation of the mask; and
    that noise also brightens. What lies outside the image is mirrored, with the mask ignored there.

    After https://github.com/vdurnov/xview2_1st_place_solution.
    """

    def __init__(
        self,
        size_px: int | None = None,
        shift: float = _SHIFT_PX / _IMAGE_PX,
        degrees: float = 10.0,
        crop_share: float = _CROP_PX / _IMAGE_PX,
        crop_spread: float = 0.15,
        colour_p: float = 0.015,
        rare_p: float = RARE,
        elastic_p: float = 0.017,
    ) -> None:
        """Initialise new XView2Views.

        Args:
            size_px: Side of the views; by default that of the tiles, which magnifies the crops by 1.7. With 304 for
                tiles of 512 px the crops keep their resolution.
            shift: Largest shift as a share of the tile side, in one of ten images.
            degrees: Largest rotation either way, in four of ten images.
            crop_share: Usual side of the crop as a share of the tile side.
            crop_spread: In eight of ten images the side runs from share / (1 + spread) to share / (1 - spread).
            colour_p: Probability of a shift of the bands, and of one of hue, saturation and value.
            rare_p: Probability of each of local contrast, noise, blur, saturation, brightness and contrast.
            elastic_p: Probability of an elastic jitter.
        """
        super().__init__(
            geometry=[
                RandomFlip(horizontal=0.0, vertical=0.5),
                RandomQuarterTurn(p=0.95),
                RandomAffine(shift=shift, p=0.1),
                PivotRotation(degrees, pivot=shift),
                VaryingCrop(crop_share, crop_spread),
            ],
            photometric=[
                ChannelShift(p=colour_p),
                HSVShift(p=colour_p),
                LocalContrast(p=rare_p),
                Noise(deviation=math.sqrt(30) / 255, p=rare_p),
                BoxBlur(p=rare_p),
                Saturation(p=rare_p),
                Brightness(p=rare_p),
                Contrast(p=rare_p),
                ElasticJitter(p=elastic_p),
            ],
            size_px=size_px,
        )
