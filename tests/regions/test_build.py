import numpy as np
import pandas as pd
import pytest
import rasterio
from shapely import box

from geo_noisy.pairs import Limits, PairRules, build_index, scan_rasters, scan_table
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.file_scan import scan_captures
from geo_noisy.regions.windows.grid import place_files
from tests.data.regions import CRS, ORIGIN, write_raster, write_series


def build(*paths, **arguments):
    return build_index(scan_rasters(paths), **{'size_px': 32} | arguments)


def test_windows_and_dates_of_a_series(tmp_path):
    index = build(write_series(tmp_path / 'a'))
    assert len(index) == 4
    assert index.index['dates'].iloc[0].astype(str).tolist() == [
        f'{year}-01-01T00:00:00' for year in (2020, 2021, 2022)
    ]
    assert index.index.total_bounds.tolist() == [400_000, 4_999_360, 400_640, 5_000_000]
    assert (index.index['misalignment_px'] == 0).all()


@pytest.mark.parametrize(('size', 'stride', 'windows'), [(32, None, 4), (64, None, 1), (16, None, 16), (32, 16, 9)])
def test_size_and_stride_set_the_windows(tmp_path, size, stride, windows):
    assert len(build(write_series(tmp_path / 'a'), size_px=size, stride_px=stride)) == windows


def test_dates_whose_grids_differ_by_a_row_show_the_same_ground(tmp_path):
    ground = np.random.default_rng(0).integers(1, 255, (1, 80, 80), dtype=np.uint8)
    write_raster(tmp_path / 'a_20200101.tif', ground[:, :64, :64])
    write_raster(tmp_path / 'b_20210101.tif', ground[:, :64, :64])
    write_raster(tmp_path / 'c_20220101.tif', ground[:, 1:66, 2:70], offset_px=(2.3, 1.4))
    index = build(tmp_path, size_px=16)
    assert index.sites[['x0', 'y0']].iloc[0].tolist() == list(ORIGIN)
    assert index.files['shift_px'].tolist() == pytest.approx([0, 0, 0.4])
    counts = np.diff(index.offsets)
    assert counts.min() == 2  # windows at the left and upper border lie outside of the third file
    assert counts.max() == 3
    assert index.index['misalignment_px'].max() == pytest.approx(0.4)


def test_mixed_resolutions_go_to_the_most_common(tmp_path):
    write_raster(tmp_path / 'a_20200101.tif')
    write_raster(tmp_path / 'b_20210101.tif')
    write_raster(tmp_path / 'c_20220101.tif', size_px=32, res=20)
    index = build(tmp_path)
    assert index.sites['res_x'].tolist() == [10]
    assert index.files['warped'].tolist() == [False, False, True]
    assert build(tmp_path, res=20, size_px=16).sites['res_x'].tolist() == [20]
    assert build(tmp_path, res=(20, 10), size_px=16).sites[['res_x', 'res_y']].to_numpy().tolist() == [[20, 10]]


def test_mixed_crs_go_to_the_most_common_or_the_stated(tmp_path):
    write_raster(tmp_path / 'a_20200101.tif')
    write_raster(tmp_path / 'b_20210101.tif')
    with rasterio.open(tmp_path / 'a_20200101.tif') as file:
        bounds = rasterio.warp.transform_bounds(file.crs, 'EPSG:4326', *file.bounds)
    res = (bounds[2] - bounds[0]) / 64, (bounds[3] - bounds[1]) / 64
    grid = rasterio.Affine(res[0], 0, bounds[0], 0, -res[1], bounds[3])
    write_raster(tmp_path / 'c_20220101.tif', crs='EPSG:4326', transform=grid)
    index = build(tmp_path, size_px=16)
    assert index.sites['crs'].tolist() == [CRS]
    assert index.files['warped'].tolist() == [False, False, True]
    stated = build(tmp_path, size_px=16, crs='EPSG:32634')
    assert stated.sites['crs'].tolist() == ['EPSG:32634']
    assert stated.files['warped'].all()


def test_geographic_files_get_the_utm_zone_of_their_place(tmp_path):
    for date in ('20200101', '20210101'):
        write_raster(tmp_path / f'north_{date}.tif', crs='EPSG:4326', origin=(15.0, 45.0), res=1e-4)
        write_raster(tmp_path / f'south_{date}.tif', crs='EPSG:4326', origin=(-58.0, -34.0), res=1e-4)
    index = build(tmp_path, size_px=16)
    assert sorted(index.sites['crs']) == ['EPSG:32633', 'EPSG:32721']
    assert index.crs == 'EPSG:4326'
    assert index.index.total_bounds == pytest.approx([-58, -34, 15, 45], abs=0.01)


@pytest.mark.parametrize('crs', ['EPSG:4326', 'EPSG:999999'])
def test_the_target_crs_must_be_projected(tmp_path, crs):
    scan = scan_rasters([write_series(tmp_path / 'a')])
    with pytest.raises(ValueError, match=r'is not projected|is unknown'):
        build_index(scan, crs=crs)


def test_places_far_apart_are_sites_of_their_own(tmp_path):
    for number in range(3):
        for date in ('20200101', '20210101'):
            write_raster(tmp_path / f'{number}_{date}.tif', offset_px=(1000 * number + 0.5, 7))
    index = build(tmp_path)
    assert len(index.sites) == 3
    assert len(index) == 12
    assert (index.index['misalignment_px'] == 0).all()


@pytest.mark.parametrize(
    ('raster', 'reason'),
    [
        ({'crs': None}, 'no CRS'),
        ({'transform': rasterio.Affine(10, 1, ORIGIN[0], 1, -10, ORIGIN[1])}, 'rotated'),
        ({'transform': rasterio.Affine(10, 0, ORIGIN[0], 0, 10, ORIGIN[1])}, 'rotated or flipped'),
        ({'bands': 3}, '3 bands where most files have 2'),
    ],
)
def test_files_that_cannot_serve_are_counted(tmp_path, raster, reason):
    write_series(tmp_path / 'a')
    write_raster(tmp_path / 'a' / 'odd_20230101.tif', **raster)
    index = build(tmp_path / 'a')
    assert len(index.files) == 3
    assert [(item.what, item.number) for item in index.excluded] == [('file', 1)]
    assert reason in index.excluded[0].reason
    assert 'odd_20230101' in index.excluded[0].example


@pytest.mark.parametrize(
    ('name', 'reason'), [('nodate.tif', 'no date in the name'), ('20200101_20210101.tif', 'two dates in the name')]
)
def test_names_without_one_date_are_counted(tmp_path, name, reason):
    write_series(tmp_path / 'a')
    write_raster(tmp_path / 'a' / name)
    assert reason in build(tmp_path / 'a').excluded[0].reason


def test_what_is_no_raster_is_counted_and_alone_an_error(tmp_path):
    write_series(tmp_path / 'a')
    text = tmp_path / 'a' / 'x_20230101.tif'
    text.write_text('no raster')
    assert 'not a raster' in build(tmp_path / 'a').excluded[0].reason
    with pytest.raises(ValueError, match=r'None of 1 files can serve.*\n.*not a raster'):
        scan_rasters([text])


def test_half_downloaded_files_are_counted(tmp_path):
    folder = write_series(tmp_path / 'a', size_px=256)
    path = folder / 'half_20230101.tif'
    with rasterio.open(folder / 'image_20200101.tif') as file:
        profile = file.profile | {'tiled': True, 'blockxsize': 64, 'blockysize': 64, 'driver': 'COG'}
        profile = {
            name: value
            for name, value in profile.items()
            if name not in ('tiled', 'blockxsize', 'blockysize', 'interleave')
        }
        with rasterio.open(path, 'w', **profile) as copy:
            copy.write(file.read())
    with path.open('r+b') as file:
        file.truncate(path.stat().st_size // 2)
    index = build(folder)
    assert len(index.files) == 3
    assert 'incomplete or damaged' in index.excluded[0].reason


def test_half_downloaded_bands_are_counted(tmp_path):
    folder = write_series(tmp_path / 'a', size_px=256)
    path = folder / 'half_20230101.tif'
    with rasterio.open(folder / 'image_20200101.tif') as file:
        pixels, profile = file.read(), file.profile | {'interleave': 'band'}
    with rasterio.open(path, 'w', **profile) as copy:
        copy.write(pixels)
    with path.open('r+b') as file:
        file.truncate(round(path.stat().st_size * 0.7))  # the first band is whole
    assert 'incomplete or damaged' in build(folder).excluded[0].reason


def test_one_folder_need_not_stand_in_a_list(tmp_path):
    folder = write_series(tmp_path / 'images')
    assert scan_rasters(str(folder)).files.equals(scan_rasters([folder]).files)
    assert scan_rasters(folder).files.equals(scan_rasters([folder]).files)


def test_missing_paths_and_empty_folders_are_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match='neither a file nor a folder'):
        scan_rasters([tmp_path / 'nowhere'])
    with pytest.raises(FileNotFoundError, match='holds no raster files'):
        scan_rasters([tmp_path])


@pytest.mark.parametrize('moved', [{'offset_px': (500, 0)}, {}])
def test_no_overlap_in_space_or_time_is_an_error(tmp_path, moved):
    write_raster(tmp_path / 'a_20200101.tif')
    write_raster(tmp_path / f'b_{"20210101" if moved else "20200101"}.tif', **moved)
    with pytest.raises(ValueError, match='No location has two dates'):
        build(tmp_path)


def test_windows_larger_than_all_files_are_an_error(tmp_path):
    with pytest.raises(ValueError, match='No window of 65 px fits'):
        build(write_series(tmp_path / 'a'), size_px=65)


def test_files_at_a_pole_are_counted_unless_a_crs_is_stated(tmp_path):
    write_series(tmp_path / 'a', crs='EPSG:4326', origin=(15.0, 45.0), res=1e-4)
    write_series(tmp_path / 'c', ('20200101', '20210101'), crs='EPSG:4326', origin=(15.0, 86.0), res=1e-4)
    index = build(tmp_path, size_px=16)
    assert len(index.files) == 3
    assert [(item.reason.split(';')[0], item.number) for item in index.excluded] == [
        ('too near a pole for UTM', 2),
    ]
    polar = build(tmp_path / 'c', crs='EPSG:3413', size_px=4)
    assert polar.sites['crs'].tolist() == ['EPSG:3413']


def test_projected_files_at_a_pole_need_nothing(tmp_path):
    assert len(build(write_series(tmp_path / 'a', crs='EPSG:3413', origin=(0.0, 0.0)))) == 4


def test_locations_with_one_date_are_dropped_or_paired_with_themselves(tmp_path):
    write_raster(tmp_path / 'a_20200101.tif')
    write_raster(tmp_path / 'b_20210101.tif', size_px=32)
    dropped = build(tmp_path)
    assert len(dropped) == 1
    assert dropped.excluded[0] == ('location', 'has one date only; a pair needs two', 3, '')
    kept = build(tmp_path, rules=PairRules(single='self'))
    assert len(kept) == 4
    assert {name: kept.count(name) for name in ('clean', 'unknown')} == {'clean': 3, 'unknown': 1}
    assert kept.keys('clean', np.array([0]))[0, 1:].tolist() == [0, 0]
    assert kept.pair_noise(1, 0, 0) == 0


def test_two_files_of_one_time_give_one_date(tmp_path):
    folder = write_series(tmp_path / 'a')
    write_raster(folder / 'twin_20200101.tif')
    index = build(folder)
    assert np.diff(index.offsets).tolist() == [3] * 4
    assert index.excluded == ()


def nodata_series(folder, share):
    pixels = np.ones((1, 32, 32), dtype=np.uint8)
    pixels[:, : round(32 * share)] = 0
    write_series(folder, ('20200101', '20210101'), size_px=32, pixels=np.ones((1, 32, 32), dtype=np.uint8), nodata=0)
    write_raster(folder / 'holes_20220101.tif', pixels, nodata=0)
    return folder


@pytest.mark.parametrize(
    ('limits', 'dates'),
    [({}, 2), ({'max_nodata': 0.5}, 3), ({'max_nodata': 0.49}, 2), ({'footprint': 'bounds'}, 3)],
)
def test_dates_need_valid_pixels(tmp_path, limits, dates):
    index = build(nodata_series(tmp_path / 'a', 0.5), limits=Limits(**limits))
    assert np.diff(index.offsets).tolist() == [dates]
    assert (index.excluded != ()) == (dates == 2)


def test_pixels_that_are_not_a_number_hold_no_data(tmp_path):
    folder = write_series(tmp_path / 'a', ('20200101', '20210101'), pixels=np.ones((1, 32, 32), dtype=np.float32))
    write_raster(folder / 'holes_20220101.tif', np.full((1, 32, 32), np.nan, dtype=np.float32))
    assert np.diff(build(folder).offsets).tolist() == [2]


def test_a_cloud_band_limits_dates(tmp_path):
    clear, cloudy = np.zeros((2, 32, 32), dtype=np.uint8), np.zeros((2, 32, 32), dtype=np.uint8)
    cloudy[1, :8] = 3
    write_series(tmp_path / 'a', ('20200101', '20210101'), pixels=clear)
    write_raster(tmp_path / 'a' / 'c_20220101.tif', cloudy)
    for limits, dates in (
        (Limits(), 3),
        (Limits(max_cloud=20, cloud_band=2, cloud_values=(3,)), 2),
        (Limits(max_cloud=30, cloud_band=2, cloud_values=(3,)), 3),
        (Limits(max_cloud=20, cloud_band=2, cloud_values=(1,)), 3),
    ):
        assert np.diff(build(tmp_path / 'a', limits=limits).offsets).tolist() == [dates]
    with pytest.raises(ValueError, match='cloud_band is 3'):
        build(tmp_path / 'a', limits=Limits(max_cloud=20, cloud_band=3))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'footprint': 'guess'}, "'data' or 'bounds'"),
        ({'max_nodata': 2}, r'in \[0, 1\]'),
        ({'max_cloud': 101}, r'in \[0, 100\]'),
        ({'cloud_band': 1}, 'needs max_cloud'),
    ],
)
def test_wrong_limits_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        Limits(**arguments)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'size_px': 0}, 'size_px is 0; it must lie between 1 and'),
        ({'stride_px': -1}, 'stride_px is -1; it must lie between 1 and'),
        ({'place_px': 8}, 'must hold a window'),
        ({'res': 0}, 'res is 0; the pixel size must be at least'),
    ],
)
def test_wrong_windows_are_told(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(write_series(tmp_path / 'a'), **arguments)


def test_overlapping_windows_share_a_place_and_places_do_not_overlap(tmp_path):
    index = build(write_series(tmp_path / 'a', size_px=128), size_px=16, stride_px=8, place_px=48)
    windows, place = index.windows(), index.locations.place
    for first in range(len(index)):
        overlaps = [second for second in range(len(index)) if windows[first].intersection(windows[second]).area > 0]
        assert {int(place[second]) for second in overlaps} == {int(place[first])}
    assert len(np.unique(place)) == 9
    assert 'border of a place of 48 px' in index.excluded[0].reason
    apart = build(tmp_path / 'a', size_px=16)
    assert len(np.unique(apart.locations.place)) == len(apart) == 64


# Dates ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('name', 'arguments', 'day'),
    [
        ('m_4709963_se_14_1_20090818.tif', {}, '2009-08-18'),
        ('s2_l1c_2015-07-11.tif', {}, '2015-07-11'),
        ('x_2015_07_11.tif', {}, '2015-07-11'),
        ('x_20150711T101112_y.tif', {}, '2015-07-11T10:11:12'),
        (
            'S2A_20150711T101112_N0500_20230101T000000.tif',
            {'date_regex': r'S2A_(?P<date>\d{8}T\d{6})'},
            '2015-07-11T10:11:12',
        ),
        ('x_11.07.15.tif', {'date_regex': r'_(.{8})\.', 'date_format': '%d.%m.%y'}, '2015-07-11'),
    ],
)
def test_dates_in_names(tmp_path, name, arguments, day):
    scan = scan_rasters([write_raster(tmp_path / name)], **arguments)
    assert scan.files['time'].iloc[0] == pd.Timestamp(day, tz='UTC').timestamp()


@pytest.mark.parametrize('arguments', [{'date_regex': '('}, {'sensor_regex': '('}])
def test_wrong_patterns_are_told(tmp_path, arguments):
    with pytest.raises(ValueError, match=r"'\(' is no regular expression"):
        scan_rasters([write_series(tmp_path / 'a')], **arguments)


def test_dates_that_cannot_be_read_are_told(tmp_path):
    path = write_raster(tmp_path / 'x_99999999.tif')
    with pytest.raises(ValueError, match='cannot be read'):
        scan_rasters([path], date_regex=r'(\d{8})')


def test_dates_in_tags(tmp_path):
    path = write_raster(tmp_path / 'x.tif', tags={'TIFFTAG_DATETIME': '2015:07:11 10:11:12'})
    scan = scan_rasters([path], date_tag='TIFFTAG_DATETIME')
    assert scan.files['time'].iloc[0] == pd.Timestamp('2015-07-11T10:11:12Z').timestamp()
    with pytest.raises(ValueError, match="no tag 'WHEN'"):
        scan_rasters([path], date_tag='WHEN')


def test_sensors_in_names(tmp_path):
    scan = scan_rasters([write_raster(tmp_path / 'S2B_20200101.tif')], sensor_regex='S2[AB]')
    assert scan.files['sensor'].tolist() == ['S2B']


# Tables --------------------------------------------------------------------------------------------------------------


def items(folder):
    """A STAC item table: one item without a date, one with several assets."""
    import geopandas as gpd

    write_series(folder)
    rows = [
        {
            'id': date,
            'datetime': pd.Timestamp(date, tz='UTC'),
            'eo:cloud_cover': cloud,
            'platform': 'sentinel-2a',
            'assets': {'data': {'href': f'image_{date}.tif'}, 'thumbnail': {'href': 'x.png'}},
        }
        for date, cloud in (('20200101', 5.0), ('20210101', 10.0), ('20220101', 90.0))
    ]
    return gpd.GeoDataFrame(rows, geometry=[box(0, 0, 1, 1)] * 3, crs='EPSG:4326')


def test_a_stac_table_gives_files_dates_clouds_and_sensors(tmp_path):
    table = items(tmp_path / 'a')
    table.to_parquet(tmp_path / 'items.parquet')
    scan = scan_table(tmp_path / 'items.parquet', assets=['data'], root=tmp_path / 'a')
    assert scan.files['cloud'].tolist() == [5, 10, 90]
    assert scan.files['sensor'].tolist() == ['sentinel-2a'] * 3
    assert np.diff(build_index(scan, size_px=64).offsets).tolist() == [3]
    clear = build_index(scan, size_px=64, limits=Limits(max_cloud=50))
    assert np.diff(clear.offsets).tolist() == [2]
    assert clear.excluded[0][1] == 'cloud cover above 50 %'


def test_several_assets_must_be_chosen(tmp_path):
    table = items(tmp_path / 'a')
    with pytest.raises(ValueError, match=r'several assets \(data, thumbnail\)'):
        scan_table(table)
    with pytest.raises(ValueError, match='no asset B04'):
        scan_table(table, assets=['B04'])


def test_items_without_assets_date_or_cloud_cover_are_no_crash(tmp_path):
    table = items(tmp_path / 'a').astype({'eo:cloud_cover': object, 'datetime': object})
    table.loc[0, 'eo:cloud_cover'] = None
    table.loc[1, 'assets'] = None
    table.loc[2, 'datetime'] = pd.NaT
    scan = scan_table(table, assets=['data'], root=tmp_path / 'a')
    assert scan.files['cloud'].isna().tolist() == [True]
    assert [(item.reason, item.example) for item in scan.excluded] == [
        ('no asset data', '20210101'),
        ("no date in column 'datetime'", '20220101'),
    ]


def test_any_table_with_paths_and_dates_serves(tmp_path):
    folder = write_series(tmp_path / 'a')
    table = pd.DataFrame({'file': [f'image_{year}0101.tif' for year in (2020, 2021)], 'day': ['2001-05-06', '']})
    table['satellite'] = 'x'
    table.to_csv(tmp_path / 'table.csv', index=False)
    scan = scan_table(
        tmp_path / 'table.csv', path_column='file', date_column='day', sensor_column='satellite', root=folder
    )
    assert scan.files['time'].tolist() == [pd.Timestamp('2001-05-06', tz='UTC').timestamp()]
    assert scan.files['sensor'].tolist() == ['x']
    assert "no date in column 'day'" in scan.excluded[0].reason
    with pytest.raises(ValueError, match="no column 'when'"):
        scan_table(table, path_column='file', date_column='when')


def test_bands_in_files_of_their_own_make_one_capture(tmp_path):
    bands = [write_raster(tmp_path / f'B{band}.tif', bands=1, seed=band) for band in range(3)]
    scan = scan_captures([Capture(tuple(map(str, bands)), time=0)])
    assert scan.files['bands'].tolist() == [3]


@pytest.mark.parametrize(
    ('second', 'reason'),
    [
        ({'crs': None}, 'no CRS'),
        ({'crs': 'EPSG:32634'}, 'cover other ground'),
        ({'offset_px': (2, 0)}, 'cover other ground'),
        ({'size_px': 32}, 'cover other ground'),
        (None, 'not there'),
    ],
)
def test_every_band_of_a_capture_is_looked_at(tmp_path, second, reason):
    first, other = write_raster(tmp_path / 'B1.tif', bands=1), tmp_path / 'B2.tif'
    if second is not None:
        write_raster(other, bands=1, **second)
    whole = Capture((str(first),) * 2, time=0)
    scan = scan_captures([whole, Capture((str(first), str(other)), time=1)])
    assert reason in scan.excluded[0].reason


def test_a_mask_of_any_band_counts(tmp_path):
    first = write_raster(tmp_path / 'B1.tif', bands=1)
    second = write_raster(tmp_path / 'B2.tif', bands=1, nodata=0)
    assert scan_captures([Capture((str(first), str(second)), time=0)]).files['masked'].tolist() == [True]


# Geometry ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('seed', range(10))
def test_snapping_moves_files_by_half_a_pixel_at_most(tmp_path, seed):
    rng = np.random.default_rng(seed)
    for date in range(5):
        write_raster(tmp_path / f'a_202{date}0101.tif', offset_px=tuple(rng.uniform(-3, 3, 2)))
    placed = place_files(scan_rasters([tmp_path]).files)
    assert placed.files['shift_px'].max() <= 0.5
    assert (placed.files['shift_px'] == 0).any()
