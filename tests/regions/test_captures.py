"""Captures of no known product: mosaics of an overpass, what a file says, and what overrides it."""

import os

import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT

from geo_noisy.commands import index as index_command
from geo_noisy.datasets import TemporalPairs
from geo_noisy.errors import InputError
from geo_noisy.regions import Limits, PairIndex, build_index, scan_rasters, scan_table
from tests.data.regions import CRS, ORIGIN, write_raster, write_series

RGBA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
DAYS = ('20200101', '20210101')


def drawn(bands=1, rows=64, cols=64, seed=0, dtype='uint16', low=1, high=250):
    return np.random.default_rng(seed).integers(low, high, (bands, rows, cols)).astype(dtype)


def colored(path, pixels, colors, **raster):
    write_raster(path, pixels, **raster)
    with rasterio.open(path, 'r+') as file:
        file.colorinterp = colors
    return path


def about(scan, subject):
    return [doubt for doubt in scan.doubts if doubt.about == subject]


# Overpasses ----------------------------------------------------------------------------------------------------------


def test_rows_of_a_path_are_one_date_and_windows_read_from_both(tmp_path):
    ground = {day: drawn(rows=160, seed=seed) for seed, day in enumerate(DAYS)}
    for day, pixels in ground.items():
        write_raster(tmp_path / f'row1_{day}T084501.tif', pixels[:, :80])
        write_raster(tmp_path / f'row2_{day}T084525.tif', pixels[:, 80:], offset_px=(0, 80))
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert sorted(zip(index.locations.col, index.locations.row, strict=True)) == [
        (col, row) for col in (0, 32) for row in range(0, 160, 32)
    ]
    assert set(np.diff(index.offsets)) == {2}
    dataset = TemporalPairs(index)
    for location, (col, row) in enumerate(zip(index.locations.col, index.locations.row, strict=True)):
        for date, day in enumerate(DAYS):
            pixels, valid = dataset.read(location, date)
            assert valid.all()
            assert np.array_equal(pixels, ground[day][:, row : row + 32, col : col + 32])


def test_strips_of_one_tile_fill_each_other(tmp_path):
    ground = {day: drawn(seed=seed) for seed, day in enumerate(DAYS)}
    for day, pixels in ground.items():
        for time, empty in (('103031', slice(40, None)), ('103043', slice(None, 40))):
            strip = pixels.copy()
            strip[:, :, empty] = 0
            write_raster(tmp_path / f'T32VNH_{day}T{time}.tif', strip, nodata=0)
    index = build_index(scan_rasters(tmp_path), size_px=64)
    assert np.diff(index.offsets).tolist() == [2]
    for date, day in enumerate(DAYS):
        pixels, valid = TemporalPairs(index).read(0, date)
        assert valid.all()
        assert np.array_equal(pixels, ground[day])


def test_tiles_of_a_day_and_a_mosaic_of_them_are_one_date(tmp_path):
    for seed, day in enumerate(DAYS):
        write_raster(tmp_path / f'{day}T101112_a.tif', drawn(seed=seed))
        write_raster(tmp_path / f'{day}T101130_b.tif', drawn(seed=seed + 5), offset_px=(64, 0))
        write_raster(tmp_path / f'{day}.tif', np.concatenate([drawn(seed=seed), drawn(seed=seed + 5)], axis=2))
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert set(np.diff(index.offsets)) == {2}
    assert (index.times[1::2] - index.times[::2] > 300 * 86_400).all()


@pytest.mark.parametrize(
    ('names', 'minutes', 'dates'),
    [
        (('20200101T100000', '20200101T100020', '20200101T120000'), 10, 2),
        (('20200101T100000', '20200101T100020', '20200101T120000'), 0, 3),
        (('20200101T100000', '20200101T100800', '20200101T101600'), 10, 1),  # each follows the one before
        (('20200101T235950', '20200102T000010', '20200103T120000'), 10, 2),
        (('20200101', '20200101T100020', '20200102T100020'), 10, 2),
    ],
)
def test_times_of_an_overpass(tmp_path, names, minutes, dates):
    for seed, name in enumerate((*names, '20210101T100000')):
        write_raster(tmp_path / f'x_{name}.tif', size_px=32, seed=seed)
    index = build_index(scan_rasters(tmp_path), size_px=32, overpass_minutes=minutes)
    assert np.diff(index.offsets).tolist() == [dates + 1]


def test_two_sensors_at_one_time_are_two_dates(tmp_path):
    for seed, name in enumerate(('aa_20200101T100000', 'bb_20200101T100010')):
        write_raster(tmp_path / f'{name}.tif', size_px=32, seed=seed)
    index = build_index(scan_rasters(tmp_path, sensor_regex='^..'), size_px=32)
    assert np.diff(index.offsets).tolist() == [2]


@pytest.mark.parametrize(
    ('first', 'second', 'sensors'),
    [
        ('S2A_20200101T100000', 'LC08_20200101T100010', ['LC08', 'S2A']),
        ('x_s2_20200101', 'x_l8_20200101', ['L8', 'S2']),
        ('sentinel-2_20200101', 'landsat8_20200101', ['LANDSAT8', 'SENTINEL-2']),
        ('pass2_20200101', 'class8_20200101', ['']),
    ],
)
def test_missions_in_names_are_sensors(tmp_path, first, second, sensors):
    for seed, name in enumerate((first, second, first.replace('2020', '2021'))):
        write_raster(tmp_path / f'{name}.tif', size_px=32, seed=seed)
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert sorted(index.files['sensor'].unique()) == sensors
    assert np.diff(index.offsets).tolist() == [1 + len(sensors)]


def test_looks_of_unknown_sensors_at_one_time_are_doubted(tmp_path):
    for seed, name in enumerate(('aa_20200101T100000', 'bb_20200101T100010', 'aa_20210101T100000')):
        write_raster(tmp_path / f'{name}.tif', size_px=32, seed=seed)
    scan = scan_rasters(tmp_path)
    (doubt,) = build_index(scan, size_px=32).doubts
    assert '1 dates are put together from files of unknown sensor' in doubt.text
    assert '--sensor-regex' in doubt.remedy
    assert 'aa_20200101T100000.tif and' in doubt.example
    assert build_index(scan_rasters(tmp_path, sensor_regex='^..'), size_px=32).doubts == ()


def test_other_files_of_one_look_are_doubted_or_left_out(tmp_path):
    """Two bands in files of their own whose names do not say so, and a picture for the eye of the same look."""
    for seed, day in enumerate(DAYS):
        write_raster(tmp_path / f'S2A_{day}_x.tif', drawn(seed=seed))
        write_raster(tmp_path / f'S2A_{day}_y.tif', drawn(seed=seed + 10))
        write_raster(tmp_path / f'S2A_{day}_a_true_colour.tif', drawn(seed=seed, dtype='uint8'))
    scan = scan_rasters(tmp_path)
    assert set(scan.files['dtype']) == {'uint16'}
    assert [item.number for item in scan.excluded if 'of uint8 beside a file of uint16' in item.reason] == [len(DAYS)]
    (doubt,) = build_index(scan, size_px=32).doubts
    assert 'put together from files of S2A that show the same ground' in doubt.text


def test_bands_with_their_own_values_without_data_are_left_out(tmp_path):
    """One value would be taken for all bands: 0 of the first would be no data in the second, its 255 would be data."""
    for seed, day in enumerate(DAYS):
        write_raster(tmp_path / f'x_{day}.tif', drawn(2, seed=seed))
    write_raster(tmp_path / 'source.bin', drawn(2))
    bands = ''.join(
        f'<VRTRasterBand dataType="UInt16" band="{band}"><NoDataValue>{value}</NoDataValue><SimpleSource>'
        f'<SourceFilename relativeToVRT="1">source.bin</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource>'
        '</VRTRasterBand>'
        for band, value in ((1, 0), (2, 255))
    )
    (tmp_path / 'x_20230101.vrt').write_text(
        '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32633</SRS><GeoTransform>'
        f'400000, 10, 0, 5000000, 0, -10</GeoTransform>{bands}</VRTDataset>'
    )
    scan = scan_rasters(tmp_path)
    (left,) = scan.excluded
    assert 'bands that declare different values without data (0, 255)' in left.reason
    assert 'gdalwarp -srcnodata' in left.reason


def test_tiles_beside_each_other_are_not_doubted(tmp_path):
    for seed, day in enumerate(DAYS):
        write_raster(tmp_path / f'{day}_a.tif', drawn(seed=seed))
        write_raster(tmp_path / f'{day}_b.tif', drawn(seed=seed), offset_px=(60, 0))
    assert build_index(scan_rasters(tmp_path), size_px=32).doubts == ()


@pytest.mark.parametrize(
    'spelling',
    [
        'PROJCS["UTM 33N",GEOGCS["x",DATUM["Not_specified_based_on_WGS_84_spheroid",SPHEROID["WGS 84",6378137,'
        '298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],'
        'PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",15],PARAMETER["scale_factor",0.9996],'
        'PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]',
        '+proj=utm +zone=33 +ellps=WGS84 +units=m',
        'EPSG:25833',
    ],
)
def test_one_crs_in_two_spellings_is_read_pixel_by_pixel(tmp_path, spelling):
    pixels = drawn()
    write_raster(tmp_path / 'a_20200101.tif', pixels, crs=spelling)
    write_raster(tmp_path / 'b_20210101.tif', pixels)
    index = build_index(scan_rasters(tmp_path), size_px=64)
    assert not index.files['warped'].any()
    assert index.crs == CRS or spelling == 'EPSG:25833'
    assert np.array_equal(TemporalPairs(index)[0]['image'].numpy(), np.stack([pixels, pixels]))


def test_a_target_crs_may_be_spelt_otherwise(tmp_path):
    write_series(tmp_path, DAYS)
    assert not build_index(scan_rasters(tmp_path), size_px=32, crs='epsg:32633').files['warped'].any()


def test_another_zone_is_resampled(tmp_path):
    write_raster(tmp_path / 'a_20200101.tif')
    write_raster(tmp_path / 'b_20210101.tif', crs='EPSG:32632', origin=(ORIGIN[0] + 476_000, ORIGIN[1]))
    assert scan_rasters(tmp_path).files['crs'].nunique() == 2
    with pytest.raises(InputError):  # other ground
        build_index(scan_rasters(tmp_path), size_px=32)


def test_the_audit_says_how_many_captures_were_looked_at(tmp_path, capsys, monkeypatch):
    from geo_noisy.regions.files import samples

    write_series(tmp_path / 'a')
    monkeypatch.setattr(samples.evenly, '__defaults__', (2,))
    assert (
        index_command.run('geo-noisy index', [str(tmp_path / 'a'), '--size-px', '32', '-o', str(tmp_path / 'p')]) == 0
    )
    assert 'pixels of 2 of 3 captures' in capsys.readouterr().out


# Alpha ---------------------------------------------------------------------------------------------------------------


def test_alpha_of_0_and_255_is_a_mask_and_rgb_beside_rgba_works(tmp_path):
    pixels = drawn(4, dtype='uint8')
    pixels[3], pixels[3, :, 40:] = 255, 0
    colored(tmp_path / 'a_20200101.tif', pixels, RGBA)
    write_raster(tmp_path / 'b_20210101.tif', drawn(3, dtype='uint8'))
    scan = scan_rasters(tmp_path)
    assert scan.content.alpha == 'mask'
    assert '--alpha data or --alpha mask' in about(scan, 'alpha')[0].remedy
    index = build_index(scan, size_px=32)
    assert index.bands == ('1', '2', '3')
    assert len(index) == 2  # those left of the edge
    assert TemporalPairs(index)[0]['image'].shape == (2, 3, 32, 32)
    assert not TemporalPairs(build_index(scan, size_px=64, limits=Limits(max_nodata=1.0))).read(0, 0)[1][:, 40:].any()


def test_alpha_with_soft_edges_is_a_mask(tmp_path):
    pixels = drawn(4, dtype='uint8')
    pixels[3], pixels[3, :, :16] = 255, 0
    pixels[3, :, 16:28] = np.linspace(1, 254, 12)  # a fifth of the picture
    for day in DAYS:
        colored(tmp_path / f'x_{day}.tif', pixels, RGBA)
    scan = scan_rasters(tmp_path)
    assert scan.content.alpha == 'mask'
    assert 'soft edges between them, which count as data' in about(scan, 'alpha')[0].text
    read, valid = TemporalPairs(build_index(scan, size_px=64, limits=Limits(max_nodata=1.0))).read(0, 0)
    assert len(read) == 3
    assert np.array_equal(valid, pixels[3] > 0)  # as dataset_mask of rasterio


@pytest.mark.parametrize(('alpha', 'bands'), [('auto', 4), ('data', 4), ('mask', 3)])
def test_a_band_flagged_as_alpha_that_varies_is_data(tmp_path, alpha, bands):
    for seed, day in enumerate(DAYS):
        colored(tmp_path / f'x_{day}.tif', drawn(4, seed=seed, dtype='uint8'), RGBA)
    scan = scan_rasters(tmp_path, alpha=alpha)
    assert bool(about(scan, 'alpha')) == (alpha == 'auto')
    index = build_index(scan, size_px=32).with_statistics()
    sample = TemporalPairs(index, fill='mean')[0]
    assert sample['image'].shape == (2, bands, 32, 32)
    assert len(index.statistics.mean) == bands == index.files['bands'].iloc[0]


def test_near_infrared_flagged_as_alpha_is_resampled_as_data(tmp_path):
    pixels = {day: drawn(4, seed=seed, dtype='uint8', low=0) for seed, day in enumerate(DAYS)}
    for day, values in pixels.items():
        colored(tmp_path / f'x_{day}.tif', values, RGBA)
    index = build_index(scan_rasters(tmp_path, alpha='data'), size_px=16, res=20)
    plain = write_raster(tmp_path / 'plain.tif', pixels[DAYS[0]])
    with rasterio.open(plain, 'r+') as file:
        file.colorinterp = (ColorInterp.gray, *[ColorInterp.undefined] * 3)
    place = {'crs': CRS, 'transform': from_origin(*ORIGIN, 20, 20), 'width': 32, 'height': 32}
    with rasterio.open(plain) as file, WarpedVRT(file, resampling=Resampling.bilinear, **place) as view:
        expected = view.read()[:, :16, :16]
    read, valid = TemporalPairs(index).read(0, 0)
    assert valid.all()
    assert np.array_equal(read, expected)


def test_a_mask_that_is_not_flagged_is_doubted_and_taken_on_request(tmp_path):
    pixels = drawn(4, dtype='uint8')
    pixels[3], pixels[3, :, 40:] = 255, 0
    for day in DAYS:
        colored(tmp_path / f'x_{day}.tif', pixels, (*RGBA[:3], ColorInterp.undefined))
    scan = scan_rasters(tmp_path)
    assert scan.files['bands'].tolist() == [4, 4]
    assert 'band 4 holds 0 and 255 alone' in about(scan, 'alpha')[0].text
    taken = scan_rasters(tmp_path, alpha='mask')
    assert taken.files['bands'].tolist() == [3, 3]
    assert len(build_index(taken, size_px=32)) == 2
    with pytest.raises(ValueError, match='no file has a band flagged as alpha'):
        scan_rasters(write_series(tmp_path / 'b'), alpha='mask')
    with pytest.raises(ValueError, match="alpha is 'maybe'"):
        scan_rasters(tmp_path, alpha='maybe')


# Values without data -------------------------------------------------------------------------------------------------


def test_a_border_value_is_doubted_and_left_out_on_request(tmp_path):
    pixels = drawn(3, low=200, high=3000)
    pixels[:, :, 32:] = 0
    for day, nodata in zip(DAYS, (0, None), strict=True):
        write_raster(tmp_path / f's2_{day}.tif', pixels, nodata=nodata)
    scan = scan_rasters(tmp_path)
    assert [doubt.remedy.split(' takes')[0] for doubt in about(scan, 'nodata')] == ['--nodata 0', '--nodata 0']
    settled = scan_rasters(tmp_path, nodata=0)
    assert about(settled, 'nodata') == []
    index = build_index(settled, size_px=32).with_statistics()
    assert len(index) == 2
    assert index.statistics.mean == pytest.approx(pixels[:, :, :32].mean(axis=(1, 2)))


@pytest.mark.filterwarnings('ignore:.*holds no data, and is filled')
def test_values_without_data_are_not_mixed_into_others(tmp_path):
    pixels = np.full((1, 64, 64), 1000, 'int16')
    pixels[:, :, 33:] = -9999
    for day in DAYS:
        write_raster(tmp_path / f'x_{day}.tif', pixels)
    index = build_index(scan_rasters(tmp_path, nodata=[-9999]), size_px=16, res=20, limits=Limits(max_nodata=1.0))
    for location in range(len(index)):
        read, valid = TemporalPairs(index).read(location, 0)
        assert set(read[0][valid].tolist()) <= {1000.0}


@pytest.mark.parametrize('res', [10, 20])
def test_a_pixel_that_lacks_one_band_holds_no_data(tmp_path, res):
    """Of -9999, which no sensor measures; a pixel with 0 in one band may be dark, though 0 is no data in all."""
    for folder, value, sound in (('sure', -9999, False), ('dark', 0, True)):
        (tmp_path / folder).mkdir()
        for seed, day in enumerate(DAYS):
            pixels = drawn(2, seed=seed, dtype='int16')
            pixels[1, :, 20:28] = value
            write_raster(tmp_path / folder / f'x_{day}.tif', pixels, nodata=value)
        index = build_index(scan_rasters(tmp_path / folder), size_px=32, res=res, limits=Limits(max_nodata=1.0))
        read, valid = TemporalPairs(index).read(0, 0)
        columns = slice(220 // res, 260 // res)  # a resampled pixel at the edge still has a neighbour with data
        assert (valid[:, columns] == sound).all()
        assert valid[:, : 200 // res].all()
        assert valid[:, 280 // res :].all()
        assert (read[:, valid] >= (0 if sound else 1)).all()  # nothing is mixed with -9999


def test_a_further_value_without_data_counts_in_resampled_files_too(tmp_path):
    pixels = np.full((1, 64, 64), 1000, 'int16')
    pixels[:, :, 21:], pixels[:, :, 41:] = 0, -9999
    for day in DAYS:
        write_raster(tmp_path / f'x_{day}.tif', pixels, nodata=-9999)
    for nodata, seen in ((None, {1000.0, 0.0}), (0, {1000.0})):
        scan = scan_rasters(tmp_path, nodata=nodata)
        index = build_index(scan, size_px=16, res=20, limits=Limits(max_nodata=1.0))
        read, valid = TemporalPairs(index).read(0, 0)
        assert seen <= set(read[0][valid].tolist())
        if nodata == 0:
            assert seen == set(read[0][valid].tolist())
            assert valid[:, :9].all()


# Classes, scale, types -----------------------------------------------------------------------------------------------


def test_classes_are_never_interpolated(tmp_path):
    classes = np.random.default_rng(0).choice([1, 4, 9], (64, 64)).astype('uint16')
    for seed, day in enumerate(DAYS):
        write_raster(tmp_path / f'x_{day}.tif', np.stack([drawn(seed=seed, high=3000)[0], classes]))
    scan = scan_rasters(tmp_path)
    assert scan.content.categorical == ('2',)
    assert '--categorical' in about(scan, 'classes')[0].remedy
    index = build_index(scan, size_px=16, res=15)
    assert set(np.unique(TemporalPairs(index).read(0, 0)[0][1])) == {1.0, 4.0, 9.0}
    stated = scan_rasters(tmp_path, categorical=[])
    assert (stated.content.categorical, about(stated, 'classes')) == ((), [])
    with pytest.raises(ValueError, match='categorical names soil; the bands are 1, 2'):
        scan_rasters(tmp_path, categorical=['soil'])


@pytest.mark.parametrize(
    ('values', 'classes'), [((1, 2, 3), True), ((0, 7, 9), True), ((10, 20, 50), True), ((11, 12, 13, 14), False)]
)
def test_a_faint_picture_is_not_taken_for_classes(tmp_path, values, classes):
    for seed, day in enumerate(DAYS):
        pixels = np.random.default_rng(seed).choice(values, (1, 64, 64)).astype('uint16')
        write_raster(tmp_path / f'x_{day}.tif', pixels)
    assert scan_rasters(tmp_path).content.categorical == (('1',) if classes else ())


def test_a_band_of_many_values_at_one_date_holds_no_classes(tmp_path):
    write_raster(
        tmp_path / f'x_{DAYS[0]}.tif', np.random.default_rng(0).choice([0, 1, 2], (1, 64, 64)).astype('uint16')
    )
    write_raster(tmp_path / f'x_{DAYS[1]}.tif', drawn())
    assert scan_rasters(tmp_path).content.categorical == ()


@pytest.fixture
def scaled(tmp_path):
    """The same reflectances at three dates: twice times 10000, once more by 1000."""
    pixels = drawn(low=200, high=3000)
    for day, offset in (('20210101', 0.0), ('20210601', 0.0), ('20220601', -0.1)):
        path = write_raster(tmp_path / f'x_{day}.tif', pixels + round(-offset * 10_000))
        with rasterio.open(path, 'r+') as file:
            file.scales, file.offsets = (0.0001,), (offset,)
    return tmp_path, pixels


@pytest.mark.parametrize('radiometry', ['auto', 'stored', 'physical'])
def test_dates_of_unlike_scale_are_told_and_brought_to_one(scaled, radiometry):
    folder, pixels = scaled
    scan = scan_rasters(folder, radiometry=radiometry)
    told = about(scan, 'radiometry')
    assert [doubt.number for doubt in told] == ([] if radiometry == 'physical' else [1])
    dataset = TemporalPairs(build_index(scan, size_px=64))
    first, last = dataset.read(0, 0)[0], dataset.read(0, 2)[0]
    expected = pixels * 0.0001 if radiometry == 'physical' else pixels
    assert np.allclose(first, expected, atol=1e-6)
    assert np.allclose(last, expected + (1000 if radiometry == 'stored' else 0), atol=1e-3)


def test_types_and_values_that_do_not_compare_are_told(tmp_path):
    write_raster(tmp_path / 'a_20200101.tif', drawn(low=200, high=3000))
    write_raster(tmp_path / 'b_20210101.tif', drawn(low=200, high=3000).astype('float32') / 10_000)
    texts = [doubt.text for doubt in about(scan_rasters(tmp_path), 'radiometry')]
    assert any('dates are of uint16 and float32' in text for text in texts)
    assert any('medians of the first band run from' in text for text in texts)


def test_described_bands_are_matched_by_name(tmp_path):
    pixels = drawn(2)
    for day, names, order in (('20200101', ('red', 'nir'), [0, 1]), ('20210101', ('nir', 'red'), [1, 0])):
        path = write_raster(tmp_path / f'x_{day}.tif', pixels[order])
        with rasterio.open(path, 'r+') as file:
            file.descriptions = names
    index = build_index(scan_rasters(tmp_path), size_px=64)
    assert index.bands == ('red', 'nir')
    image = TemporalPairs(index, bands=['nir'])[0]['image']
    assert np.array_equal(image[0], image[1])
    assert np.array_equal(image[0, 0], pixels[1])
    assert build_index(scan_rasters(tmp_path, bands=['nir']), size_px=64).bands == ('nir',)


# Placed otherwise ----------------------------------------------------------------------------------------------------


def test_world_files_need_the_crs(tmp_path):
    for seed, day in enumerate(DAYS):
        path = write_raster(tmp_path / f'air_{day}.tif', drawn(seed=seed), crs=None)
    with pytest.raises(ValueError, match=r'a world file\?\); state its CRS with --images-crs'):
        scan_rasters(tmp_path)
    index = build_index(scan_rasters(tmp_path, images_crs=CRS), size_px=32)
    assert index.sites['crs'].tolist() == [CRS]
    index.write(tmp_path / 'pairs.parquet')
    coarse = build_index(scan_rasters(tmp_path, images_crs=CRS), size_px=16, res=20)
    assert TemporalPairs(coarse).read(0, 1)[1].all()
    with rasterio.open(path) as file:
        expected = file.read()[:, :32, :32]
    assert np.array_equal(TemporalPairs(PairIndex.read(tmp_path / 'pairs.parquet')).read(0, 1)[0], expected)


def test_ground_control_points_and_complex_values_are_refused_with_the_remedy(tmp_path):
    points = [GroundControlPoint(r, c, 15 + c / 9999, 45 - r / 9999) for r in (0, 64) for c in (0, 64)]
    shape = {'driver': 'GTiff', 'count': 1, 'height': 64, 'width': 64, 'dtype': 'uint16'}
    with pytest.warns(NotGeoreferencedWarning):
        file = rasterio.open(tmp_path / 's1_20200101.tif', 'w', **shape)
    with file:
        file.gcps = (points, rasterio.crs.CRS.from_epsg(4326))
        file.write(drawn())
    write_raster(tmp_path / 'slc_20210101.tif', drawn().astype('complex64'))
    write_raster(tmp_path / 'fine_20220101.tif', drawn())
    reasons = [item.reason for item in scan_rasters(tmp_path).excluded]
    assert any('ground control points alone' in reason and 'gdalwarp -t_srs' in reason for reason in reasons)
    assert any('complex values' in reason for reason in reasons)


# Doubts --------------------------------------------------------------------------------------------------------------


def test_strict_makes_doubts_errors_and_stored_doubts_come_back(tmp_path, capsys):
    for seed, day in enumerate(DAYS):
        pixels = drawn(3, seed=seed, low=200, high=3000)
        pixels[:, :, 32:] = 0
        write_raster(tmp_path / f's2_{day}.tif', pixels)
    words = [tmp_path, '--size-px', '32', '-o', tmp_path / 'pairs.parquet']
    assert index_command.run('index', list(map(str, words))) == 0
    assert '            nodata: a fifth or more of the pixels are exactly 0' in capsys.readouterr().out
    assert PairIndex.read(tmp_path / 'pairs.parquet').doubts == scan_rasters(tmp_path).doubts
    with pytest.raises(InputError, match=r'1 doubts, and --strict allows none:\n  nodata'):
        index_command.run('index', list(map(str, [*words, '--strict'])))
    assert index_command.run('index', list(map(str, [*words, '--strict', '--nodata', '0']))) == 0


# Tables --------------------------------------------------------------------------------------------------------------


def test_assets_are_bands_by_name_and_known_masks_are_masks(tmp_path):
    rows = []
    for seed, day in enumerate(DAYS):
        for k, name in enumerate(('blue', 'red')):
            write_raster(tmp_path / f'{day}_{name}.tif', drawn(seed=10 * seed + k))
        scene = np.full((1, 32, 32), 4, 'uint8')
        scene[:, :, 16:], scene[:, 16:] = 9, 0
        write_raster(tmp_path / f'{day}_scl.tif', scene, res=20)
        assets = {name: {'href': f'{day}_{name}.tif'} for name in ('blue', 'red', 'scl')}
        rows.append({'datetime': f'{day[:4]}-01-01T00:00:00Z', 'assets': assets})
    table = pd.DataFrame(rows)
    scan = scan_table(table, assets=['red', 'scl', 'blue'], root=tmp_path)
    assert scan.content.bands == ('red', 'blue')
    index = build_index(scan, size_px=32, limits=Limits(max_cloud=50))
    assert list(zip(index.locations.col, index.locations.row, strict=True)) == [(0, 0)]
    assert len(build_index(scan, size_px=32)) == 2
    with rasterio.open(tmp_path / f'{DAYS[0]}_blue.tif') as file:
        assert np.array_equal(TemporalPairs(index, bands=['blue']).read(0, 0)[0], file.read()[:, :32, :32])
    with pytest.raises(ValueError, match='are masks; choose some with bands'):
        scan_table(table, assets=['scl'], root=tmp_path)


@pytest.mark.parametrize(
    ('grid', 'reason'),
    [
        ((0, 0, 400_000, 0, 0, 5_000_000), 'pixels without a size'),
        ((10, 0, float('nan'), 0, -10, 5_000_000), 'pixels without a size'),
        ((10, 0, 1e12, 0, -10, 5e12), 'far off any ground'),
        ((10, 2, 400_000, 2, -10, 5_000_000), 'rotated or flipped'),
        ((10, 0, 400_000, 0, 10, 5_000_000), 'rotated or flipped'),
    ],
)
def test_an_odd_grid_among_good_ones_is_counted(tmp_path, grid, reason):
    write_series(tmp_path, DAYS)
    write_raster(tmp_path / 'odd_20220101.tif', transform=rasterio.Affine(*grid))
    (left,) = build_index(scan_rasters(tmp_path), size_px=32).excluded
    assert (left.number, reason in left.reason) == (1, True)


def test_pipes_and_broken_links_among_good_files_stop_nothing(tmp_path):
    write_series(tmp_path, DAYS)
    os.mkfifo(tmp_path / 'pipe_20220101.tif')
    os.symlink(tmp_path / 'nowhere', tmp_path / 'link_20220101.tif')
    index = build_index(scan_rasters(tmp_path), size_px=32)
    left = sorted((item.number, item.example[-17:]) for item in index.excluded)
    assert left == [(1, 'link_20220101.tif'), (1, 'pipe_20220101.tif')]
    with pytest.raises(FileNotFoundError, match='a device or a pipe'):
        scan_rasters(tmp_path / 'pipe_20220101.tif')


def test_an_unknown_crs_for_files_without_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"--images-crs\) 'EPSG:99999' is unknown"):
        scan_rasters(write_series(tmp_path / 'a', DAYS), images_crs='EPSG:99999')


def test_pictures_with_world_files_are_found_by_a_pattern(tmp_path):
    for seed, day in enumerate(DAYS):
        with pytest.warns(NotGeoreferencedWarning), rasterio.open(
            tmp_path / f'{day}.png', 'w', driver='PNG', width=32, height=32, count=3, dtype='uint8'
        ) as file:  # fmt: skip
            file.write(drawn(3, 32, 32, seed=seed, dtype='uint8'))
        (tmp_path / f'{day}.pgw').write_text('10\n0\n0\n-10\n400005\n4999995\n')
    index = build_index(scan_rasters(tmp_path / '*.png', images_crs=CRS), size_px=32)
    assert (len(index), index.crs) == (1, CRS)
