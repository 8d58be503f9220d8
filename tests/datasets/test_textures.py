"""Texture sources: folders of JPEGs, and procedural families."""

import numpy as np
import pytest
import torchvision.datasets.dtd
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from geo_noisy.datasets.vts import textures
from geo_noisy.datasets.vts.procedural import FAMILIES, draw_texture
from geo_noisy.datasets.vts.textures import (
    FolderTextures,
    PictureCache,
    ProceduralTextures,
    download_dtd,
    find_images_folder,
    split_pictures,
)
from tests.data.textures import SHADES, SHARED, archive_dtd, truncate, write_textures

PER_FAMILY = 60


@pytest.fixture(scope='module')
def families():
    """Images [3, n, 3, H, W] of the three families."""
    return np.stack(
        [
            [draw_texture(np.random.default_rng([i, j]), family=name, side_px=96) for i in range(PER_FAMILY)]
            for j, name in enumerate(FAMILIES)
        ]
    )


def held_out_accuracy(features):
    """Accuracy of ridge regression on the class, trained on one half [3, n / 2, d] and tested on the other."""
    flat = features.reshape(-1, features.shape[-1])
    features = (features - flat.mean(0)) / (flat.std(0) + 1e-9)
    features = np.concatenate([features, np.ones((*features.shape[:2], 1))], axis=2)
    half = features.shape[1] // 2
    known, asked = features[:, :half].reshape(-1, features.shape[2]), features[:, half:]
    targets = np.repeat(np.eye(3), half, axis=0)
    weights = np.linalg.solve(known.T @ known + np.eye(known.shape[1]), known.T @ targets)
    return float(((asked @ weights).argmax(-1) == np.arange(3)[:, None]).mean())


def colour_features(picture):
    """All that a histogram of colours may tell: place, width and shape, for each channel."""
    channels = picture.reshape(3, -1)
    histograms = [np.histogram(channel, bins=8, range=(0, 256))[0] / channel.size for channel in channels]
    standard = (channels - channels.mean(1, keepdims=True)) / channels.std(1, keepdims=True)
    moments = (abs((standard**3).mean(1)), (standard**4).mean(1))
    return np.concatenate([channels.mean(1), channels.std(1), *moments, *histograms])


def structure_features(picture):
    """How much gradients agree in direction over all and near by, and how uneven gradient and curvature are."""
    grey = picture.mean(0)
    grey = ndimage.gaussian_filter((grey - grey.mean()) / grey.std(), 1.5)
    rows, columns = np.gradient(grey)
    products = np.stack([rows * rows - columns * columns, 2 * rows * columns, rows * rows + columns * columns])
    near = np.stack([ndimage.gaussian_filter(product, 6) for product in products])
    overall, local = (np.hypot(part[0], part[1]) / part[2] for part in (products.mean((1, 2)), near))
    curvature = ndimage.laplace(grey)
    skew = np.log(abs((curvature**3).mean()) / curvature.std() ** 3)
    uneven = np.log((products[2] ** 2).mean() / products[2].mean() ** 2)
    features = np.array([overall, local.mean(), skew, uneven, np.log(products[2].mean())])
    return np.concatenate([features, np.outer(features, features)[np.triu_indices(5)]])


def test_colour_does_not_tell_the_families_apart(families):
    features = np.array([[colour_features(picture) for picture in family] for family in families])
    assert held_out_accuracy(features) < 0.47  # chance is 1/3 with deviation .05


def test_structure_tells_the_families_apart(families):
    features = np.array([[structure_features(picture) for picture in family] for family in families])
    assert held_out_accuracy(features) > 0.9


def test_the_colour_test_would_find_a_colour(families):
    tinted = families.astype(float) + 60 * np.arange(3)[:, None, None, None, None]
    features = np.array([[colour_features(picture) for picture in family] for family in tinted])
    assert held_out_accuracy(features) > 0.55


def test_procedural_pictures_are_a_function_of_seed_category_number_and_side():
    source = ProceduralTextures(side_px=24, seed=1)
    first = source.picture('veined', 3)
    textures._PICTURES._pictures.clear()
    assert np.array_equal(first, ProceduralTextures(side_px=24, seed=1).picture('veined', 3))
    others = [
        ProceduralTextures(side_px=24, seed=2).picture('veined', 3),
        source.picture('veined', 4),
        source.picture('matted', 3),
    ]
    assert not any(np.array_equal(first, other) for other in others)
    assert first.shape == (3, 24, 24)
    assert first.dtype == np.uint8


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('side_px', [2, 9, 33, 150])
def test_any_side_can_be_drawn(family, side_px):
    for seed in range(5):
        picture = draw_texture(np.random.default_rng(seed), family=family, side_px=side_px)
        assert picture.shape == (3, side_px, side_px)
        assert picture.std((1, 2)).max() > 0


def test_procedural_number_of_pictures():
    assert ProceduralTextures(side_px=24).count('layered') == 120
    assert ProceduralTextures(side_px=24, pictures=7).count('layered') == 7


def test_unknown_embedded_category_names_those_there_are():
    with pytest.raises(ValueError, match=r"'banded'.*'layered', 'veined', 'matted'.*root"):
        ProceduralTextures(side_px=24).count('banded')


@given(count=st.integers(3, 500), seed=st.integers(0, 5))
def test_splits_share_no_picture_and_leave_none_out(count, seed):
    parts = [split_pictures(count, split=split, seed=seed) for split in ('train', 'val', 'test')]
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert min(map(len, parts)) >= 1
    assert np.allclose([len(part) for part in parts], np.array([0.5, 0.3, 0.2]) * count, atol=1)


def test_split_sizes_of_dtd_and_seed():
    assert [len(split_pictures(120, split=split, seed=0)) for split in ('train', 'val', 'test')] == [60, 36, 24]
    assert not np.array_equal(split_pictures(120, split='val', seed=0), split_pictures(120, split='val', seed=1))


def test_cache_makes_once_and_keeps_within_its_bytes():
    made = []

    def make(name):
        made.append(name)
        return np.zeros((3, 10, 10), dtype=np.uint8)

    cache = PictureCache(max_bytes=600)
    for name in ('a', 'b', 'a', 'c', 'a', 'b'):  # c pushes out b, which was not used for longest
        cache.get(name, lambda name=name: make(name))
        assert cache.bytes <= 600
    assert made == ['a', 'b', 'c', 'b']


def test_pictures_cannot_be_written_to(tmp_path):
    picture = FolderTextures(write_textures(tmp_path) / 'images', categories=['veined']).picture('veined', 0)
    with pytest.raises(ValueError, match='read-only'):
        picture[0, 0, 0] = 1


def test_folder_pictures_come_in_order_of_name_and_as_rgb(tmp_path):
    folder = write_textures(tmp_path) / 'images'
    Image.fromarray(np.full((40, 48), 9, dtype=np.uint8)).save(folder / 'veined' / 'veined_9999.jpg')
    (folder / 'veined' / 'notes.txt').write_text('no image')
    (folder / 'veined' / '._veined_0000.jpg').write_text('left by another system')
    source = FolderTextures(folder, categories=['veined'], min_side_px=40)
    assert source.count('veined') == 11
    assert [int(source.picture('veined', number).mean().round()) for number in (0, 4)] == [130, 134]
    assert source.picture('veined', 10).shape == (3, 40, 48)


def test_pictures_are_decoded_once(tmp_path, monkeypatch):
    source = FolderTextures(write_textures(tmp_path) / 'images', categories=['veined'])
    picture = source.picture('veined', 0)
    monkeypatch.setattr(Image, 'open', lambda _: pytest.fail('decoded again'))
    assert source.picture('veined', 0) is picture


def test_missing_category_names_folder_and_those_there(tmp_path):
    folder = write_textures(tmp_path, categories=['veined', 'matted']) / 'images'
    with pytest.raises(ValueError, match=r"'stratified' in .*images; .*\['matted', 'veined'\]"):
        FolderTextures(folder, categories=['stratified'])


def test_too_few_pictures_names_the_number_and_the_place(tmp_path):
    folder = write_textures(tmp_path, pictures=2) / 'images'
    with pytest.raises(ValueError, match=r"'matted' has 2 JPEG images in .*matted; at least 3.*Add images"):
        FolderTextures(folder, categories=['matted'])
    write_textures(tmp_path / 'enough', pictures=3)
    assert FolderTextures(tmp_path / 'enough' / 'images', categories=['matted']).count('matted') == 3


def test_too_small_picture_names_file_and_size(tmp_path):
    folder = write_textures(tmp_path, size_px=(40, 48)) / 'images'
    with pytest.raises(ValueError, match=r'veined_0000\.jpg has 48 x 40 pixels.*41 x 41\. Lower `size_px`'):
        FolderTextures(folder, categories=['veined'], min_side_px=41)


def test_truncated_picture_names_the_file(tmp_path):
    folder = write_textures(tmp_path, size_px=(300, 300)) / 'images'
    truncate(folder / 'veined' / 'veined_0002.jpg')
    source = FolderTextures(folder, categories=['veined'])
    with pytest.raises(ValueError, match=r'veined_0002\.jpg cannot be read: .*truncated.*download it again'):
        source.picture('veined', 2)


def test_file_that_is_no_picture_is_found_at_once(tmp_path):
    folder = write_textures(tmp_path) / 'images'
    (folder / 'veined' / 'veined_0003.jpg').write_text('no image')
    with pytest.raises(ValueError, match=r'veined_0003\.jpg cannot be read'):
        FolderTextures(folder, categories=['veined'])


def test_download_leaves_a_folder_that_is_found(tmp_path, monkeypatch):
    """The real code of torchvision, on an archive made here that stands for the downloaded one."""
    root = tmp_path / 'root'
    assert find_images_folder(root) is None
    archive_dtd(root, write_textures(tmp_path / 'made'))
    monkeypatch.setattr(torchvision.datasets.dtd.DTD, '_MD5', None)
    download_dtd(root)
    folder = find_images_folder(root)
    assert sorted(path.name for path in folder.iterdir()) == sorted(SHADES)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason='the real textures are not at ../shared/data/dtd')
def test_real_textures():
    source = FolderTextures(SHARED / 'images', categories=['banded', 'cracked', 'cobwebbed'], min_side_px=256)
    assert [source.count(name) for name in ('banded', 'cracked', 'cobwebbed')] == [120, 120, 120]
    assert source.picture('cracked', 5).std() > 5


def test_wavelength_of_the_embedded_textures() -> None:
    waves = []
    for wavelength_px in ((4.0, 8.0), (16.0, 32.0)):
        source = ProceduralTextures(side_px=128, wavelength_px=wavelength_px)
        spectrum = np.zeros(41)
        for number in range(10):
            rows = source.picture('layered', number)[0].astype(float)
            spectrum += (np.abs(np.fft.rfft(rows - rows.mean(), axis=1)) ** 2).mean(axis=0)[:41]
        waves.append((spectrum * np.arange(41)).sum() / spectrum.sum())
    assert waves[0] > 1.5 * waves[1]
