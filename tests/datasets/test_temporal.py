import pickle
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from matplotlib.figure import Figure
from pyproj import CRS
from scipy.ndimage import gaussian_filter, shift
from shapely import box
from torch.utils.data import DataLoader
from torchgeo.datasets import RasterDataset
from torchgeo.samplers import GriddedPatchSampler

from geo_noisy.datasets import TemporalPairs, scan_dataset
from geo_noisy.datasets.vts.scenes import write_scenes
from geo_noisy.pairs import Limits, PairKey, PairPolicy, build_index, change_polygons, scan_rasters
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.file_scan import scan_captures
from geo_noisy.regions.files.opening import open_raster
from geo_noisy.regions.windows.reader import UnreadableFileError, WindowReader
from geo_noisy.samplers import PairSampler, select_patches
from tests.data.figures import outlined
from tests.data.regions import SHARED, polygons, square, write_raster, write_series

DATES = ('20200101', '20210101', '20220101')


@pytest.fixture
def series(tmp_path):
    """Four windows of 32 px, three dates, an event in the first."""
    index = build_index(scan_rasters([write_series(tmp_path / 'images', DATES)]), size_px=32)
    return index.with_noise(change_polygons(polygons(square(0, 0, 16)), event_date='2020-06-01'))


def smooth_ground(size_px=120):
    """Ground without detail finer than a few pixels, so that shifts can be measured to a fraction of one."""
    noise = np.random.default_rng(0).standard_normal((size_px, size_px))
    return gaussian_filter(noise, 2.5) * 1000


def measured_shift(first, second):
    """Shift (rows, columns) between two pictures by least squares on the gradient."""
    rows, cols = np.gradient(first)
    inner = (slice(6, -6), slice(6, -6))
    columns = np.column_stack([rows[inner].ravel(), cols[inner].ravel()])
    return np.linalg.lstsq(columns, (second - first)[inner].ravel(), rcond=None)[0]


def test_a_sample_keeps_the_pair_contract(series):
    sample = TemporalPairs(series)[PairKey(0, 0, 2, draw=7)]
    assert sample['image'].shape == (2, 2, 32, 32)
    assert {key: (tuple(value.shape), value.dtype) for key, value in sample.items() if key != 'image'} == {
        'valid': ((2, 32, 32), torch.bool),
        'change': ((32, 32), torch.uint8),
        'noise': ((), torch.float32),
        'noisy': ((), torch.int8),
        'exposure': ((), torch.bool),
        'place': ((), torch.int64),
        'time': ((2,), torch.int64),
        'draw': ((), torch.int64),
    }
    assert (float(sample['noise']), int(sample['noisy'])) == (0.25, 1)
    assert sample['time'].tolist() == [1577836800, 1640995200]


def test_pixels_are_those_of_the_files(series):
    dataset = TemporalPairs(series)
    for location in range(4):
        sample = dataset[PairKey(location, 0, 1)]
        for date in range(2):
            with rasterio.open(series.files['paths'][date][0]) as file:
                row, col = series.locations.row[location], series.locations.col[location]
                expected = file.read()[:, row : row + 32, col : col + 32]
            assert np.array_equal(sample['image'][date].numpy(), expected)


def test_mere_exposure_gives_the_later_image_twice(series):
    sample = TemporalPairs(series)[PairKey(0, 0, 2, exposure=True)]
    assert torch.equal(sample['image'][0], sample['image'][1])
    assert float(sample['noise']) == int(sample['noisy']) == 0  # of what is shown
    assert sample['time'][0] == sample['time'][1] == 1640995200


def test_bands_are_chosen_in_order(series):
    whole, swapped = TemporalPairs(series)[0]['image'], TemporalPairs(series, bands=[2, 1])[0]['image']
    assert torch.equal(whole[:, [1, 0]], swapped)
    with pytest.raises(ValueError, match='the files have bands 1 to 2'):
        TemporalPairs(series, bands=[3])


def test_places_are_the_locations_of_samples(tmp_path):
    index = build_index(scan_rasters([write_series(tmp_path / 'a')]), size_px=16, stride_px=8, place_px=32)
    dataset = TemporalPairs(index.select(locations=np.arange(5, len(index))))
    assert [int(dataset[row]['place']) for row in range(len(dataset))] == index.locations.place[5:].tolist()


@pytest.mark.parametrize('fill', [0.0, -1.0, 'mean'])
def test_pixels_without_data_are_marked_and_filled(tmp_path, fill):
    pixels = np.full((2, 32, 32), 7, dtype=np.uint8)
    pixels[:, 0, :5] = 0
    pixels[0, 9, 9] = 0  # one band has data
    folder = write_series(tmp_path / 'a', DATES[:2], pixels=pixels, nodata=0)
    index = build_index(scan_rasters([folder]), size_px=32).with_statistics()
    sample = TemporalPairs(index, fill=fill)[0]
    assert (~sample['valid']).sum() == 10
    expected = torch.tensor(index.statistics.mean if fill == 'mean' else [fill, fill])
    assert torch.allclose(sample['image'][0, :, 0, 0], expected.float())
    assert sample['image'][0, 0, 9, 9] == 0
    bare = TemporalPairs(build_index(scan_rasters([folder]), size_px=32))[0]['image']  # measured where there are none
    assert torch.equal(bare, TemporalPairs(index)[0]['image'])


def test_pixels_that_are_not_a_number_are_filled(tmp_path):
    pixels = np.ones((1, 32, 32), dtype=np.float32)
    pixels[0, 3, 4] = np.nan
    index = build_index(scan_rasters([write_series(tmp_path / 'a', DATES[:2], pixels=pixels)]), size_px=32)
    sample = TemporalPairs(index)[0]
    assert sample['image'].isfinite().all()
    assert (~sample['valid']).sum() == 2


@pytest.mark.parametrize('offset', [(0.3, -0.4), (0.5, 0.5), (-1.45, 2.2)])
def test_alignment_is_half_a_pixel_snapped_and_a_twentieth_resampled(tmp_path, offset):
    """The same ground, seen by files whose grids differ by a known offset."""
    ground = smooth_ground()
    first = ground[20:100, 20:100].astype(np.float32)
    moved = shift(ground, (-offset[1], -offset[0]), order=5, mode='nearest')[20:100, 20:100].astype(np.float32)
    write_raster(tmp_path / 'a_20200101.tif', first[None])
    write_raster(tmp_path / 'b_20210101.tif', moved[None], offset_px=offset)
    index = build_index(scan_rasters([tmp_path]), size_px=32)
    for align, limit in (('snap', 0.54), ('resample', 0.05)):  # the measurement is off by 0.04 over half a pixel
        dataset = TemporalPairs(index, align=align)
        for location in range(len(index)):
            image = dataset[location]['image'][:, 0].double().numpy()
            found = np.abs(measured_shift(image[0], image[1]))
            assert found.max() <= limit
            if align == 'snap':
                expected = np.abs(np.array(offset) - np.round(offset))[::-1]
                assert found == pytest.approx(expected, abs=0.06)


def test_other_resolutions_and_crs_land_on_the_grid(tmp_path):
    ground = smooth_ground(160).astype(np.float32)
    write_raster(tmp_path / 'a_20200101.tif', ground[None])
    write_raster(tmp_path / 'b_20210101.tif', ground[None])
    coarse = ground.reshape(80, 2, 80, 2).mean(axis=(1, 3))
    write_raster(tmp_path / 'c_20220101.tif', coarse[None], res=20)
    index = build_index(scan_rasters([tmp_path]), size_px=64)
    image = TemporalPairs(index)[PairKey(0, 0, 2)]['image'][:, 0].numpy()
    assert np.abs(measured_shift(image[0], image[1])).max() < 0.1
    assert np.corrcoef(image[0].ravel(), image[1].ravel())[0, 1] > 0.98


def test_bands_in_files_of_their_own_may_have_other_resolutions(tmp_path):
    captures = []
    for date in range(2):
        fine = write_raster(tmp_path / f'B02_{date}.tif', bands=1, seed=date)
        coarse = write_raster(tmp_path / f'B11_{date}.tif', bands=1, size_px=32, res=20, seed=date)
        captures.append(Capture((str(fine), str(coarse)), time=date * 86_400))
    sample = TemporalPairs(build_index(scan_captures(captures), size_px=32))[0]
    assert sample['image'].shape == (2, 2, 32, 32)
    with rasterio.open(tmp_path / 'B02_0.tif') as file:
        assert np.array_equal(sample['image'][0, 0].numpy(), file.read(1)[:32, :32])


def test_bands_of_one_resolution_need_not_have_one_corner(tmp_path):
    ground = smooth_ground(80).astype(np.float32)
    captures = []
    for date in range(2):
        whole = write_raster(tmp_path / f'B02_{date}.tif', ground[None, :64, :64])
        moved = write_raster(tmp_path / f'B03_{date}.tif', ground[None, 1:65, :64], offset_px=(0, 1))
        captures.append(Capture((str(whole), str(moved)), time=date * 86_400))
    index = build_index(scan_captures(captures), size_px=32, limits=Limits(footprint='bounds'))
    image = TemporalPairs(index)[len(index) - 1]['image'][0]
    assert torch.equal(image[0], image[1])


def test_one_handle_stays_open_for_each_file(series, monkeypatch):
    opened = []
    real = open_raster

    def remember(path):
        opened.append(real(path))
        return opened[-1]

    monkeypatch.setattr('geo_noisy.regions.windows.opened.open_raster', remember)
    dataset = TemporalPairs(series)
    for location in range(4):
        dataset[PairKey(location, 0, 1)]
    assert len(opened) == 2
    few = TemporalPairs(series, max_open=1)
    for location in range(4):
        few[PairKey(location, 0, 1)]
    assert len(opened) == 2 + 8
    assert sum(not file.closed for file in opened) == 2 + 1
    with pytest.raises(ValueError, match='max_open is 0'):
        WindowReader(max_open=0)


def test_handles_stay_behind_when_a_data_set_travels(series):
    dataset = TemporalPairs(series)
    first = dataset[0]['image']
    again = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(again[0]['image'], first)


def broken(series, date=0):
    """Cut a file in half, as a download that stopped."""
    path = series.files['paths'][date][0]
    with open(path, 'r+b') as file:
        file.truncate(3000)
    return path


def test_unreadable_files_stop_a_run_by_default(series):
    path = broken(series)
    with pytest.raises(UnreadableFileError, match=path):
        TemporalPairs(series)[PairKey(0, 0, 1)]


def test_unreadable_files_are_skipped_and_counted_on_request(series):
    broken(series, date=2)
    dataset = TemporalPairs(series, on_error='skip')
    sample = dataset[PairKey(0, 0, 2, draw=3)]
    assert dataset.skipped >= 1
    assert int(sample['noisy']) == 1 == series.pair_noisy(0, 0, 2)  # another pair of the same stratum
    again = TemporalPairs(series, on_error='skip')
    assert torch.equal(again[PairKey(0, 0, 2, draw=3)]['image'], sample['image'])


def test_skips_are_counted_over_workers(series):
    broken(series)
    dataset = TemporalPairs(series, on_error='skip')
    sampler = PairSampler(series, policy=PairPolicy(rate=0.0))
    list(DataLoader(dataset, sampler=sampler, batch_size=2, num_workers=2))
    assert dataset.skipped > 0


def test_if_nothing_can_be_read_a_run_stops_after_all(series):
    for date in range(3):
        broken(series, date)
    with pytest.raises(UnreadableFileError, match='cannot be read'):
        TemporalPairs(series, on_error='skip')[0]


def test_files_that_moved_are_told(series):
    Path(series.files['paths'][0][0]).unlink()
    with pytest.raises(UnreadableFileError, match=r'is not there.*init_args\.root'):
        TemporalPairs(series)[0]


@pytest.mark.parametrize(
    ('arguments', 'message'), [({'on_error': 'hide'}, "'stop' or 'skip'"), ({'align': 'guess'}, "align is 'guess'")]
)
def test_wrong_arguments_are_told(series, arguments, message):
    with pytest.raises(ValueError, match=message):
        TemporalPairs(series, **arguments)


def test_wrong_keys_are_told(series):
    for key in (4, -5, PairKey(9, 0, 1), PairKey(-1, 0, 1), PairKey(0, 0, 9)):
        with pytest.raises(IndexError):
            TemporalPairs(series)[key]


def test_transforms_are_applied(series):
    dataset = TemporalPairs(series, transforms=lambda sample: sample | {'image': sample['image'] * 0})
    assert dataset[0]['image'].sum() == 0


def test_plots(series):
    dataset = TemporalPairs(series)
    sample = dataset[0] | {'prediction': torch.zeros(2, 32, 32, dtype=torch.int64)}
    figure = dataset.plot(sample, suptitle='A pair')
    assert [axis.get_title() for axis in figure.axes] == ['2020-01-01', '2022-01-01, noisy, noise 0.250', 'Prediction']
    assert dataset.plot(sample, show_titles=False).axes[0].get_title() == ''
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['changed']
    keys = list(PairSampler(series))[:6]
    sheet = dataset.plot_sheet(keys, columns=3)
    noisy = [float(dataset[key]['noise']) > 0 for key in keys]
    assert [len(outlined(axis)) for axis in sheet.axes] == [2 * found for found in noisy]
    assert len([axis for axis in dataset.plot_sheet(keys, columns=3).axes if axis.get_images()]) == 6
    assert isinstance(dataset.plot_map(), Figure)


class Images(RasterDataset):
    """A raster data set of the user's."""

    filename_glob = 'image_*.tif'
    filename_regex = r'image_(?P<date>\d{8})\.tif'


def test_any_torchgeo_raster_data_set_serves(tmp_path):
    folder = write_series(tmp_path / 'a')
    index = build_index(scan_dataset(Images(str(folder))), size_px=32)
    direct = build_index(scan_rasters([folder]), size_px=32)
    assert np.array_equal(index.times, direct.times)
    assert index.files['sensor'].tolist() == ['Images'] * 3
    assert scan_dataset(Images(str(folder)), sensor='drone').files['sensor'].tolist() == ['drone'] * 3
    with pytest.raises(ValueError, match='has no "date" group'):
        scan_dataset(RasterDataset(str(folder)))
    left = box(400_000, 4_999_360, 400_320, 5_000_000)
    sampler = GriddedPatchSampler(Images(str(folder)), size=32, roi=left)
    assert select_patches(index, sampler).locations.col.tolist() == [0, 0]
    everywhere = GriddedPatchSampler(Images(str(folder), crs=CRS.from_epsg(32634)), size=32)
    assert len(select_patches(index, everywhere, crs='EPSG:32634')) == 4
    with pytest.raises(ValueError, match='no location lies there'):
        select_patches(index, everywhere)


def test_bands_of_a_torchgeo_data_set_may_lie_in_files_of_their_own(tmp_path):
    class Apart(RasterDataset):
        filename_glob = '*_B1.tif'
        filename_regex = r'x_(?P<date>\d{8})_(?P<band>B\d)\.tif'
        all_bands = ('B1', 'B2')
        separate_files = True

    for date in DATES:
        for band in (1, 2):
            write_raster(tmp_path / f'x_{date}_B{band}.tif', bands=1, seed=band)
    index = build_index(scan_dataset(Apart(str(tmp_path))), size_px=32)
    image = TemporalPairs(index)[0]['image']
    with rasterio.open(tmp_path / 'x_20200101_B2.tif') as file:
        assert np.array_equal(image[0, 1].numpy(), file.read(1)[:32, :32])


def test_bands_of_a_torchgeo_data_set_are_taken_from_the_file(tmp_path):
    class Named(Images):
        all_bands = ('red', 'nir')

    folder = write_series(tmp_path / 'a', DATES)
    index = build_index(scan_dataset(Named(str(folder), bands=['nir'])), size_px=32)
    assert index.bands == ('nir',)
    with rasterio.open(index.files['paths'][0][0]) as file:
        assert np.array_equal(TemporalPairs(index)[0]['image'][0], file.read([2])[:, :32, :32])


@pytest.mark.parametrize('method', ['area', 'raster'])
def test_noise_of_scenes_equals_the_true_noise(tmp_path, method):
    scenes = write_scenes(tmp_path, scenes=4, dates=3, size_px=64, cells=6, seed=3)
    index = build_index(scan_rasters([tmp_path]), size_px=32)
    index = index.with_noise(change_polygons(tmp_path / 'changes.gpkg', event_column='event'), method=method)
    assert len(index) == 16
    paths = index.files['paths'].tolist()
    for location in range(len(index)):
        files = index.dates[index.offsets[location] : index.offsets[location + 1]]
        (scene,) = [scene for scene in scenes if paths[files[0]][0] == scene.paths[0]]
        row, col = int(index.locations.row[location]), int(index.locations.col[location])
        true = scene.changed[row : row + 32, col : col + 32].mean()
        for earlier, later in ((0, 1), (1, 2), (0, 2)):
            years = [f'{2016 + date}-06-15' for date in (earlier, later)]
            between = bool(scene.event) and years[0] < scene.event <= years[1]
            assert index.pair_noise(location, earlier, later) == pytest.approx(true * between, abs=1e-12)
            assert index.pair_noisy(location, earlier, later) == int(true * between > 0)


def test_scenes_obey_their_arguments(tmp_path):
    scenes = write_scenes(tmp_path / 'a', scenes=6, dates=2, size_px=32, cells=4, noisy_share=0.5, res_m=3.0)
    assert [len(scene.paths) for scene in scenes] == [2] * 6
    assert sum(bool(scene.event) for scene in scenes) == 3
    with rasterio.open(scenes[0].paths[0]) as file:
        assert file.res == (3, 3)
        assert file.shape == (32, 32)
    assert not (tmp_path / 'b').exists()
    write_scenes(tmp_path / 'b', scenes=2, size_px=32, cells=4, noisy_share=0.0)
    assert not (tmp_path / 'b' / 'changes.gpkg').exists()
    for arguments, message in (({'dates': 1}, 'a pair needs two'), ({'noisy_share': 2}, r'\[0, 1\]')):
        with pytest.raises(ValueError, match=message):
            write_scenes(tmp_path / 'c', **arguments)


@pytest.mark.shared
@pytest.mark.parametrize(
    ('name', 'size', 'locations', 'dates', 'bands'), [('naip', 64, 154, 10, 4), ('sentinel2', 32, 9, 5, 13)]
)
def test_real_regions(name, size, locations, dates, bands):
    folder = SHARED / 'regions' / name
    if not folder.is_dir():
        pytest.skip('real data is absent beside the project')
    index = build_index(scan_rasters([folder]), size_px=size)
    assert (len(index), set(np.diff(index.offsets))) == (locations, {dates})
    assert index.index['misalignment_px'].max() <= 0.5
    sample = TemporalPairs(index)[0]
    assert sample['image'].shape == (2, bands, size, size)
    assert sample['valid'].all()


def test_the_grid_of_a_torchgeo_data_set_counts(tmp_path):
    folder = write_series(tmp_path / 'images')
    index = build_index(scan_dataset(Images(str(folder), res=(20.0, 20.0))), size_px=16)
    assert index.sites[['crs', 'res_x', 'res_y']].to_numpy().tolist() == [['EPSG:32633', 20.0, 20.0]]
    index = build_index(scan_dataset(Images(str(folder), crs='EPSG:32634', res=10.0)), size_px=16)
    assert index.sites[['crs', 'res_x', 'res_y']].to_numpy().tolist() == [['EPSG:32634', 10.0, 10.0]]
    plain = build_index(scan_dataset(Images(str(folder))), size_px=32)
    assert not plain.files['warped'].any()
    with pytest.raises(ValueError, match='target CRS EPSG:4326 is not projected'):
        build_index(scan_dataset(Images(str(folder), crs='EPSG:4326')), size_px=16)
    stated = build_index(scan_dataset(Images(str(folder), crs='EPSG:4326')), size_px=16, crs='EPSG:32633', res=10)
    assert stated.crs == 'EPSG:32633'


def test_what_a_torchgeo_data_set_does_to_samples_is_refused(tmp_path):
    folder = write_series(tmp_path / 'images')
    with pytest.raises(ValueError, match=r'Images has transforms.*TemporalPairs\(transforms=\)'):
        scan_dataset(Images(str(folder), transforms=lambda sample: sample))

    class Masks(Images):
        is_image = False

    with pytest.raises(ValueError, match='Masks holds masks'):
        scan_dataset(Masks(str(folder)))


def test_windows_without_any_data_are_told_once(tmp_path):
    index = build_index(scan_rasters([write_series(tmp_path / 'images', DATES)]), size_px=32)
    path = tmp_path / 'images' / Path(index.files['paths'].iloc[1][0]).name
    with rasterio.open(path) as file:
        profile, pixels = file.profile, file.read()
    with rasterio.open(path, 'w', **profile | {'nodata': 0}) as file:
        file.write(np.zeros_like(pixels))
    dataset = TemporalPairs(index)
    with pytest.warns(UserWarning, match=f'{path.name}: the window of location 0 holds no data'):
        assert not dataset[PairKey(0, 0, 1)]['valid'][1].any()
    assert not dataset[PairKey(1, 0, 1)]['valid'][1].any()  # a second warning would be an error
