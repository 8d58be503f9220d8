"""Geometric operations as matrices, composed so that an image is resampled once.

Coordinates run from -1 to 1 over the image, x to the right, y down. A matrix takes output coordinates to
input coordinates, as :func:`torch.nn.functional.affine_grid` wants it.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Geometry(nn.Module, ABC):
    """A random affine operation; a new one is a subclass with ``draws`` and ``matrix``."""

    draws: int
    """Uniform random numbers used for each sample."""

    @abstractmethod
    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices from output to input coordinates.

        Args:
            u: Uniform random numbers in [0, 1), shape [B, draws].
            aspect: Width over height of the image.

        Returns:
            Shape [B, 3, 3].
        """


class RandomResizedCrop(Geometry):
    """A crop of random area and aspect ratio, resized to the whole view (MoCo v2)."""

    draws = 5

    def __init__(
        self, scale: tuple[float, float] = (0.2, 1.0), ratio: tuple[float, float] = (3 / 4, 4 / 3), p: float = 1.0
    ) -> None:
        """Initialise a new RandomResizedCrop.

        Args:
            scale: Range of the crop's share of the image area, in (0, 1].
            ratio: Range of width over height, relative to the image's own.
            p: Probability for each sample.
        """
        super().__init__()
        _check_range('scale', scale, low=0, high=1)
        _check_range('ratio', ratio, low=0, high=math.inf)
        self.scale, self.ratio, self.p = scale, ratio, probability(p)

    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices [B, 3, 3] of the crops."""
        area = between(u[:, 0], *self.scale)
        ratio = between(u[:, 1], math.log(self.ratio[0]), math.log(self.ratio[1])).exp()
        width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
        matrix = _matrix(
            width, 0, (1 - width) * between(u[:, 2], -1, 1), 0, height, (1 - height) * between(u[:, 3], -1, 1)
        )
        return _apply_where(u[:, 4] < self.p, matrix)


class RandomFlip(Geometry):
    """Horizontal and vertical flips."""

    draws = 2

    def __init__(self, horizontal: float = 0.5, vertical: float = 0.0) -> None:
        """Initialise a new RandomFlip.

        Args:
            horizontal: Probability of swapping left and right.
            vertical: Probability of swapping top and bottom.
        """
        super().__init__()
        self.horizontal, self.vertical = probability(horizontal), probability(vertical)

    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices [B, 3, 3] of the flips."""
        return _matrix(
            1 - 2 * (u[:, 0] < self.horizontal).float(), 0, 0, 0, 1 - 2 * (u[:, 1] < self.vertical).float(), 0
        )


class RandomQuarterTurn(Geometry):
    """A rotation by 0, 90, 180 or 270 degrees (square views only: others would be stretched)."""

    draws = 2

    def __init__(self, p: float = 0.95) -> None:
        """Initialise a new RandomQuarterTurn.

        Args:
            p: Probability of drawing one of the four turns, the turn by 0 among them.
        """
        super().__init__()
        self.p = probability(p)

    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices [B, 3, 3] of the turns."""
        turns = (u[:, 1] * 4).floor() * (u[:, 0] < self.p)
        cos, sin = (turns * math.pi / 2).cos().round(), (turns * math.pi / 2).sin().round()
        return _matrix(cos, -sin, 0, sin, cos, 0)


class RandomAffine(Geometry):
    """Rotation, scale and shift together."""

    draws = 5

    def __init__(
        self,
        degrees: float = 0.0,
        scale: tuple[float, float] = (1.0, 1.0),
        shift: float = 0.0,
        p: float = 1.0,
    ) -> None:
        """Initialise a new RandomAffine.

        Args:
            degrees: Largest rotation either way.
            scale: Range of magnification.
            shift: Largest shift either way, as a share of the image side.
            p: Probability for each sample.
        """
        super().__init__()
        _check_range('scale', scale, low=0, high=math.inf)
        self.degrees, self.scale, self.shift, self.p = degrees, scale, shift, probability(p)

    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices [B, 3, 3] of the operation."""
        angle = between(u[:, 1], -self.degrees, self.degrees) * math.pi / 180
        zoom = 1 / between(u[:, 2], *self.scale)
        cos, sin = angle.cos() * zoom, angle.sin() * zoom
        shift_x, shift_y = (2 * self.shift * between(u[:, k], -1, 1) for k in (3, 4))
        return _apply_where(u[:, 0] < self.p, _matrix(cos, -sin / aspect, shift_x, sin * aspect, cos, shift_y))


class RandomCrop(Geometry):
    """A crop of fixed size at a random place, resized to the whole view."""

    draws = 4

    def __init__(self, share: float | tuple[float, float], p: float = 1.0) -> None:
        """Initialise a new RandomCrop.

        Args:
            share: Side of the crop as a share of the image side, in (0, 1], or its range.
            p: Probability for each sample.
        """
        super().__init__()
        self.share = (share, share) if isinstance(share, int | float) else share
        _check_range('share', self.share, low=0, high=1)
        self.p = probability(p)

    def matrix(self, u: Tensor, aspect: float) -> Tensor:
        """Matrices [B, 3, 3] of the crops."""
        side = between(u[:, 3], *self.share)
        return _apply_where(
            u[:, 0] < self.p,
            _matrix(side, 0, (1 - side) * between(u[:, 1], -1, 1), 0, side, (1 - side) * between(u[:, 2], -1, 1)),
        )


def between(u: Tensor, low: float, high: float) -> Tensor:
    """Take uniform numbers in [0, 1) to [low, high)."""
    return low + (high - low) * u


def _matrix(*entries: Tensor | float) -> Tensor:
    """Stack the six entries of affine matrices, row by row; numbers are spread over the batch."""
    like = next(entry for entry in entries if isinstance(entry, Tensor))
    rows = [entry if isinstance(entry, Tensor) else torch.full_like(like, entry) for entry in (*entries, 0, 0, 1)]
    return torch.stack(rows, dim=-1).view(-1, 3, 3)


def _apply_where(chosen: Tensor, matrix: Tensor) -> Tensor:
    return torch.where(chosen[:, None, None], matrix, torch.eye(3, device=matrix.device, dtype=matrix.dtype))


def probability(p: float) -> float:
    """Check that a number lies in [0, 1]."""
    if not 0 <= p <= 1:
        raise ValueError(f'A probability is {p}; it must lie in [0, 1].')
    return p


def _check_range(name: str, values: tuple[float, float], *, low: float, high: float) -> None:
    if not low < values[0] <= values[1] <= high:
        raise ValueError(f'{name} is {tuple(values)}; it must rise within ({low}, {high}].')
