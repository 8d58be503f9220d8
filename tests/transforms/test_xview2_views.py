import colorsys

import numpy as np
import pytest
import torch

from geo_noisy.transforms import XView2Views
from geo_noisy.transforms.xview2 import PivotRotation, VaryingCrop
from geo_noisy.transforms.xview2_photometric import (
    BoxBlur,
    Brightness,
    Contrast,
    ElasticJitter,
    HSVShift,
    LocalContrast,
    Saturation,
)

OFF = {'colour_p': 0.0, 'rare_p': 0.0, 'elastic_p': 0.0}


def batch(count=64, side=32):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 2, 3, side, side, generator=generator)
    return {'image': image, 'mask': (image[:, :, 0] > 0.5).long(), 'draw': torch.arange(count)}


def test_each_date_has_a_view_of_its_own():
    sample = batch(count=8)
    sample['image'][:, 1] = sample['image'][:, 0]
    viewed = XView2Views(**OFF)(sample)['image']
    assert all(not torch.equal(pair[0], pair[1]) for pair in viewed)


def test_mask_goes_with_its_image():
    side = 64
    image = torch.zeros(16, 2, 3, side, side)
    image[..., : side // 2, : side // 4] = 1
    sample = {'image': image, 'mask': image[:, :, 0].long(), 'draw': torch.arange(16)}
    viewed = XView2Views(**OFF)(sample)
    inside = viewed['mask'] != 255
    agree = (viewed['image'][:, :, 0] > 0.5) == (viewed['mask'] == 1)
    assert agree[inside].float().mean() > 0.995
    assert 0 < (~inside).float().mean() < 0.2


def test_view_does_not_hang_on_the_batch():
    sample = batch(count=6)
    views = XView2Views(colour_p=0.5, rare_p=0.5, elastic_p=0.5)
    whole = views(sample)
    alone = views({key: value[3:4] for key, value in sample.items()})
    torch.testing.assert_close(alone['image'][0], whole['image'][3])
    torch.testing.assert_close(alone['mask'][0], whole['mask'][3])


@pytest.mark.parametrize('size_px', [None, 19])
def test_size(size_px):
    viewed = XView2Views(size_px=size_px)(batch(count=2))
    assert viewed['image'].shape[-2:] == viewed['mask'].shape[-2:] == ((size_px or 32),) * 2


def changed(**options):
    """Share of views that differ from those without the option."""
    sample = batch(count=400, side=8)
    one, other = XView2Views(**OFF)(sample)['image'], XView2Views(**(OFF | options))(sample)['image']
    return (one != other).flatten(2).any(dim=2).float().mean().item()


@pytest.mark.parametrize(
    ('options', 'share'),
    [
        ({'colour_p': 0.1}, 1 - 0.9**2),
        ({'rare_p': 0.05}, 1 - 0.95**6),
        ({'elastic_p': 0.2}, 0.2),
        ({'shift': 0.01}, 1 - 0.9 * 0.6),
        ({'degrees': 1.0}, 0.4),
        ({'crop_share': 0.3}, 1.0),
        ({'crop_spread': 0.0}, 0.8),
    ],
)
def test_options_act_with_their_probability(options, share):
    assert changed(**options) == pytest.approx(share, abs=0.05)


def test_views_hold_values_in_range():
    viewed = XView2Views(colour_p=1.0, rare_p=1.0, elastic_p=1.0)(batch(count=4))
    assert viewed['image'].min() >= 0
    assert viewed['image'].max() <= 1
    assert set(viewed['mask'].unique().tolist()) <= {0, 1, 255}


def test_crop_sizes_are_those_of_the_winner():
    u = torch.rand(4000, 4, generator=torch.Generator().manual_seed(0))
    sides_px = 1024 * VaryingCrop().matrix(u, 1.0)[:, 0, 0]
    assert sides_px.min() == pytest.approx(608 / 1.15, abs=1)
    assert sides_px.max() == pytest.approx(608 / 0.85, abs=1)
    assert (sides_px == 608).float().mean() == pytest.approx(0.2, abs=0.02)


def test_crops_stay_inside():
    u = torch.rand(1000, 4, generator=torch.Generator().manual_seed(0))
    matrix = VaryingCrop().matrix(u, 1.0)
    corners = torch.tensor([[-1.0, -1, 1], [1, 1, 1]]).T
    assert (matrix[:, :2] @ corners).abs().max() <= 1 + 1e-6


def test_crop_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match='must fit'):
        VaryingCrop(share=0.9, spread=0.15)


def test_rotation_keeps_its_pivot():
    u = torch.tensor([[0.0, 1.0, 0.5, 1.0, 0.25]])
    operation = PivotRotation(degrees=10, scale=(1.1, 1.1), pivot=0.3, p=1.0)
    pivot = torch.tensor([0.6, -0.3, 1.0])
    torch.testing.assert_close((operation.matrix(u, 1.0) @ pivot)[0], pivot)
    linear = operation.matrix(u, 1.0)[0, :2, :2]
    assert torch.linalg.det(linear).item() == pytest.approx(1 / 1.1**2)
    assert torch.atan2(linear[1, 0], linear[0, 0]).rad2deg().item() == pytest.approx(10)


def test_hsv_shift_equals_the_standard_library():
    image = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(1)) * 0.8 + 0.1
    u = torch.tensor([[1.0, 0.0, 1.0]])
    shifted = HSVShift(p=1.0).change(image, u)[0].permute(1, 2, 0).reshape(-1, 3)
    for pixel, new in zip(image[0].permute(1, 2, 0).reshape(-1, 3).tolist(), shifted.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixel)
        wanted = colorsys.hsv_to_rgb((hue + 10 / 360) % 1, max(saturation - 5 / 255, 0), min(value + 5 / 255, 1))
        assert new == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    ('operation', 'reference'),
    [
        (Brightness(spread=0.1, p=1.0), lambda image: image * 1.1),
        (Contrast(spread=0.1, p=1.0), lambda image: image.mean() + 1.1 * (image - image.mean())),
    ],
)
def test_factors(operation, reference):
    image = 0.3 + 0.3 * torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(operation.change(image, torch.ones(1, 1)), reference(image))


def test_saturation_leaves_grey_alone_and_moves_colour():
    operation = Saturation(spread=0.1, p=1.0)
    grey = torch.full((1, 3, 4, 4), 0.4)
    torch.testing.assert_close(operation.change(grey, torch.ones(1, 1)), grey, atol=1e-3, rtol=0)
    colour = torch.tensor([0.6, 0.4, 0.3])[None, :, None, None].expand(1, 3, 4, 4)
    spread = [operation.change(colour, torch.full((1, 1), u)).std(dim=1).mean() for u in (0.0, 0.5, 1.0)]
    assert spread[0] < spread[1] < spread[2]


def test_box_blur_is_a_mean():
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    blurred = BoxBlur(3, p=1.0).change(image, torch.ones(1, 0))
    torch.testing.assert_close(blurred[0, :, 4, 4], image[0, :, 3:6, 3:6].mean(dim=(1, 2)))


def test_local_contrast_widens_a_dull_image():
    ramp = torch.linspace(0.45, 0.55, 40)[None, None, None].expand(1, 3, 40, 40)
    equalised = LocalContrast(p=1.0).change(ramp, torch.ones(1, 0))
    assert equalised.std() > 1.2 * ramp.std()


def test_elastic_jitter_moves_pixels_by_about_a_pixel():
    ramp = torch.arange(32.0)[None, None, None].expand(1, 1, 32, 32) / 31
    moved = ElasticJitter((0.5, 0.5), p=1.0).change(ramp, torch.rand(1, 2, generator=torch.Generator().manual_seed(0)))
    distance = 31 * (moved - ramp)[..., 2:-2].abs()
    assert 0.4 < distance.max() <= 0.5 + 1e-4
    np.testing.assert_allclose(distance.mean(), 0.25, atol=0.05)
