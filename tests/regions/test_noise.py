import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize
from rasterio.transform import from_bounds

from geo_noisy.pairs import PairRules, build_index, change_polygons, change_raster, noise_fraction, scan_rasters
from tests.data.regions import polygons, square, write_raster, write_series

DATES = ('20200101', '20210101', '20220101')


@pytest.fixture
def series(tmp_path):
    """Two windows of 32 px, three dates."""
    write_series(tmp_path / 'images', DATES, pixels=np.ones((1, 32, 64), dtype=np.uint8))
    return build_index(scan_rasters([tmp_path / 'images']), size_px=32)


@pytest.fixture
def two_dates(tmp_path):
    write_series(tmp_path / 'two', DATES[:2], pixels=np.ones((1, 32, 64), dtype=np.uint8))
    return build_index(scan_rasters([tmp_path / 'two']), size_px=32)


def all_flags(index, location=0):
    return [index.pair_noisy(location, *pair) for pair in ((0, 1), (0, 2), (1, 2))]


def test_fraction_is_that_of_the_union():
    windows = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(30, 0, 40, 10)]
    outlines = [shapely.box(5, 0, 12, 10), shapely.box(0, 0, 6, 5)]
    assert noise_fraction(outlines, windows).tolist() == pytest.approx([0.75, 0.2, 0])
    assert noise_fraction([], windows).tolist() == [0, 0, 0]


@pytest.mark.parametrize('through', ['EPSG:4326', 'EPSG:3035', 'EPSG:32632'])
def test_an_outline_that_ends_at_a_window_is_no_noise_in_the_next(series, through):
    """The window's own square, by way of another CRS and back, which moves its corners by some nanometres."""
    outline = polygons(square(0, 0, 32)).to_crs(through)
    index = series.with_noise(change_polygons(outline, event_date='2020-06-01'))
    assert all_flags(index, 0) == [1, 1, 0]
    assert all_flags(index, 1) == [0, 0, 0]
    thin = polygons(square(31, 0, 1.02)).to_crs(through)  # two hundredths of a pixel wide in the next window
    assert all_flags(series.with_noise(change_polygons(thin, event_date='2020-06-01')), 1) == [1, 1, 0]


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 12)] * 2), min_size=1, max_size=6))
def test_fraction_of_pixel_aligned_boxes_equals_a_raster(boxes):
    outlines = [shapely.box(x, y, x + width, y + height) for x, y, width, height in boxes]
    windows = [shapely.box(x, y, x + 8, y + 8) for x in (0, 8, 16) for y in (0, 8)]
    expected = [
        rasterize(outlines, out_shape=(8, 8), transform=from_bounds(*window.bounds, 8, 8)).mean() for window in windows
    ]
    assert noise_fraction(outlines, windows) == pytest.approx(expected)
    assert noise_fraction(outlines, windows, method='raster', size_px=8) == pytest.approx(expected)


def test_raster_counts_the_middles_of_pixels():
    window, outline = shapely.box(0, 0, 4, 4), shapely.box(0, 0, 1.4, 4)
    assert noise_fraction([outline], [window])[0] == pytest.approx(0.35)
    assert noise_fraction([outline], [window], method='raster', size_px=4)[0] == pytest.approx(0.25)


def test_wrong_methods_are_told():
    window = [shapely.box(0, 0, 1, 1)]
    with pytest.raises(ValueError, match="'area' or 'raster'"):
        noise_fraction(window, window, method='count')
    with pytest.raises(ValueError, match='needs size_px'):
        noise_fraction(window, window, method='raster')


@pytest.mark.parametrize(
    ('event', 'flags'),
    [
        ('2020-06-01', [1, 1, 0]),
        ('2021-01-01', [1, 1, 0]),  # at the later date: that image shows it
        ('2021-06-01', [0, 1, 1]),
        ('2020-01-01', [0, 0, 0]),  # at the first date: every image shows it
        ('2019-06-01', [0, 0, 0]),
        ('2023-06-01', [0, 0, 0]),
        ('2020-06-01/2020-07-01', [1, 1, 0]),
        ('2020-06-01/2021-06-01', [-1, 1, -1]),  # the middle image may show it or not
        ('2019-01-01/2020-06-01', [-1, -1, 0]),
        (None, [-1, -1, -1]),
    ],
)
def test_a_pair_is_noisy_when_an_event_lies_between_its_dates(series, event, flags):
    frame = polygons(square(0, 0, 16), square(900, 0, 1), when=[event, '2020-06-01'])
    index = series.with_noise(change_polygons(frame, event_column='when'))
    told = [item.number for item in index.excluded if item.reason == 'no date of the event: pairs over it are unknown']
    assert told == [1] * (event is None)
    assert all_flags(index) == flags
    assert all_flags(index, location=1) == [0, 0, 0]
    for pair, flag in zip(((0, 1), (0, 2), (1, 2)), flags, strict=True):
        noise = index.pair_noise(0, *pair)
        assert np.isnan(noise) if flag < 0 else noise == pytest.approx(0.25 * flag)


def test_strata_count_what_the_flags_say(series):
    frame = polygons(square(0, 0, 16), square(40, 0, 8), when=['2020-06-01', '2020-06-01/2021-06-01'])
    index = series.with_noise(change_polygons(frame, event_column='when'))
    assert {name: index.count(name) for name in ('clean', 'noisy', 'unknown')} == {'clean': 1, 'noisy': 3, 'unknown': 2}
    for name, flag in (('clean', 0), ('noisy', 1), ('unknown', -1)):
        rows = index.keys(name, np.arange(index.count(name)))
        assert set(index.flags(rows)) == {flag}
        assert len(np.unique(rows, axis=0)) == len(rows)


def test_a_place_that_recovered_looks_as_before(series):
    frame = polygons(square(0, 0, 16), when=['2020-06-01'], back=['2021-06-01'])
    index = series.with_noise(change_polygons(frame, event_column='when', recovered_column='back'))
    assert all_flags(index) == [1, 0, 1]


@pytest.mark.parametrize('empty', [None, '', pd.NA, pd.NaT, np.nan])
def test_an_empty_date_of_recovery_is_never_and_of_an_event_unknown(series, empty):
    frame = polygons(square(0, 0, 16), square(32, 0, 16), when=['2020-06-01', empty], back=[empty, empty])
    index = series.with_noise(change_polygons(frame, event_column='when', recovered_column='back'))
    assert all_flags(index) == [1, 1, 0]
    assert all_flags(index, location=1) == [-1, -1, -1]


def test_noise_of_several_events_is_that_of_their_union(series):
    frame = polygons(
        square(0, 0, 16), square(8, 0, 16), square(0, 0, 16), when=['2020-06-01', '2021-06-01', '2020-06-01']
    )
    index = series.with_noise(change_polygons(frame, event_column='when'))
    assert index.pair_noise(0, 0, 1) == pytest.approx(0.25)
    assert index.pair_noise(0, 1, 2) == pytest.approx(0.25)
    assert index.pair_noise(0, 0, 2) == pytest.approx(0.375)


def test_one_event_date_serves_all(series):
    index = series.with_noise(change_polygons(polygons(square(0, 0, 16)), event_date='2021-06-01'))
    assert all_flags(index) == [0, 1, 1]


def test_min_noise_sets_the_threshold(series):
    noise = change_polygons(polygons(square(0, 0, 16), square(40, 0, 8)), event_date='2020-06-01')
    assert series.with_noise(noise).count('noisy') == 4
    assert series.with_rules(PairRules(min_noise=0.1)).with_noise(noise).count('noisy') == 2
    assert series.with_rules(PairRules(min_noise=0.25)).with_noise(noise).count('noisy') == 0


def test_two_dates_need_no_event_date_and_more_do(series, two_dates):
    noise = change_polygons(polygons(square(0, 0, 16)))
    assert two_dates.with_noise(noise).pair_noisy(0, 0, 1) == 1
    with pytest.raises(ValueError, match='more than two dates'):
        series.with_noise(noise)


def test_without_polygons_noise_is_unknown(series):
    assert series.count('unknown') == 6
    assert np.isnan(series.pair_noise(0, 0, 1))
    assert series.pair_noisy(0, 0, 1) == -1


def test_ground_that_polygons_do_not_cover_stays_unknown(series):
    ground = polygons(square(0, 0, 32)).to_crs('EPSG:4326')
    noise = change_polygons(polygons(square(0, 0, 16)), event_date='2020-06-01', ground=ground)
    index = series.with_noise(noise)
    assert all_flags(index, location=0) == [1, 1, 0]
    assert all_flags(index, location=1) == [-1, -1, -1]


def test_classes_choose_polygons(series):
    frame = polygons(square(0, 0, 16), square(40, 0, 8), damage=['minor', 'none'])
    chosen = change_polygons(frame, class_column='damage', noisy_classes=['minor'], event_date='2020-06-01')
    index = series.with_noise(chosen)
    assert (index.pair_noisy(0, 0, 1), index.pair_noisy(1, 0, 1)) == (1, 0)
    with pytest.raises(ValueError, match="'damage' holds minor, none"):
        change_polygons(frame, class_column='damage', noisy_classes=['major'])
    with pytest.raises(ValueError, match='needs class_column'):
        change_polygons(frame, noisy_classes=['minor'])
    with pytest.raises(ValueError, match="no column 'kind'"):
        change_polygons(frame, class_column='kind')


def test_polygons_in_another_crs_land_on_the_same_ground(series):
    frame = polygons(square(0, 0, 16)).to_crs('EPSG:4326')
    index = series.with_noise(change_polygons(frame, event_date='2020-06-01'))
    assert index.pair_noise(0, 0, 1) == pytest.approx(0.25, abs=1e-4)


def test_polygons_without_crs_are_an_error_unless_it_is_stated(tmp_path, series):
    frame = polygons(square(0, 0, 16), crs=None)
    with pytest.raises(ValueError, match=r'no CRS.*--polygons-crs'):
        change_polygons(frame)
    assert change_polygons(frame, crs='EPSG:32633').geometry.crs.to_epsg() == 32633
    with pytest.raises(ValueError, match=r"'EPSG:nowhere' of the polygons is unknown"):
        change_polygons(frame, crs='EPSG:nowhere')


def test_polygons_that_the_crs_of_the_images_does_not_reach_meet_nothing(series):
    here = polygons(square(0, 0, 16)).to_crs('EPSG:4326')
    far = polygons(shapely.box(179.9, -1, 180, 1), shapely.box(-165.1, 0, -164.9, 0.1), crs='EPSG:4326')
    noise = change_polygons(pd.concat([far, here], ignore_index=True), event_date='2020-06-01')
    assert [series.with_noise(noise).count(name) for name in ('noisy', 'unknown')] == [2, 0]
    with pytest.raises(ValueError, match='meets any of 2 windows'):
        series.with_noise(change_polygons(far, event_date='2020-06-01'))


def test_polygons_elsewhere_are_an_error(series):
    with pytest.raises(ValueError, match=r'None of 1 polygons meets any of 2 windows.*: longitude 13\.\d{4} to'):
        series.with_noise(change_polygons(polygons(square(1000, 0, 16)), event_date='2020-06-01'))


def test_polygons_that_touch_only_at_an_edge_do_not_meet(series):
    noise = change_polygons(polygons(square(0, 0, 16), square(64, 0, 8), square(0, 32, 8)), event_date='2020-06-01')
    assert series.with_noise(noise).count('noisy') == 2


def test_events_outside_the_dates_are_counted(series):
    outlines = square(0, 0, 16), square(0, 0, 8), square(0, 0, 4)
    frame = polygons(*outlines, when=['2019-01-01', '2024-01-01', '2020-06-01'])
    index = series.with_noise(change_polygons(frame, event_column='when'))
    assert [item.reason for item in index.excluded] == [
        'at or before the first date of their location',
        'after the last date of their location',
    ]


@pytest.mark.parametrize('dates', [['2019-01-01'], ['2024-01-01', None], ['2017', '2024-03'], ['../2019-01-01']])
def test_events_that_all_lie_outside_the_dates_are_an_error(series, dates):
    noise = change_polygons(polygons(*[square(0, 0, 16)] * len(dates), when=dates), event_column='when')
    with pytest.raises(ValueError, match=r'lie outside the dates of the images.*--date-format'):
        series.with_noise(noise)


def test_invalid_outlines_are_mended_and_flat_ones_left_out():
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    found = change_polygons(polygons(bow, shapely.Point(0, 0), None, square(0, 0, 1)))
    assert len(found.geometry) == 2
    assert found.geometry.is_valid.all()
    assert [(item.reason, item.number) for item in found.excluded] == [
        ('invalid outline, mended and kept', 1),
        ('no area', 2),
    ]
    with pytest.raises(ValueError, match='has an area'):
        change_polygons(polygons(shapely.Point(0, 0)))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'event_column': 'where'}, "no column 'where'"),
        ({'event_date': '2020-01-01', 'event_column': 'when'}, 'not both'),
        ({'event_date': '2021-01-01/2020-01-01'}, 'ends before it starts'),
        ({'event_date': 'soon'}, "--event-date.*no date in a way that is known: 'soon'.*Write 2018-11-08"),
        ({'event_date': '2021-01-01', 'recovered_column': 'when'}, 'recovered before their event'),
    ],
)
def test_wrong_event_dates_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        change_polygons(polygons(square(0, 0, 1), when=['2020-01-01']), **arguments)


def test_a_change_raster_serves_in_place_of_polygons(tmp_path, two_dates):
    changed = np.zeros((1, 32, 64), dtype=np.uint8)
    changed[0, 3:9, 28:40] = 1
    changed[0, 20, 20] = 1
    path = write_raster(tmp_path / 'change.tif', changed)
    index = two_dates.with_noise(change_raster(path))
    assert [index.pair_noise(location, 0, 1) for location in range(2)] == pytest.approx([25 / 1024, 48 / 1024])


def test_change_rasters_tell_nothing_where_they_hold_no_data(tmp_path, two_dates):
    changed = np.zeros((1, 32, 32), dtype=np.uint8)
    changed[0, :4] = 1
    left = write_raster(tmp_path / 'left.tif', changed)
    assert two_dates.with_noise(change_raster(left)).index['noisy'].tolist() == [1, -1]
    right = write_raster(tmp_path / 'right.tif', np.zeros_like(changed), offset_px=(32, 0))
    assert two_dates.with_noise(change_raster(left, right)).index['noisy'].tolist() == [1, 0]
    changed[0, 8:12, :4] = 255
    holes = write_raster(tmp_path / 'holes.tif', changed, nodata=255)
    both = two_dates.with_noise(change_raster(holes, right)).index
    assert both['noisy'].tolist() == [1, 0]  # that a part is unknown does not undo what changed elsewhere
    assert both['noise'].isna().tolist() == [True, False]


def test_a_change_raster_without_change_or_crs_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='Nothing changed'):
        change_raster(write_raster(tmp_path / 'none.tif', np.zeros((1, 8, 8), dtype=np.uint8)))
    with pytest.raises(ValueError, match='no CRS'):
        change_raster(write_raster(tmp_path / 'bare.tif', crs=None))
    with pytest.raises(FileNotFoundError, match=r'nowhere\.tif is not there'):
        change_raster(tmp_path / 'nowhere.tif')


@pytest.mark.parametrize('name', ['text.geojson', 'table.parquet'])
def test_files_without_polygons_are_told(tmp_path, name):
    (tmp_path / 'text.geojson').write_text('text')
    pd.DataFrame({'a': [1]}).to_parquet(tmp_path / 'table.parquet')
    with pytest.raises(ValueError, match=f'{name} holds no polygons that can be read'):
        change_polygons(tmp_path / name)


def test_an_empty_file_of_polygons_is_told():
    with pytest.raises(ValueError, match='holds no polygon'):
        change_polygons(polygons())


@pytest.mark.parametrize('name', ['change.parquet', 'change.gpkg', 'change.geojson'])
def test_polygons_are_read_from_files(tmp_path, name):
    frame = polygons(square(0, 0, 1), when=['2020-01-01'])
    if name.endswith('parquet'):
        frame.to_parquet(tmp_path / name)
    else:
        frame.to_file(tmp_path / name)
    assert len(change_polygons(tmp_path / name, event_column='when').geometry) == 1
