"""The 25 real pairs of xBD, where they are."""

import json
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import shapely
from PIL import Image

from geo_noisy.datasets import XBDPairs, XBDSegmentation
from geo_noisy.datasets.xbd.files import find_pairs
from geo_noisy.datasets.xbd.geo import apply_affine, corner_pairs, fit_label, residuals_m
from geo_noisy.datasets.xbd.labels import CODES, read_label
from tests.data.xbd import SHARED

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason='the real xBD pairs are not at ../shared/data/xbd'),
]

DAMAGED = ('minor-damage', 'major-damage', 'destroyed')
FOLDERS = ('train', 'test')


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp('cache')


@pytest.fixture(scope='module')
def tiles(cache):
    """Index of all 100 tiles."""
    parts = [
        XBDPairs(SHARED, split=split, folders=['train'], cache_dir=cache, progress=False).index
        for split in ('train', 'val', 'test')
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope='module')
def labels():
    """Documents of the post labels by image, as the files hold them."""
    paths = [path for folder in FOLDERS for path in sorted((SHARED / folder / 'labels').glob('*_post_disaster.json'))]
    return {path.stem.removesuffix('_post_disaster'): json.loads(path.read_text()) for path in paths}


def column(subtype):
    return f'buildings_{subtype.replace("-", "_")}'


def test_there_are_100_tiles_of_25_images(tiles):
    assert len(tiles) == 100
    assert tiles['image'].nunique() == 25
    assert tiles['disaster'].drop_duplicates().size == 4


def test_building_counts_equal_the_labels(tiles, labels):
    counted = tiles.groupby('image')[[column(subtype) for subtype in CODES]].sum()
    for image, document in labels.items():
        kinds = Counter(entry['properties']['subtype'] for entry in document['features']['xy'])
        assert counted.loc[image].tolist() == [kinds[subtype] for subtype in CODES], image


def test_flags_equal_a_computation_with_shapely(tiles, labels):
    """Damaged pixels by testing pixel centres against the union of the damaged polygons."""
    for image, document in labels.items():
        outlines = shapely.from_wkt(
            [entry['wkt'] for entry in document['features']['xy'] if entry['properties']['subtype'] in DAMAGED]
        )
        union = shapely.union_all(outlines)
        shapely.prepare(union)
        for tile in tiles[tiles['image'] == image].to_dict('records'):
            cols, rows = np.meshgrid(tile['col_px'] + np.arange(512) + 0.5, tile['row_px'] + np.arange(512) + 0.5)
            pixels = shapely.contains_xy(union, cols, rows).sum()
            assert tile['noisy'] == (pixels > 0), (image, tile['tile'])
            assert tile['noise'] * 512**2 == pytest.approx(pixels, abs=2), (image, tile['tile'])


def test_counts_against_the_published_solution(tiles):
    """Buildings are equal, but un-classified ones count as not damaged there; pixels differ by how edges are drawn."""
    table = pd.read_csv(SHARED / 'train_tier3_building_counts.csv')
    table = table[table['event_type'] == 'post']
    table = table.set_index(table['image_id'].str.removesuffix('_post_disaster'))
    train = tiles[(tiles['folder'] == 'train') & tiles['image'].isin(table.index)].groupby('image')
    if not len(train):
        pytest.skip('none of the images at hand is in the table: they are from the test or hold set')
    theirs = table.loc[sorted(train.groups)]
    damaged = {'light_damaged': 'minor_damage', 'medium_damaged': 'major_damage', 'destroyed': 'destroyed'}
    for there, here in damaged.items():
        assert theirs[f'{there}_buildings'].tolist() == train[f'buildings_{here}'].sum().tolist()
    whole = train['buildings_no_damage'].sum() + train['buildings_un_classified'].sum()
    assert theirs['non_damaged_buildings'].tolist() == whole.tolist()
    pixels = train[['pixels_no_damage', 'pixels_minor_damage', 'pixels_major_damage', 'pixels_destroyed']].sum().sum()
    drawn = theirs[['non_damaged_pixels', 'light_damaged_pixels', 'medium_damaged_pixels', 'destroyed_pixels']].sum()
    assert pixels.sum() == pytest.approx(drawn.sum(), rel=0.1)


def test_pixels_equal_the_areas_of_the_polygons(tiles, labels):
    counted = tiles.groupby('image')[[f'pixels_{subtype.replace("-", "_")}' for subtype in CODES]].sum().sum(axis=1)
    for image, document in labels.items():
        area = shapely.union_all(shapely.from_wkt([entry['wkt'] for entry in document['features']['xy']])).area
        assert counted[image] == pytest.approx(area, rel=0.01, abs=5), image


def test_affines_fit_to_a_centimetre_and_go_there_and_back():
    pairs, problems = find_pairs([SHARED], FOLDERS)
    assert not problems
    fitted = 0
    for files in pairs:
        for path, post in ((files.label_pre, False), (files.label_post, True)):
            label = read_label(path, post=post)
            fit = fit_label(label)
            if not len(label):
                assert fit is None
                continue
            fitted += 1
            pixels, world = corner_pairs(label)
            assert len(pixels) == shapely.get_num_coordinates(label.polygons).sum()
            assert residuals_m(fit.affine, pixels, world).max() < 0.02, path
            np.testing.assert_allclose(apply_affine(~fit.affine, world), pixels, atol=0.05)
    assert fitted == 46  # two of the 25 pairs have no building


def test_tiles_of_both_dates_lie_over_each_other(tiles):
    placed = tiles[tiles.geometry.notna()]
    assert len(placed) == 92
    pre, post = (np.stack(placed[f'affine_{date}'].to_list()) for date in ('pre', 'post'))
    shift_deg = np.abs(pre[:, [2, 5]] - post[:, [2, 5]]).max()
    assert shift_deg * 111_320 < 5


def test_plots(cache):
    pairs = XBDPairs(SHARED, split='test', cache_dir=cache, progress=False)
    figure = pairs.plot(pairs[int(pairs.index['noise'].argmax())])
    assert len(figure.axes) == 3
    plt.close(figure)
    segmentation = XBDSegmentation(SHARED, split='test', cache_dir=cache, progress=False)
    plt.close(segmentation.plot(segmentation[0]))


def test_images_are_those_of_the_files(cache):
    pairs = XBDPairs(SHARED, split='val', folders=['train'], cache_dir=cache, progress=False)
    row = 3
    place = pairs.index.iloc[row]
    with Image.open(place['path_post']) as image:
        window = image.crop((place['col_px'], place['row_px'], place['col_px'] + 512, place['row_px'] + 512))
    np.testing.assert_array_equal(pairs[row]['image'][1].permute(1, 2, 0).numpy(), np.asarray(window))


@pytest.mark.skipif(not (SHARED / 'train' / 'targets').is_dir(), reason='the official target PNGs are not there')
def test_masks_against_the_official_targets(cache):
    segmentation = XBDSegmentation(
        SHARED, split='train', folders=['train'], tile_px=1024, cache_dir=cache, progress=False
    )
    for row in range(len(segmentation)):
        path = SHARED / 'train' / 'targets' / f'{segmentation.index["image"].iloc[row]}_post_disaster_target.png'
        with Image.open(path) as image:
            target = np.asarray(image)
        mask = segmentation[row]['mask'].numpy()
        assert (mask[mask != 255] == target[mask != 255]).mean() > 0.99
