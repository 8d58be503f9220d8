"""VTS: geometry, coupling, pairs, the downstream task, options and bad input."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torchvision.datasets.dtd
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch.utils.data import DataLoader
from torchgeo.datasets import DatasetNotFoundError

from geo_noisy.datasets import VTSPairs, VTSSegmentation, shared_memory
from geo_noisy.datasets.vts.mosaic import Mosaics, TextureSplit
from geo_noisy.datasets.vts.voronoi import draw_layout, nearest_seed
from geo_noisy.pairs import PairKey
from tests.data.figures import outlined
from tests.data.textures import SHADES, SHARED, archive_dtd, truncate, write_textures

SMALL = {'size_px': 32, 'cells': 6, 'count': 8}
BOTH = pytest.mark.parametrize('dataset_class', [VTSPairs, VTSSegmentation])


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    """A tree in which the grey of a pixel tells its category and its texture image."""
    return write_textures(tmp_path_factory.mktemp('textures'))


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def categories(image):
    """0, 1 or 2 for each pixel of an image with the plain textures of ``root``."""
    return ((image[0] - min(SHADES.values())) / 100).round().long().clamp(0, 2)


# Geometry


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), cells=st.integers(1, 20).map(lambda half: 2 * half), size_px=st.integers(7, 40))
def test_cell_map_is_that_of_the_naive_search(seed, cells, size_px):
    layout = draw_layout(np.random.default_rng(seed), cells=cells, size_px=size_px)
    pixels = np.stack(np.mgrid[:size_px, :size_px], axis=-1)
    distances = ((pixels[:, :, None] - layout.seeds_px) ** 2).sum(-1)
    assert np.array_equal(layout.cell_map(size_px), distances.argmin(-1))


@pytest.mark.parametrize(('size_px', 'cells'), [(1100, 520), (16, 256)])
def test_cell_map_where_small_integers_would_overflow(size_px, cells):
    seeds_px = draw_layout(np.random.default_rng(0), cells=cells, size_px=size_px).seeds_px
    numbers = nearest_seed(seeds_px, size_px=size_px)
    assert np.array_equal(numbers[seeds_px[:, 0], seeds_px[:, 1]], np.arange(cells))
    corner = (size_px - 1, 0)
    assert numbers[corner] == ((seeds_px - corner) ** 2).sum(1).argmin()


@given(seed=st.integers(0, 10**6), half=st.integers(1, 20))
def test_half_of_the_cells_to_each_class(seed, half):
    layout = draw_layout(np.random.default_rng(seed), cells=2 * half, size_px=16)
    assert np.bincount(layout.classes, minlength=2).tolist() == [half, half]
    assert len(np.unique(layout.seeds_px, axis=0)) == 2 * half


def test_noise_takes_cells_without_regard_to_class_or_place():
    layouts = [draw_layout(np.random.default_rng(seed), cells=10, size_px=64) for seed in range(2000)]
    first = np.array([(*layout.seeds_px[0], 63 * layout.classes[0]) for layout in layouts])
    assert np.allclose(first.mean(0), 31.5, atol=3)  # deviations of the means: .41, .41, .70


class Ruler:
    """A texture whose pixels tell their row and column."""

    def count(self, category):
        return 5

    def picture(self, category, number):
        return np.stack([*np.mgrid[:20, :24], np.full((20, 24), number)]).astype(np.uint8)


def test_crops_are_taken_from_everywhere_in_every_texture_image_of_the_split():
    textures = TextureSplit.of(Ruler(), categories=('a',), split='train', seed=0)
    crops = [textures.crop(np.random.default_rng(seed), 0, size_px=16)[0] for seed in range(500)]
    assert all(np.array_equal(np.ptp(crop, axis=(1, 2)), [15, 15, 0]) for crop in crops)
    tops, lefts, numbers = np.transpose([crop[:, 0, 0] for crop in crops])
    assert set(tops) == set(range(5))
    assert set(lefts) == set(range(9))
    assert set(numbers) == set(textures.numbers[0])


def test_sources_are_the_texture_images_that_are_shown():
    textures = TextureSplit.of(Ruler(), categories=('a', 'b', 'c'), split='train', seed=0)
    mosaics = Mosaics(textures, stream=(0,), size_px=16, cells=4)
    for number in range(20):
        shown = mosaics.make(number, noise_cells=2)
        classes = shown.labels.true()
        sources = mosaics.sources(number, noise_cells=2)
        assert [set(shown.noisy_image[2, classes == kind]) - {source} for kind, source in enumerate(sources)] == [
            set()
        ] * 3
        assert mosaics.sources(number, noise_cells=0) == (*sources[:2], -1)
    dataset = VTSSegmentation(**SMALL)
    assert dataset.sources().shape == (len(dataset), 3)
    assert (dataset.sources()[:, 2] == -1).tolist() == [
        not (dataset[n]['mask'] == 2).any() for n in range(len(dataset))
    ]
    assert VTSSegmentation(**SMALL, noise='none').sources().shape == (len(dataset), 2)


# Pairs


def test_pair_sample_keys_types_and_values():
    dataset = VTSPairs(**SMALL)
    sample = dataset[3]
    assert sample['image'].shape == (2, 3, 32, 32)
    assert sample['image'].dtype == torch.float32
    assert 20 < sample['image'].max() <= 255
    assert sample['mask'].shape == (2, 32, 32)
    assert sample['mask'].dtype == torch.int64
    assert (sample['place'], sample['noisy'], sample['draw'], bool(sample['exposure'])) == (3, 1, 3, False)
    assert sample['time'].tolist() == [date.timestamp() for date in dataset.index.loc[3, ['earlier', 'later']]]
    assert sample['time'][0] < sample['time'][1]


def test_cells_show_the_texture_of_their_class_and_noise_its_own(root):
    dataset = VTSPairs(root, r_img=0.5, **SMALL)
    for number in range(len(dataset)):
        sample = dataset[number]
        clean, noisy = map(categories, sample['image'])
        changed = noisy == 2
        assert torch.equal(clean, sample['mask'][0])
        assert torch.equal(clean[~changed], noisy[~changed])
        assert sample['noise'] == changed.float().mean()
        assert all(len(torch.unique(clean_image)) == 2 for clean_image in sample['image'][0])
        assert torch.equal(sample['mask'][0], sample['mask'][1])


def test_keys_choose_dates_noise_and_flag():
    dataset = VTSPairs(r_img=0.5, **SMALL)
    clean, partner = dataset[2]['image']
    noise = dataset[2]['noise']
    expected = {
        PairKey(2, 0, 0, draw=9): (clean, clean, 0, 0),
        PairKey(2, 0, 1, draw=9): (clean, partner, noise, 1),
        PairKey(2, 1, 1, draw=9): (partner, partner, 0, 0),
        PairKey(2, 1, 1, exposure=True, draw=9): (partner, partner, 0, 0),
        PairKey(2, 0, 1, exposure=True, draw=9): (partner, partner, 0, 0),
    }
    for key, (first, second, share, flag) in expected.items():
        sample = dataset[key]
        assert torch.equal(sample['image'], torch.stack([first, second]))
        assert (sample['noise'], sample['noisy'], sample['draw']) == (share, flag, 9)
        assert bool(sample['exposure']) == key.exposure
        assert torch.equal(sample['mask'], dataset[2]['mask'])


@pytest.mark.filterwarnings('ignore:r_img is')
@settings(max_examples=25)
@given(levels=st.tuples(st.floats(0, 1), st.floats(0, 1)), number=st.integers(0, 7), seed=st.integers(0, 3))
def test_levels_of_noise_are_coupled(levels, number, seed):
    low, high = (VTSPairs(r_img=level, seed=seed, **SMALL) for level in sorted(levels))
    few, many = (dataset.mosaics.make(number, noise_cells=dataset.noise_cells) for dataset in (low, high))
    assert np.array_equal(few.image, many.image)
    assert np.array_equal(few.labels.clean, many.labels.clean)
    assert not (few.labels.in_noise & ~many.labels.in_noise).any()
    both = few.labels.in_noise
    assert np.array_equal(few.noisy_image[:, both], many.noisy_image[:, both])


@pytest.mark.filterwarnings('ignore:r_img is 0.33')
@pytest.mark.parametrize(('r_img', 'cells'), [(0.0, 0), (0.25, 5), (0.33, 7), (1.0, 20)])
def test_number_of_noise_cells_and_noise_in_the_index(r_img, cells):
    dataset = VTSPairs(size_px=32, cells=20, count=5, r_img=r_img)
    for number, row in dataset.index.iterrows():
        noisy = dataset.mosaics.make_labels(number, noise_cells=dataset.noise_cells).in_noise
        assert len(np.unique(dataset.mosaics.layout(number).cell_map(32)[noisy])) == cells
        assert row['noise'] == noisy.mean()
        assert dataset[number]['noise'] == np.float32(noisy.mean())
        assert row['noisy'] == dataset[number]['noisy'] == (r_img > 0)


@pytest.mark.parametrize(('r_img', 'cells'), [(0.25, 6), (0.33, 20)])
def test_noise_that_is_no_whole_number_of_cells_is_told(r_img, cells):
    rounded = round(r_img * cells)
    with pytest.warns(UserWarning, match=rf'rounded to {rounded} cells, an r_img of {rounded / cells:.3g}\. Choose'):
        VTSPairs(size_px=32, cells=cells, count=1, r_img=r_img)


def test_whole_numbers_of_cells_are_not():
    for cells, r_img in ((8, 0.25), (20, 0.3), (20, 0.15), (6, 0.5), (100, 0.29)):  # .29 * 100 is not 29. in floats
        VTSPairs(size_px=32, cells=cells, count=1, r_img=r_img)


@pytest.mark.parametrize(('exposure_labels', 'label'), [('noise_free', None), ('ignore', 255), ('true', 2)])
@pytest.mark.parametrize('in_memory', [False, True])
def test_labels_of_the_noise_cells_in_mere_exposure(exposure_labels, label, in_memory):
    dataset = VTSPairs(exposure_labels=exposure_labels, in_memory=in_memory, **SMALL)
    noisy = dataset[PairKey(2, 0, 1)]
    assert set(noisy['mask'].unique().tolist()) == {0, 1}  # of a noisy pair they are those without noise
    exposed = dataset[PairKey(2, 0, 1, exposure=True)]['mask']
    changed = noisy['change'] == 1
    assert 0 < changed.sum() < changed.numel()
    wanted = noisy['mask'] if label is None else noisy['mask'].masked_fill(changed, label)
    assert torch.equal(exposed, wanted)
    assert torch.equal(dataset[PairKey(2, 0, 1)]['mask'], noisy['mask'])  # nothing of it stays
    assert torch.equal(dataset[PairKey(2, 0, 0, exposure=True)]['mask'], noisy['mask'])  # which shows no noise


def test_unknown_labels_of_mere_exposure():
    with pytest.raises(ValueError, match=r"exposure_labels is 'none'; choose one of .*'ignore'"):
        VTSPairs(exposure_labels='none', **SMALL)


def test_full_noise_shows_nothing_else(root):
    sample = VTSPairs(root, r_img=1.0, **SMALL)[0]
    assert (categories(sample['image'][1]) == 2).all()
    assert sample['noise'] == 1


def test_pairs_of_both_strata_are_coupled():
    table = VTSPairs(**SMALL).pairs()
    assert table.clean.tolist() == [[i, 0, 0] for i in range(8)]
    assert table.noisy.tolist() == [[i, 0, 1] for i in range(8)]
    assert table.coupled
    assert table.count('unknown') == 0


def test_no_noisy_pairs_without_noise():
    dataset = VTSPairs(r_img=0, **SMALL)
    assert dataset.pairs().count('noisy') == 0
    assert dataset.pairs().count('clean') == 8
    assert same(dataset[1], dataset[PairKey(1, 0, 1, draw=1)])
    assert torch.equal(*dataset[1]['image'])


def test_min_noise_parts_the_strata():
    noise = VTSPairs(**SMALL).index['noise']
    dataset = VTSPairs(min_noise=float(noise.median()), **SMALL)
    assert dataset.pairs().noisy[:, 0].tolist() == noise.index[noise > noise.median()].tolist()
    assert [int(dataset[i]['noisy']) for i in range(8)] == dataset.index['noisy'].tolist()
    assert 0 < dataset.index['noisy'].sum() < 8


# The downstream task


def test_segmentation_sample(root):
    dataset = VTSSegmentation(root, **SMALL)
    for sample in map(dataset.__getitem__, range(8)):
        assert sample['image'].dtype == torch.float32
        assert sample['mask'].dtype == torch.int64
        assert torch.equal(categories(sample['image']), sample['mask'])
    assert dataset.classes == ('stratified', 'veined', 'matted')


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_half_of_the_images_have_half_of_their_cells_in_noise(split):
    dataset = VTSSegmentation(split=split, size_px=16, cells=6, count=200)
    noisy = np.array([bool((dataset[i]['mask'] == 2).any()) for i in range(200)])
    assert noisy.sum() == 100
    assert 30 < noisy[::2].sum() < 70  # a coin for each two
    labels = dataset.mosaics.make_labels(int(noisy.argmax()), noise_cells=3)
    assert np.array_equal(dataset[int(noisy.argmax())]['mask'], labels.true())


def test_literal_reading_trains_without_noise():
    sets = {split: VTSSegmentation(split=split, noise='evaluation', **SMALL) for split in ('train', 'val', 'test')}
    counts = {split: dataset.class_counts()[2] for split, dataset in sets.items()}
    assert counts['train'] == 0
    assert min(counts['val'], counts['test']) > 0
    assert sets['train'].num_classes == 3
    assert same(sets['val'][1], VTSSegmentation(split='val', **SMALL)[1])


@pytest.mark.parametrize('split', ['train', 'test'])
def test_task_of_two_classes(split, tmp_path):
    root = write_textures(tmp_path, categories=['stratified', 'veined'])
    dataset = VTSSegmentation(root, split=split, noise='none', **SMALL)
    assert dataset.classes == ('stratified', 'veined')
    assert dataset.num_classes == 2
    assert len(dataset.class_counts()) == 2
    assert max(int(dataset[i]['mask'].max()) for i in range(8)) == 1


def test_class_counts_read_no_texture(monkeypatch):
    dataset = VTSSegmentation(**SMALL)
    masks = torch.stack([dataset[i]['mask'] for i in range(8)])
    monkeypatch.setattr(dataset.mosaics.textures.source, 'picture', lambda *_: pytest.fail('a texture was read'))
    assert dataset.class_counts().tolist() == masks.flatten().bincount(minlength=3).tolist()
    assert dataset.class_counts().dtype == np.int64


def test_downstream_images_are_others_of_the_same_textures(root):
    pairs, task = VTSPairs(root, **SMALL), VTSSegmentation(root, **SMALL)
    assert not torch.equal(pairs[0]['mask'][0] == 1, task[0]['mask'] == 1)
    for mine, theirs in zip(pairs.mosaics.textures.numbers, task.mosaics.textures.numbers, strict=True):
        assert np.array_equal(mine, theirs)


# What both have in common


@BOTH
def test_images_are_a_function_of_seed_split_and_index(dataset_class):
    first, second = dataset_class(**SMALL), dataset_class(**{**SMALL, 'count': 5})
    order = (4, 0, 2)
    assert all(same(first[i], second[i]) for i in order)
    others = [dataset_class(seed=1, **SMALL)[0], dataset_class(split='val', **SMALL)[0], first[1]]
    assert not any(torch.equal(first[0]['mask'], other['mask']) for other in others)


@BOTH
def test_workers_make_the_same_images(dataset_class):
    dataset = dataset_class(**SMALL)
    batches = list(DataLoader(dataset, batch_size=4, num_workers=2))
    assert all(same({k: v[i % 4] for k, v in batches[i // 4].items()}, dataset[i]) for i in range(8))


@BOTH
def test_no_texture_image_is_in_two_splits(dataset_class, root):
    shades = []
    for split in ('train', 'val', 'test'):
        dataset = dataset_class(root, split=split, size_px=16, cells=4, count=60)
        shades.append(set(torch.cat([dataset[i]['image'].flatten() for i in range(60)]).unique().tolist()))
    sizes = [len(part) for part in shades]
    assert sizes == [15, 9, 6]  # 5, 3 and 2 images of each of three categories
    assert len(set.union(*shades)) == sum(sizes)


@BOTH
def test_split_of_textures_follows_its_own_seed_only(dataset_class):
    numbers = [
        dataset_class(seed=seed, split_seed=split_seed, **SMALL).mosaics.textures.numbers[0].tolist()
        for seed, split_seed in ((0, 0), (1, 0), (0, 1))
    ]
    assert numbers[0] == numbers[1]
    assert numbers[0] != numbers[2]


@BOTH
def test_default_sizes_are_the_papers(dataset_class):
    assert [len(dataset_class(split=split)) for split in ('train', 'val', 'test')] == [6000, 3600, 2400]
    dataset = dataset_class()
    assert dataset[0]['image'].shape[-3:] == (3, 256, 256)
    assert len(np.unique(dataset.mosaics.layout(0).cell_map(256))) == 20
    assert len(dataset_class(count=7)) == 7


@BOTH
def test_categories_by_parameter(dataset_class, root):
    swapped = dataset_class(root, categories=('matted', 'stratified'), noise_category='veined', **SMALL)
    plain = dataset_class(root, **SMALL)
    order = torch.tensor([2, 0, 1])
    for i in range(4):
        ours, theirs = (dataset[i]['image'].reshape(-1, 3, 32, 32)[-1] for dataset in (swapped, plain))
        assert torch.equal(categories(ours), order[categories(theirs)])


@BOTH
def test_transforms_are_applied(dataset_class):
    dataset = dataset_class(transforms=lambda sample: {**sample, 'seen': torch.tensor(1)}, **SMALL)
    assert dataset[0]['seen'] == 1


@BOTH
def test_in_memory_is_the_same_in_shared_tensors_with_bytes_stated(dataset_class, capsys, monkeypatch):
    lazy, stored = dataset_class(**SMALL), dataset_class(in_memory=True, **SMALL)
    assert re.search(r'VTS (pairs|segmentation), train, 0 MB in memory: ', capsys.readouterr().err)
    assert all(stack.is_shared() for stack in stored._rows)
    monkeypatch.setattr(stored, '_make', lambda _: pytest.fail('made again'))
    assert all(same(lazy[i], stored[i]) for i in range(8))
    if dataset_class is VTSPairs:
        assert stored.index.equals(lazy.index)


def test_too_little_shared_memory_says_how_much_is_needed(monkeypatch):
    def refuse(self):
        raise RuntimeError('unable to allocate shared memory')

    monkeypatch.setattr(torch.Tensor, 'share_memory_', refuse)
    with pytest.raises(MemoryError, match=r'VTS pairs, train takes 0 MB of shared memory.*in_memory=False'):
        VTSPairs(in_memory=True, **SMALL)


def test_megabytes():
    assert shared_memory._megabytes(172_032_000) == '172 MB'


@BOTH
def test_plot_draws_prediction_titles_and_suptitle(dataset_class):
    dataset = dataset_class(**SMALL)
    sample = dataset[0]
    plain = len(dataset.plot(sample, show_titles=False).axes)
    sample['prediction'] = torch.zeros(32, 32, dtype=torch.int64)
    figure = dataset.plot(sample, suptitle='all')
    assert len(figure.axes) == plain + 1
    assert figure.axes[-1].get_title() == 'Prediction'
    assert figure.get_suptitle() == 'all'
    assert not any(axis.get_title() for axis in dataset.plot(sample, show_titles=False).axes)
    plt.close('all')


def test_plot_of_a_pair_states_the_noise():
    dataset = VTSPairs(**SMALL)
    titles = [axis.get_title() for axis in dataset.plot(dataset[0]).axes]
    assert titles == ['Earlier image', f'Later image, noise {float(dataset[0]["noise"]):.2f}', 'Mask']
    assert outlined(dataset.plot(dataset[0]).axes[0]) == outlined(dataset.plot(dataset[0]).axes[1]) != []
    exposed = dataset.plot(dataset[PairKey(0, 0, 1, exposure=True)])
    assert outlined(exposed.axes[1]) == []
    assert exposed.axes[1].get_title() == 'Later image twice'
    plt.close('all')


@BOTH
def test_textures_of_a_folder_shrink_with_the_image(dataset_class, tmp_path):
    """Stripes 16 px wide are 2 px wide at an eighth, and a picture of 256 px is seen whole."""
    stripes = np.repeat(np.tile([0, 255], 8), 16).astype(np.uint8)
    for category in ('stratified', 'veined', 'matted'):
        (tmp_path / 'images' / category).mkdir(parents=True)
        for number in range(4):
            picture = Image.fromarray(np.broadcast_to(stripes[None, :, None], (256, 256, 3)).copy())
            picture.save(tmp_path / 'images' / category / f'{number}.jpg', quality=95)
    rows = {
        shrink: dataset_class(tmp_path, shrink_textures=shrink, **SMALL)[0]['image'].reshape(-1, 3, 32, 32)[0, 0, 5]
        for shrink in (False, True)
    }
    edges = {shrink: int(((row[1:] > 128) != (row[:-1] > 128)).sum()) for shrink, row in rows.items()}
    assert edges[True] == 15
    assert edges[False] < 8  # stripes of 16 px, and the borders of cells
    assert torch.equal(rows[True] > 128, torch.from_numpy(stripes[4::8] > 128))


@BOTH
def test_pictures_of_a_folder_keep_their_colours(dataset_class, tmp_path):
    root = write_textures(tmp_path)
    with pytest.raises(ValueError, match=r'texture_colors=True is for the embedded textures'):
        dataset_class(root, texture_colors=True, **SMALL)


@BOTH
def test_shrunk_textures_that_are_too_small(dataset_class, tmp_path):
    root = write_textures(tmp_path)
    with pytest.raises(ValueError, match=r'when shrunk to 0\.125 of its side\. Leave `shrink_textures` out'):
        dataset_class(root, shrink_textures=True, **SMALL)


@BOTH
def test_embedded_textures_are_grey_unless_they_are_to_have_colours(dataset_class):
    grey, coloured = (dataset_class(texture_colors=colors, **SMALL)[0] for colors in (False, True))
    assert float(grey['image'].float().std(dim=-3).max()) == 0
    assert float(coloured['image'].float().std(dim=-3).max()) > 5
    assert torch.equal(grey['mask'], coloured['mask'])  # colours change nothing else


# Bad input


@BOTH
@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'cells': 5}, 'cells is 5; .*even number, such as 6'),
        ({'cells': 0}, 'cells is 0; .*even number'),
        ({'cells': 1026}, 'cells is 1026, more than the 1024 pixels'),
        ({'split': 'valid'}, "split is 'valid'; choose one of"),
        ({'count': 0}, 'count is 0; .*at least one image'),
        ({'size_px': 1}, 'size_px is 1; '),
        ({'seed': -1}, '^seed is -1; use 0 or more'),
        ({'split_seed': -1}, 'split_seed is -1; use 0 or more'),
        ({'categories': ('layered', 'layered')}, r"\('layered', 'layered', 'matted'\) repeat one"),
        ({'noise_category': 'banded'}, "no embedded texture category 'banded'"),
        ({'download': True}, 'download=True needs `root`'),
        ({'shrink_textures': True}, 'shrinks the pictures of `root`, and there is none'),
    ],
)
def test_bad_arguments(dataset_class, arguments, message):
    with pytest.raises(ValueError, match=message):
        dataset_class(**{**SMALL, **arguments})


@pytest.mark.parametrize('name', ['r_img', 'min_noise'])
@pytest.mark.parametrize('value', [-0.1, 1.1, float('nan')])
def test_rates_outside_their_range(name, value):
    with pytest.raises(ValueError, match=rf'{name} is {value}; .*must lie in \[0, 1\]'):
        VTSPairs(**SMALL, **{name: value})


def test_unknown_noise_of_the_task():
    with pytest.raises(ValueError, match=r"noise is 'all'; choose one of .*'evaluation'"):
        VTSSegmentation(noise='all', **SMALL)


@BOTH
@pytest.mark.parametrize('number', [-9, 8])
def test_index_out_of_range(dataset_class, number):
    with pytest.raises(IndexError, match=f'There is no sample {number} in .*: its 8 are numbered from 0 to 7'):
        dataset_class(**SMALL)[number]


@pytest.mark.parametrize('dates', [(1, 0), (0, 2), (-1, 0)])
def test_dates_out_of_range(dates):
    with pytest.raises(IndexError, match='no pair of dates'):
        VTSPairs(**SMALL)[PairKey(0, *dates)]


@BOTH
def test_root_without_textures(dataset_class, tmp_path):
    with pytest.raises(DatasetNotFoundError, match=f'{re.escape(str(tmp_path))}.*download=True'):
        dataset_class(tmp_path, **SMALL)


@BOTH
def test_download_where_there_is_nothing(dataset_class, tmp_path, monkeypatch):
    archive_dtd(tmp_path / 'root', write_textures(tmp_path / 'made'))
    monkeypatch.setattr(torchvision.datasets.dtd.DTD, '_MD5', None)
    assert len(dataset_class(tmp_path / 'root', download=True, **SMALL)) == 8


@BOTH
def test_bad_textures_are_named(dataset_class, root, tmp_path):
    with pytest.raises(ValueError, match=r'_0000\.jpg has 48 x 40 pixels .*41 x 41'):
        dataset_class(root, **{**SMALL, 'size_px': 41})
    with pytest.raises(ValueError, match="no texture category 'banded'"):
        dataset_class(root, categories=('banded', 'veined'), **SMALL)
    write_textures(tmp_path, size_px=(300, 300))
    for file in tmp_path.glob('images/veined/*.jpg'):
        truncate(file)
    with pytest.raises(ValueError, match=r'veined_\d{4}\.jpg cannot be read: .*truncated'):
        dataset_class(tmp_path, **SMALL)[0]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason='the real textures are not at ../shared/data/dtd')
@BOTH
def test_real_textures(dataset_class):
    dataset = dataset_class(
        SHARED, split='test', count=4, categories=('banded', 'cracked'), noise_category='cobwebbed', in_memory=True
    )
    assert dataset[0]['image'].shape[-2:] == (256, 256)
    assert [len(numbers) for numbers in dataset.mosaics.textures.numbers] == [24, 24, 24]
    assert dataset[0]['image'].std() > 5
