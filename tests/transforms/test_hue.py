"""Hue turned in one go against Kornia's way through hue, saturation and value."""

import math

import torch
from kornia.enhance import adjust_hue

from geo_noisy.transforms.hue import turn_hue


def test_equal_to_kornia() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(64, 3, 8, 8, generator=generator)
    image[0] = 0.3  # grey has no hue
    image[1, :2] = image[1, :1]  # two bands are largest
    image[2], image[3] = 0.0, 1.0
    turn = torch.linspace(-0.5, 0.5, 64)
    expected = adjust_hue(image, 2 * math.pi * turn[:, None, None])
    torch.testing.assert_close(turn_hue(image, turn), expected, rtol=0, atol=3e-6)


def test_a_third_of_a_turn_moves_the_bands() -> None:
    image = torch.rand(4, 3, 5, 5)
    torch.testing.assert_close(turn_hue(image, torch.full((4,), 1 / 3)), image.roll(1, dims=1), rtol=0, atol=2e-6)


def test_no_turn_leaves_the_image_and_the_input_stays() -> None:
    image = torch.rand(4, 3, 5, 5)
    before = image.clone()
    torch.testing.assert_close(turn_hue(image, torch.zeros(4)), image, rtol=0, atol=1e-6)
    turn_hue(image, torch.full((4,), 0.2))
    assert torch.equal(image, before)
