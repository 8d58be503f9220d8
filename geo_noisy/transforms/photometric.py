"""Photometric operations on images in [0, 1], by Kornia, with a factor for each image of the batch."""

import math
from abc import ABC, abstractmethod

import torch
from kornia.enhance import (
    adjust_brightness_accumulative,
    adjust_contrast_with_mean_subtraction,
    adjust_saturation_with_gray_subtraction,
    invert,
)
from kornia.filters import gaussian_blur2d
from torch import Tensor, nn

from geo_noisy.transforms.draws import uniforms
from geo_noisy.transforms.geometry import between, probability
from geo_noisy.transforms.hue import turn_hue


class Photometric(nn.Module, ABC):
    """A random change of pixel values; a new one is a subclass with ``draws`` and ``change``."""

    draws: int
    """Uniform random numbers used for each image, besides the one that decides whether it is applied."""

    def __init__(self, p: float) -> None:
        """Initialise a new photometric operation.

        Args:
            p: Probability for each image.
        """
        super().__init__()
        self.p = probability(p)

    def draws_for(self, bands: int) -> int:
        """Uniform random numbers used for each image of this many bands."""
        return self.draws

    @abstractmethod
    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Change the images that the operation was drawn for.

        Args:
            image: Shape [n, C, H, W], values in [0, 1].
            u: Uniform random numbers in [0, 1), shape [n, draws].

        Returns:
            Images of the same shape, values in [0, 1].
        """

    def forward(self, image: Tensor, u: Tensor) -> Tensor:
        """Change a random share ``p`` of the images.

        Args:
            image: Shape [B, C, H, W], values in [0, 1].
            u: Uniform random numbers in [0, 1), shape [B, 1 + draws]; the first decides.

        Returns:
            Images of the same shape.
        """
        chosen = (u[:, 0] < self.p).nonzero().squeeze(1)
        if len(chosen) == 0:
            return image
        return image.index_copy(0, chosen, self.change(image[chosen], u[chosen, 1:]).to(image.dtype))


class ColorJitter(Photometric):
    """Brightness, contrast, saturation and hue, in this order.

    Saturation and hue need red, green and blue: they are left out for other numbers of bands, where brightness
    and contrast act on all bands alike.
    """

    draws = 4

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.4,
        hue: float = 0.1,
        p: float = 0.8,
    ) -> None:
        """Initialise a new ColorJitter; the defaults are MoCo v2's.

        Args:
            brightness: Factors run from 1 - brightness to 1 + brightness.
            contrast: Factors run from 1 - contrast to 1 + contrast.
            saturation: Factors run from 1 - saturation to 1 + saturation.
            hue: Largest shift either way, as a share of the colour circle, in [0, 0.5].
            p: Probability for each image.
        """
        super().__init__(p)
        for name, value, most in (
            ('brightness', brightness, 1),
            ('contrast', contrast, 1),
            ('saturation', saturation, 1),
            ('hue', hue, 0.5),
        ):
            if not 0 <= value <= most:
                raise ValueError(f'{name} is {value}; it must lie in [0, {most}].')
        self.brightness, self.contrast, self.saturation, self.hue = brightness, contrast, saturation, hue

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Jitter images [n, C, H, W]."""
        u = u.to(image.dtype)
        image = adjust_brightness_accumulative(image, between(u[:, 0], 1 - self.brightness, 1 + self.brightness))
        image = adjust_contrast_with_mean_subtraction(image, between(u[:, 1], 1 - self.contrast, 1 + self.contrast))
        if image.shape[1] != 3:
            return image
        if self.saturation:
            factor = between(u[:, 2], 1 - self.saturation, 1 + self.saturation)
            image = adjust_saturation_with_gray_subtraction(image, factor)
        if self.hue:
            image = turn_hue(image, between(u[:, 3], -self.hue, self.hue))
        return image


class Grayscale(Photometric):
    """Every band becomes the mean of the bands."""

    draws = 0

    def __init__(self, p: float = 0.2) -> None:
        """Initialise a new Grayscale.

        Args:
            p: Probability for each image.
        """
        super().__init__(p)

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Turn images [n, C, H, W] grey."""
        return image.mean(dim=1, keepdim=True).expand_as(image)


class GaussianBlur(Photometric):
    """Blur with a random width."""

    draws = 1

    def __init__(self, sigma_px: tuple[float, float] = (0.1, 2.0), p: float = 0.5) -> None:
        """Initialise a new GaussianBlur.

        Args:
            sigma_px: Range of the standard deviation, in pixels of the view.
            p: Probability for each image.
        """
        super().__init__(p)
        if not 0 < sigma_px[0] <= sigma_px[1]:
            raise ValueError(f'sigma_px is {tuple(sigma_px)}; it must rise above 0.')
        self.sigma_px = sigma_px

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Blur images [n, C, H, W]."""
        sigma = between(u[:, :1].to(image.dtype), *self.sigma_px).expand(-1, 2)
        side = min(2 * math.ceil(2 * self.sigma_px[1]) + 1, 2 * ((min(image.shape[-2:]) - 1) // 2) + 1)
        return gaussian_blur2d(image, side, sigma)


class ChannelShift(Photometric):
    """Each band is shifted by an amount of its own."""

    def __init__(self, shift: float = 5 / 255, p: float = 0.015) -> None:
        """Initialise a new ChannelShift.

        Args:
            shift: Largest shift either way, of values in [0, 1].
            p: Probability for each image.
        """
        super().__init__(p)
        self.shift = _not_negative('shift', shift)

    def draws_for(self, bands: int) -> int:
        """One number for each band."""
        return bands

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Shift the bands of images [n, C, H, W]."""
        return (image + between(u.to(image.dtype), -self.shift, self.shift)[:, :, None, None]).clamp(0, 1)


class BrightnessShift(Photometric):
    """All bands are shifted alike."""

    draws = 1

    def __init__(self, shift: float = 0.3, p: float = 1.0) -> None:
        """Initialise a new BrightnessShift.

        Args:
            shift: Largest shift either way, of values in [0, 1].
            p: Probability for each image.
        """
        super().__init__(p)
        self.shift = _not_negative('shift', shift)

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Shift images [n, C, H, W]."""
        return (image + between(u.to(image.dtype), -self.shift, self.shift)[:, :, None, None]).clamp(0, 1)


class ChannelOrder(Photometric):
    """The bands change places: which band has which values tells nothing any more."""

    def __init__(self, p: float = 1.0) -> None:
        """Initialise a new ChannelOrder.

        Args:
            p: Probability of drawing an order, the one that was there among them, for each image.
        """
        super().__init__(p)

    def draws_for(self, bands: int) -> int:
        """One number for each band."""
        return bands

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Put the bands of images [n, C, H, W] in an order drawn for each."""
        return image.gather(1, u.argsort(dim=1)[:, :, None, None].expand_as(image))


class Inversion(Photometric):
    """Dark becomes bright, and bright dark."""

    draws = 0

    def __init__(self, p: float = 0.5) -> None:
        """Initialise a new Inversion.

        Args:
            p: Probability for each image.
        """
        super().__init__(p)

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Invert images [n, C, H, W]."""
        inverted: Tensor = invert(image, torch.ones(1, dtype=image.dtype, device=image.device))
        return inverted


class Noise(Photometric):
    """Gaussian noise, independent over pixels and bands."""

    draws = 1

    def __init__(self, deviation: float = 0.02, p: float = 0.0003) -> None:
        """Initialise a new Noise.

        Args:
            deviation: Standard deviation, of values in [0, 1].
            p: Probability for each image.
        """
        super().__init__(p)
        self.deviation = deviation

    def change(self, image: Tensor, u: Tensor) -> Tensor:
        """Add noise to images [n, C, H, W], a function of each image's number ``u``."""
        seeds = (u[:, 0].double() * 2**24).to(torch.int64)
        numbers = uniforms(seeds, 2 * image[0].numel()).clamp(min=2**-24)
        radius, angle = numbers.chunk(2, dim=1)
        noise = (-2 * radius.log()).sqrt() * (2 * math.pi * angle).cos()
        return (image + self.deviation * noise.view_as(image).to(image.dtype)).clamp(0, 1)


def _not_negative(name: str, value: float) -> float:
    if value < 0:
        raise ValueError(f'{name} is {value}; it must be 0 or more.')
    return value
