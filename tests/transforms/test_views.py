"""Views: each date on its own, a mask that follows, any number of bands, any batch."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torchgeo.datasets.utils import Sample

from geo_noisy.transforms import (
    BrightnessShift,
    ChannelOrder,
    ChannelShift,
    ColorJitter,
    ColorViews,
    GaussianBlur,
    Geometry,
    Grayscale,
    Inversion,
    MoCoViews,
    Noise,
    Photometric,
    RandomAffine,
    RandomCrop,
    RandomFlip,
    RandomQuarterTurn,
    RandomResizedCrop,
    Views,
    VTSViews,
)
from geo_noisy.transforms import views as views_module


def batch(size: int = 6, bands: int = 3, side: int = 32, seed: int = 0) -> Sample:
    generator = torch.Generator().manual_seed(seed)
    return {
        'image': torch.rand(size, 2, bands, side, side, generator=generator),
        'mask': torch.randint(0, 3, (size, 2, side, side), generator=generator),
        'valid': torch.rand(size, 2, side, side, generator=generator) > 0.1,
        'draw': torch.randint(0, 2**62, (size,), generator=generator),
        'place': torch.arange(size),
        'exposure': torch.zeros(size, dtype=torch.bool),
    }


def labelled_blocks(side: int = 32) -> Sample:
    """An image whose red value is its mask's class: they must stay together under any geometry."""
    mask = (torch.arange(4).view(2, 2).repeat_interleave(side // 2, 0).repeat_interleave(side // 2, 1)).long()
    image = (mask.float() / 3).expand(1, 2, 3, side, side).clone()
    return {'image': image, 'mask': mask.expand(1, 2, side, side).clone(), 'draw': torch.tensor([5])}


VIEWS: list[Callable[[], Views]] = [MoCoViews, VTSViews]


@pytest.mark.parametrize('make', VIEWS)
class TestPresets:
    def test_a_sample_sees_the_same_view_in_any_batch(self, make: Callable[[], Views]) -> None:
        full = make()(batch())
        alone = make()({key: value[3:4] for key, value in batch().items()})
        assert torch.allclose(alone['image'][0], full['image'][3], atol=1e-6)
        assert torch.equal(alone['mask'][0], full['mask'][3])

    def test_dates_are_drawn_on_their_own(self, make: Callable[[], Views]) -> None:
        same = batch()
        same['image'][:, 1] = same['image'][:, 0]
        viewed = make()(same)['image']
        assert ((viewed[:, 0] - viewed[:, 1]).abs().amax(dim=(1, 2, 3)) > 0.05).float().mean() > 0.5

    def test_another_draw_gives_another_view(self, make: Callable[[], Views]) -> None:
        first, second = batch(), batch()
        second['draw'] = second['draw'] + 1
        assert not torch.allclose(make()(first)['image'], make()(second)['image'])

    def test_values_stay_in_range_and_types_stay(self, make: Callable[[], Views]) -> None:
        viewed = make()(batch())
        assert viewed['image'].min() >= 0
        assert viewed['image'].max() <= 1
        assert viewed['mask'].dtype == torch.int64
        assert viewed['valid'].dtype == torch.bool
        assert set(viewed['mask'].unique().tolist()) <= {0, 1, 2, 255}

    def test_other_keys_pass(self, make: Callable[[], Views]) -> None:
        assert torch.equal(make()(batch())['place'], batch()['place'])

    def test_images_without_dates(self, make: Callable[[], Views]) -> None:
        single = {key: batch()[key][:, 0] for key in ('image', 'mask')} | {'draw': batch()['draw']}
        viewed = make()(single)
        assert viewed['image'].shape == single['image'].shape
        assert torch.equal(viewed['image'], make()(batch())['image'][:, 0])


def recipe(views: Views) -> list[tuple[str, dict[str, Any]]]:
    """Names and options of the operations, in order."""
    return [
        (
            type(each).__name__,
            {name: value for name, value in vars(each).items() if name[0] != '_' and name != 'training'},
        )
        for each in (*views.geometry, *views.photometric)
    ]


def test_moco_views_are_those_of_moco_v2() -> None:
    jitter = {'brightness': 0.4, 'contrast': 0.4, 'saturation': 0.4, 'hue': 0.1, 'p': 0.8}
    assert recipe(MoCoViews()) == [
        ('RandomResizedCrop', {'scale': (0.2, 1.0), 'ratio': (3 / 4, 4 / 3), 'p': 1.0}),
        ('RandomFlip', {'horizontal': 0.5, 'vertical': 0.0}),
        ('ColorJitter', jitter),
        ('Grayscale', {'p': 0.2}),
        ('GaussianBlur', {'sigma_px': (0.1, 2.0), 'p': 0.5}),
    ]


def test_vts_views_are_those_of_the_winner_on_xbd() -> None:
    jitter = {'brightness': 0.02, 'contrast': 0.0, 'saturation': 0.02, 'hue': 0.014, 'p': 0.015}
    assert recipe(VTSViews()) == [
        ('RandomFlip', {'horizontal': 0.0, 'vertical': 0.5}),
        ('RandomQuarterTurn', {'p': 0.95}),
        ('RandomAffine', {'degrees': 0.0, 'scale': (1.0, 1.0), 'shift': 0.3, 'p': 0.1}),
        ('RandomAffine', {'degrees': 10.0, 'scale': (0.9, 1.1), 'shift': 0.0, 'p': 0.4}),
        ('ChannelShift', {'shift': 5 / 255, 'p': 0.015}),
        ('ColorJitter', jitter),
    ]


@pytest.mark.parametrize(
    ('color', 'names'),
    [
        ('rare', ['ChannelShift', 'ColorJitter']),
        ('jitter', ['ColorJitter', 'Grayscale']),
        ('free', ['ChannelOrder', 'Inversion', 'ColorJitter', 'BrightnessShift']),
        ('none', []),
    ],
)
def test_how_strongly_colours_change(color: Any, names: list[str]) -> None:
    for views in (VTSViews(color=color), ColorViews(color)):
        assert [type(each).__name__ for each in views.photometric] == names
    assert list(ColorViews(color).geometry) == []
    with pytest.raises(ValueError, match="color is 'loud'"):
        ColorViews('loud')  # type: ignore[arg-type]


def test_colour_free_views_leave_the_structure_alone() -> None:
    # Two images of one structure in different colours: their views look alike in all but colour.
    structure = torch.rand(1, 1, 1, 16, 16, generator=torch.Generator().manual_seed(0)).expand(64, 2, 1, 16, 16)
    tint = torch.tensor([0.3, 0.5, 0.7]).view(1, 1, 3, 1, 1)
    draws = torch.arange(64)
    viewed = ColorViews()({'image': tint + 0.2 * (structure - 0.5), 'draw': draws})['image']
    band_means = viewed.mean(dim=(-2, -1)).flatten(0, 1)
    assert band_means.argmax(dim=1).unique().tolist() == [0, 1, 2]  # any band may be the brightest
    assert band_means.mean(dim=1).std() > 0.1  # some are bright, some dark
    correlation = torch.stack(
        [torch.corrcoef(torch.stack([view[0].flatten(), structure[0, 0, 0].flatten()]))[0, 1] for view in viewed[:, 0]]
    )
    assert correlation.abs().min() > 0.6  # where values are cut at 0 or 1
    assert 0.3 < (correlation < 0).float().mean() < 0.7  # half of them are inverted


def test_crop_of_the_vts_views() -> None:
    shown = []
    for crop in (None, 0.5, (0.25, 0.3)):
        matrix = VTSViews(shift=0.0, crop=crop)(batch())['matrix']
        shown.append(torch.linalg.det(matrix).abs().mean().item())
    assert shown[0] == pytest.approx(1, abs=0.2)
    assert shown[1] == pytest.approx(0.25, abs=0.05)
    assert 0.05 < shown[2] < 0.1


@pytest.mark.parametrize('bands', [1, 4, 13])
@pytest.mark.parametrize('operation', [ChannelOrder(), Inversion(p=1.0), BrightnessShift()])
def test_colour_operations_take_any_number_of_bands(operation: Photometric, bands: int) -> None:
    image = torch.rand(4, bands, 8, 8, generator=torch.Generator().manual_seed(0))
    u = torch.rand(4, 1 + operation.draws_for(bands), generator=torch.Generator().manual_seed(1))
    changed = operation(image, u)
    assert changed.shape == image.shape
    if isinstance(operation, ChannelOrder):
        assert torch.equal(changed.sort(dim=1).values, image.sort(dim=1).values)
    elif isinstance(operation, Inversion):
        assert torch.allclose(changed, 1 - image)
    else:
        assert (changed - image).abs().max() <= 0.3
    with pytest.raises(ValueError, match=r'shift is -1'):
        BrightnessShift(-1)


@pytest.mark.parametrize('bands', [1, 4, 13])
def test_moco_views_take_any_number_of_bands(bands: int) -> None:
    assert MoCoViews()(batch(bands=bands))['image'].shape[2] == bands


def test_vts_views_take_any_number_of_bands() -> None:
    assert VTSViews()(batch(bands=5))['image'].shape[2] == 5


@pytest.mark.parametrize('make', [MoCoViews, VTSViews])
def test_size_of_the_views(make: Callable[..., Views]) -> None:
    viewed = make(size_px=16)(batch())
    assert viewed['image'].shape[-2:] == viewed['mask'].shape[-2:] == viewed['valid'].shape[-2:] == (16, 16)


GEOMETRY: list[Geometry] = [
    RandomFlip(horizontal=1.0),
    RandomFlip(horizontal=0.0, vertical=1.0),
    RandomQuarterTurn(p=1.0),
    RandomResizedCrop(scale=(0.3, 0.5)),
    RandomAffine(degrees=30.0),
    RandomAffine(scale=(1.3, 1.5)),
    RandomAffine(shift=0.2),
    RandomCrop(0.6),
]


@pytest.mark.parametrize('operation', GEOMETRY, ids=lambda operation: type(operation).__name__)
class TestGeometry:
    def test_the_mask_follows_the_image(self, operation: Geometry) -> None:
        viewed = Views(geometry=[operation])(labelled_blocks(64))
        image, mask = viewed['image'][0, :, 0] * 3, viewed['mask'][0]
        known = mask != 255
        interior = (image - image.round()).abs() < 0.02  # resampling blends classes at their border
        assert (known & interior).float().mean() > 0.5
        assert (image.round()[known & interior] == mask[known & interior]).float().mean() > 0.98

    def test_it_changes_the_image(self, operation: Geometry) -> None:
        data = batch(size=16)
        changed = (Views(geometry=[operation])(data)['image'] - data['image']).abs().amax(dim=(1, 2, 3, 4)) > 1e-3
        assert changed.float().mean() > 0.6


def test_probability_zero_leaves_the_image() -> None:
    operations = [
        RandomFlip(horizontal=0.0),
        RandomQuarterTurn(p=0.0),
        RandomAffine(degrees=30, p=0.0),
        RandomCrop(0.5, p=0.0),
        RandomResizedCrop(p=0.0),
    ]
    assert torch.allclose(Views(geometry=operations)(batch())['image'], batch()['image'], atol=1e-5)


def test_flip_is_exact() -> None:
    viewed = Views(geometry=[RandomFlip(horizontal=1.0)])(batch())
    assert torch.allclose(viewed['image'], batch()['image'].flip(-1), atol=1e-5)
    assert torch.equal(viewed['mask'], batch()['mask'].flip(-1))


def test_flip_follows_its_probability() -> None:
    data = batch(size=300, side=8)
    flipped = Views(geometry=[RandomFlip(horizontal=0.25)])(data)['image'].isclose(data['image'].flip(-1), atol=1e-4)
    assert abs(flipped.flatten(2).all(dim=2).float().mean() - 0.25) < 0.06


def test_quarter_turns_are_exact() -> None:
    data = batch(size=40)
    viewed = Views(geometry=[RandomQuarterTurn(p=1.0)])(data)['image'][:, 0]
    turns = torch.stack([torch.rot90(data['image'][:, 0], k, (-2, -1)) for k in range(4)])
    hits = (turns - viewed).abs().amax(dim=(2, 3, 4)) < 1e-4
    assert hits.any(dim=0).all()
    assert (hits.float().mean(dim=1) > 0.1).all()


@pytest.mark.parametrize('operation', GEOMETRY, ids=lambda operation: type(operation).__name__)
def test_what_changed_is_seen_by_each_date_as_its_mask_is(operation: Geometry) -> None:
    data = batch()
    data['change'] = torch.randint(0, 2, (6, 32, 32), dtype=torch.uint8)
    data['mask'] = data['change'].long()[:, None].expand(-1, 2, -1, -1)
    viewed = Views(geometry=[operation])(data)
    assert viewed['change'].dtype == torch.uint8
    assert torch.equal(viewed['change'].long(), viewed['mask'])  # outside: unknown
    assert torch.equal(Views()(data)['change'].long(), data['mask'])


def test_the_matrix_says_where_a_view_lies() -> None:
    ramp = torch.linspace(0.1, 0.9, 65).unfold(0, 2, 1).mean(dim=1)
    data = batch(side=64) | {
        'image': torch.stack([ramp.expand(64, 64), ramp[:, None].expand(64, 64)]).expand(6, 2, 2, 64, 64)
    }
    for operation in GEOMETRY:
        viewed = Views(geometry=[operation])(data)
        for x, y in ((-0.25, 0.125), (0.5, 0.25)):
            at = viewed['matrix'] @ torch.tensor([x, y, 1.0])
            inside = (at[..., :2].abs() < 0.95).all(dim=-1)
            grid = torch.tensor([x, y]).expand(12, 1, 1, 2)
            seen = torch.nn.functional.grid_sample(viewed['image'].flatten(0, 1), grid, align_corners=False)
            found = (seen.view(6, 2, 2) - 0.5) / 0.4
            assert inside.any()
            assert torch.allclose(found[inside], at[..., :2][inside], atol=0.02)


def test_outside_pixels_are_ignored_and_not_valid() -> None:
    data = batch()
    data['valid'][:] = True
    viewed = Views(geometry=[RandomAffine(shift=0.3)])(data)
    assert torch.equal(viewed['mask'] == 255, ~viewed['valid'])
    assert (viewed['mask'] == 255).any()


def test_scale_is_the_area_of_the_crop() -> None:
    matrix = RandomResizedCrop(scale=(0.25, 0.25), ratio=(1.0, 1.0)).matrix(torch.rand(5, 5), 1.0)
    assert torch.allclose(matrix[:, 0, 0], torch.tensor(0.5))
    ratios = RandomResizedCrop(scale=(0.2, 0.2), ratio=(2.0, 2.0)).matrix(torch.rand(5, 5), 1.0)
    assert torch.allclose(ratios[:, 0, 0] / ratios[:, 1, 1], torch.tensor(2.0))


def test_affine_and_crop_take_their_options() -> None:
    u = torch.tensor([[0.0, 1.0, 0.5, 0.5, 0.5]])
    assert RandomAffine(degrees=30.0).matrix(u, 1.0)[0, 0, 0].item() == pytest.approx(3**0.5 / 2)
    assert RandomAffine(scale=(2.0, 2.0)).matrix(u, 1.0)[0, 0, 0].item() == pytest.approx(1 / 2)
    assert RandomCrop(0.4).matrix(u, 1.0)[0, 0, 0].item() == pytest.approx(0.4)


PHOTOMETRIC: list[Photometric] = [
    ColorJitter(0.4, 0, 0, 0, p=1),
    ColorJitter(0, 0.4, 0, 0, p=1),
    ColorJitter(0, 0, 0.4, 0, p=1),
    ColorJitter(0, 0, 0, 0.1, p=1),
    Grayscale(p=1),
    GaussianBlur((0.8, 2.0), p=1),
    ChannelShift(0.2, p=1),
    Noise(0.1, p=1),
]


@pytest.mark.parametrize('operation', PHOTOMETRIC, ids=lambda operation: type(operation).__name__)
class TestPhotometric:
    def test_it_changes_every_image(self, operation: Photometric) -> None:
        data = batch()
        viewed = Views(photometric=[operation])(data)
        assert ((viewed['image'] - data['image']).abs().amax(dim=(2, 3, 4)) > 1e-3).all()
        assert torch.equal(viewed['mask'], data['mask'])

    def test_probability(self, operation: Photometric) -> None:
        data = batch(size=200, side=8)
        before, operation.p = operation.p, 0.3
        viewed = Views(photometric=[operation])(data)['image']
        operation.p = before
        changed = (viewed - data['image']).abs().amax(dim=(2, 3, 4)) > 1e-4
        assert abs(changed.float().mean() - 0.3) < 0.07


def test_noise_and_shift_take_their_size() -> None:
    data = batch(size=40)
    data['image'].fill_(0.5)
    noise, shift = (
        Views(photometric=[operation])(data)['image'] - 0.5 for operation in (Noise(0.1, p=1), ChannelShift(0.2, p=1))
    )
    assert noise.std().item() == pytest.approx(0.1, rel=0.05)
    assert 0.15 < shift.abs().max() <= 0.2


def test_grey_has_equal_bands() -> None:
    image = Views(photometric=[Grayscale(p=1)])(batch(bands=4))['image']
    assert torch.allclose(image[:, :, 0], image[:, :, 3])


def test_vts_views_take_a_shift() -> None:
    data = batch(size=60)
    outside = [(VTSViews(shift=shift)(data)['mask'] == 255).float().mean() for shift in (0.0, 0.45)]
    assert outside[1] > outside[0] + 0.005


def test_moco_views_take_scale_and_flip() -> None:
    data = batch(size=40)
    assert not torch.allclose(MoCoViews(min_scale=0.9)(data)['image'], MoCoViews()(data)['image'])
    assert not torch.allclose(MoCoViews(flip_vertical=1.0)(data)['image'], MoCoViews()(data)['image'])


class TestBadInput:
    def test_probability(self) -> None:
        with pytest.raises(ValueError, match=r'probability is 1\.5'):
            RandomFlip(horizontal=1.5)

    def test_scale(self) -> None:
        with pytest.raises(ValueError, match=r'scale is \(0\.5, 0\.2\)'):
            RandomResizedCrop(scale=(0.5, 0.2))

    @pytest.mark.parametrize(
        ('make', 'message'),
        [
            (lambda: GaussianBlur((0.0, 1.0)), r'sigma_px is \(0\.0, 1\.0\)'),
            (lambda: ColorJitter(brightness=1.5), r'brightness is 1\.5'),
            (lambda: ColorJitter(hue=0.7), r'hue is 0\.7'),
            (lambda: ChannelShift(shift=-1.0), r'shift is -1\.0'),
        ],
    )
    def test_ranges(self, make: Callable[[], Photometric], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            make()


def test_channel_shift_takes_each_band_on_its_own() -> None:
    data = batch(bands=5)
    shift = (Views(photometric=[ChannelShift(0.1, p=1)])(data)['image'] - data['image']).median(-1)[0].median(-1)[0]
    assert (shift[0, 0].sort().values.diff() > 1e-4).all()


def test_views_of_a_batch_beyond_the_cache_are_those_of_one_within(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = {'image': torch.rand(5, 2, 3, 16, 16), 'mask': torch.randint(0, 3, (5, 2, 16, 16)), 'draw': torch.arange(5)}
    whole = MoCoViews()(batch)
    monkeypatch.setattr(views_module, '_CACHED_BYTES', 3 * batch['image'][0, 0].nbytes)
    parts = MoCoViews()(batch)
    assert whole.keys() == parts.keys()
    for key in whole:
        torch.testing.assert_close(parts[key], whole[key], rtol=0, atol=1e-6)
