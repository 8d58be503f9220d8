from pathlib import Path

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pytest
import rasterio
from rasterio import Affine

from geo_noisy.datasets import XBDPairs, XBDSegmentation
from geo_noisy.datasets.xbd.geo import apply_affine, fit_affine, fit_label, moved_origin
from geo_noisy.datasets.xbd.labels import read_label
from geo_noisy.pairs import PairKey
from geo_noisy.regions import build_index, scan_rasters
from tests.data.xbd import BUILDINGS, DEGREES_PER_PX, ORIGIN, edit_label, image_pixels, paths, write_pair

TRUTH = Affine(5e-6, 2e-8, -90.0, -1e-8, -4e-6, 14.0)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('xbd')
    write_pair(root, 'alpha-flood', 0, folder='test')
    write_pair(root, 'alpha-flood', 1, (), folder='test')
    return root


@pytest.fixture(scope='module')
def pairs(root, tmp_path_factory):
    return XBDPairs(root, split='test', cache_dir=tmp_path_factory.mktemp('cache'), progress=False)


def corners(count, seed=0):
    return np.random.default_rng(seed).uniform(0, 1024, (count, 2))


def test_exact_corners_give_the_affine_back():
    pixels = corners(20)
    fit = fit_affine(pixels, apply_affine(TRUTH, pixels))
    np.testing.assert_allclose(fit.affine[:6], TRUTH[:6], rtol=1e-6)
    assert fit.largest_m < 1e-6
    assert fit.corners == 20


def test_a_few_slips_do_not_pull_the_affine():
    pixels = corners(40)
    world = apply_affine(TRUTH, pixels)
    world[:8] += 2e-3  # 200 m off
    fit = fit_affine(pixels, world)
    grid = corners(50, seed=1)
    assert np.abs(apply_affine(fit.affine, grid) - apply_affine(TRUTH, grid)).max() < 1e-8  # about a millimetre
    assert fit.median_m < 1e-3
    assert fit.largest_m > 100


@pytest.mark.parametrize('pixels', [np.empty((0, 2)), np.eye(2), np.arange(10.0)[:, None] * [[10.0, 20.0]]])
def test_corners_on_a_line_are_refused(pixels):
    with pytest.raises(ValueError, match='do not span a plane'):
        fit_affine(pixels, pixels)


def test_residual_is_in_metres():
    pixels = np.array([(0, 0), (1000, 0), (0, 1000), (1000, 1000)], dtype=float)
    world = apply_affine(Affine(1e-5, 0, 0, 0, 1e-5, 0), pixels)
    world[3, 1] += 1e-3  # on the equator a thousandth of a degree of latitude is 110.57 m
    fit = fit_affine(pixels, world)
    assert 0.2 * 110.57 < fit.largest_m <= 110.58


def test_window_keeps_the_scale():
    moved = moved_origin(TRUTH, row_px=512, col_px=256)
    np.testing.assert_allclose(apply_affine(moved, np.zeros((1, 2))), apply_affine(TRUTH, np.array([[256.0, 512.0]])))
    assert (moved.a, moved.b, moved.d, moved.e) == (TRUTH.a, TRUTH.b, TRUTH.d, TRUTH.e)


def test_label_without_buildings_has_no_affine(root):
    label = read_label(paths(root, 'alpha-flood', 1, 'post', folder='test')[1], post=True)
    assert fit_label(label) is None


def test_index_places_the_tiles(pairs):
    index = pairs.index
    assert index.crs == 'EPSG:4326'
    assert index.geometry.isna().tolist() == [False] * 4 + [True] * 4
    west, south, east, north = index.geometry[3].bounds
    x, y = DEGREES_PER_PX
    expected = (ORIGIN['post'][0] + 512 * x, ORIGIN['post'][1] + 1024 * y)
    assert (west, south) == pytest.approx(expected, abs=1e-10)
    assert (east - west, north - south) == pytest.approx((512 * x, -512 * y))
    assert index['residual_post_m'].iloc[0] < 1e-3
    assert np.isnan(index['residual_pre_m'].iloc[4])


def test_an_image_takes_its_place_from_its_partner(tmp_path):
    write_pair(tmp_path, 'alpha-flood', 0, folder='test')
    edit_label(
        paths(tmp_path, 'alpha-flood', 0, 'post', folder='test')[1],
        lambda document: document['features'].pop('lng_lat'),
    )
    index = XBDPairs(tmp_path, split='test', cache_dir=tmp_path / 'cache', progress=False).index
    assert index['affine_post'].iloc[0] == pytest.approx(index['affine_pre'].iloc[0])
    assert np.isnan(index['residual_post_m'].iloc[0])
    assert index.geometry.notna().all()


def test_geotiffs_hold_the_tiles_at_their_place(pairs, tmp_path):
    written = pairs.write_geotiffs(tmp_path)
    assert len(written) == 8  # four tiles, two dates; the image without buildings has no place
    with rasterio.open(tmp_path / 'alpha-flood_00000000_3_20171011T191941.tif') as file:
        np.testing.assert_array_equal(file.read(), image_pixels(0, 'post')[512:, 512:].transpose(2, 0, 1))
        assert file.crs == 'EPSG:4326'
        corner = np.array(ORIGIN['post']) + 512 * np.array(DEGREES_PER_PX)
        assert (file.transform.c, file.transform.f) == pytest.approx(tuple(corner), abs=1e-10)
    assert not list(tmp_path.glob('.*'))


def test_images_north_up_serve_an_index(pairs, tmp_path):
    written = pairs.write_geotiffs(tmp_path, north_up=True)
    assert [Path(path).name for path in written] == [
        f'alpha-flood_00000000_{time}.tif' for time in ('20170621T190901', '20171011T191941')
    ]
    with rasterio.open(written[0]) as before, rasterio.open(written[1]) as after:
        assert before.crs == after.crs == pairs.index.estimate_utm_crs()
        assert (before.transform, before.shape) == (after.transform, after.shape)
        assert before.transform.b == before.transform.d == 0
        assert 0.9 < before.dataset_mask().mean() / 255 < 1  # corners lie outside of the image
    index = build_index(scan_rasters([str(tmp_path)]), size_px=256)
    assert len(index) > 0
    assert set(np.diff(index.offsets)) == {2}


def test_polygons_hold_the_buildings(pairs, tmp_path):
    assert pairs.write_polygons(tmp_path / 'buildings.parquet') == 8
    table = gpd.read_parquet(tmp_path / 'buildings.parquet')
    post = table[table['date'] == 'post']
    assert post['damage'].tolist() == [building.subtype for building in BUILDINGS]
    assert post['damaged'].tolist() == [True, True, False, False]
    assert not table.loc[table['date'] == 'pre', 'damaged'].any()
    expected = BUILDINGS[0].corners * DEGREES_PER_PX + ORIGIN['post']
    np.testing.assert_allclose(post.geometry.iloc[0].exterior.coords, expected)


def test_plot_of_a_pair(pairs):
    figure = pairs.plot(pairs[0])
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ['pre, 21 Jun 2017', 'post, 11 Oct 2017', 'Place in the post image']
    assert [len(axis.collections[0].get_segments()) for axis in figure.axes[:2]] == [2, 2]
    assert figure.get_suptitle() == 'alpha-flood_00000000, tile 0, 13.9990° N 89.9987° W: noise 0.92 %'
    plt.close(figure)


def test_plot_options(pairs):
    figure = pairs.plot(pairs[PairKey(4, 0, 1, exposure=True)], show_titles=False, suptitle='Mine')
    assert [axis.get_title() for axis in figure.axes] == ['', '', '']
    assert figure.get_suptitle() == 'Mine'
    plt.close(figure)
    figure = pairs.plot(pairs[PairKey(4, 0, 1, exposure=True)])
    assert figure.axes[0].get_title().startswith('post')
    assert figure.get_suptitle() == 'alpha-flood_00000001, tile 0: mere exposure'
    plt.close(figure)


def test_plot_of_segmentation(root, tmp_path):
    dataset = XBDSegmentation(root, split='test', cache_dir=tmp_path, progress=False)
    sample = dataset[0]
    figure = dataset.plot(sample)
    assert [axis.get_title() for axis in figure.axes] == ['Image', 'Mask']
    plt.close(figure)
    figure = dataset.plot(sample | {'prediction': sample['mask']}, suptitle='Mine')
    assert [axis.get_title() for axis in figure.axes] == ['Image', 'Mask', 'Prediction']
    np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), figure.axes[2].images[0].get_array())
    plt.close(figure)
    figure = dataset.plot(sample, show_titles=False)
    assert {axis.get_title() for axis in figure.axes} == {''}
    plt.close(figure)
