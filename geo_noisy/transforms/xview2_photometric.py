"""Photometric operations of the xView2 winner's that no other view has, each kept to images in [0, 1]."""

import math

import torch
import torch.nn.functional as F
from kornia.color import hsv_to_rgb, lab_to_rgb, rgb_to_hsv, rgb_to_lab
from kornia.enhance import adjust_saturation_with_gray_subtraction, equalize_clahe
from kornia.filters import box_blur
from torch import Tensor

from geo_noisy.transforms.draws import uniforms
from geo_noisy.transforms.geometry import between
from geo_noisy.transforms.photometric import Photometric

RARE = 3e-4
"""Probability of each of the winner's rarest operations: 0.02 x 0.015."""

_HUE_STEP = math.pi / 90
"""A step of OpenCV's hue of bytes (0 to 179), in radians."""


class HSVShift(Photometric):
    """Hue, saturation and value are shifted, each by an amount of its own; red, green and blue are needed."""

    draws = 3

    def __init__(self, steps: float = 5.0, p: float = 0.015) -> None:
        """Initialise a new HSVShift.

        Args:
            steps: Largest shift either way, in steps of bytes: 2 degrees of hue, 1/255 of saturation and value.
            p: Probability for each image.
        """
        super().__init__(p)
        self.steps = steps

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Shift images [n, 3, H, W]."""
        shift = between(u.to(image.dtype), -self.steps, self.steps)[:, :, None, None]
        hue, saturation, value = rgb_to_hsv(image).chunk(3, dim=1)
        hue = (hue + shift[:, :1] * _HUE_STEP) % (2 * math.pi)
        saturation = (saturation + shift[:, 1:2] / 255).clamp(0, 1)
        value = (value + shift[:, 2:] / 255).clamp(0, 1)
        return hsv_to_rgb(torch.cat([hue, saturation, value], dim=1))


class LocalContrast(Photometric):
    """Lightness is equalised within a grid of cells (CLAHE); red, green and blue are needed."""

    draws = 0

    def __init__(self, limit: float = 2.0, cells: int = 5, p: float = RARE) -> None:
        """Initialise a new LocalContrast.

        Args:
            limit: Largest contrast, as CLAHE means it.
            cells: Cells along each side.
            p: Probability for each image.
        """
        super().__init__(p)
        self.limit, self.cells = limit, cells

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Equalise images [n, 3, H, W]."""
        lab = rgb_to_lab(image)
        lightness = equalize_clahe(lab[:, :1] / 100, clip_limit=self.limit, grid_size=(self.cells, self.cells))
        return lab_to_rgb(torch.cat([100 * lightness, lab[:, 1:]], dim=1)).clamp(0, 1)


class BoxBlur(Photometric):
    """Every pixel becomes the mean of its surroundings."""

    draws = 0

    def __init__(self, side_px: int = 3, p: float = RARE) -> None:
        """Initialise a new BoxBlur.

        Args:
            side_px: Side of the surroundings, an odd number.
            p: Probability for each image.
        """
        super().__init__(p)
        self.side_px = side_px

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Blur images [n, C, H, W]."""
        return box_blur(image, (self.side_px, self.side_px))


class FactorOperation(Photometric):
    """An operation by a factor about 1 that is drawn for each image."""

    draws = 1

    def __init__(self, spread: float = 0.1, p: float = RARE) -> None:
        """Initialise a new FactorOperation.

        Args:
            spread: Factors run from 1 - spread to 1 + spread.
            p: Probability for each image.
        """
        super().__init__(p)
        self.spread = spread

    def factors(self, image: Tensor, u: Tensor) -> Tensor:
        """Factors [n, 1, 1, 1] of images [n, C, H, W]."""
        return between(u[:, :1].to(image.dtype), 1 - self.spread, 1 + self.spread)[:, :, None, None]


class Saturation(FactorOperation):
    """Colours are blended with grey; red, green and blue are needed."""

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Change images [n, 3, H, W]."""
        return adjust_saturation_with_gray_subtraction(image, self.factors(image, u).flatten())


class Brightness(FactorOperation):
    """Values are multiplied by one factor."""

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Change images [n, C, H, W]."""
        return (image * self.factors(image, u)).clamp(0, 1)


class Contrast(FactorOperation):
    """Values move away from, or closer to, the mean of the image."""

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Change images [n, C, H, W]."""
        mean = image.mean(dim=(1, 2, 3), keepdim=True)
        return (mean + (image - mean) * self.factors(image, u)).clamp(0, 1)


class ElasticJitter(Photometric):
    """Every pixel is taken from up to about a pixel away; the mask stays, as with the winner."""

    draws = 2

    def __init__(self, reach_px: tuple[float, float] = (0.25, 1.2), p: float = 0.017) -> None:
        """Initialise a new ElasticJitter.

        Args:
            reach_px: Range of the largest displacement along an axis, drawn for each image.
            p: Probability for each image.
        """
        super().__init__(p)
        self.reach_px = reach_px

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Jitter images [n, C, H, W]."""
        count, _, height, width = image.shape
        reach = between(u[:, 0], *self.reach_px)[:, None, None, None]
        seeds = (u[:, 1].double() * 2**24).to(torch.int64)
        noise = between(uniforms(seeds, 2 * height * width), -1, 1).view(count, height, width, 2)
        still = torch.eye(2, 3, device=image.device).expand(count, 2, 3)
        grid = F.affine_grid(still, [count, 1, height, width], align_corners=False)
        moved = grid + noise * reach * 2 / torch.tensor([width, height], device=image.device)
        return F.grid_sample(image, moved.to(image.dtype), padding_mode='reflection', align_corners=False)
