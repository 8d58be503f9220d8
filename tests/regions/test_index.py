import shutil
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo_noisy.pairs import PairIndex, PairRules, build_index, change_polygons, scan_rasters
from geo_noisy.regions.dates.read import DAY_S
from geo_noisy.regions.runs import allowed_ranges
from tests.data.regions import polygons, random_index, square, write_raster, write_series

DATES = ('20200101', '20200111', '20200301', '20210101')


@pytest.fixture
def series(tmp_path):
    """Four windows of 32 px, four dates, an event in the first."""
    index = build_index(scan_rasters([write_series(tmp_path / 'images', DATES)]), size_px=32)
    return index.with_noise(change_polygons(polygons(square(0, 0, 16)), event_date='2020-02-01'))


def gaps_days(index):
    rows = np.concatenate([index.keys(name, np.arange(index.count(name))) for name in ('clean', 'noisy', 'unknown')])
    return sorted((np.diff(index.pair_times(rows), axis=1)[:, 0] / DAY_S).tolist())


@settings(max_examples=80)
@given(
    st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=6, unique=True), min_size=1, max_size=6),
    st.integers(0, 45),
    st.one_of(st.none(), st.integers(0, 45)),
)
def test_allowed_ranges_are_those_of_a_loop(times, low, high):
    times = [sorted(dates) for dates in times]
    flat, offsets = np.concatenate(times), np.cumsum([0] + [len(dates) for dates in times])
    allowed = allowed_ranges(flat, offsets, min_gap_s=low, max_gap_s=high)
    found = {
        (int(place), int(early), int(first) + step)
        for place, early, first, count in zip(
            allowed.location, allowed.position, allowed.first, allowed.lengths, strict=True
        )
        for step in range(count)
    }
    expected = {(place, 0, 0) for place, dates in enumerate(times) if len(dates) == 1}
    expected |= {
        (place, early, late)
        for place, dates in enumerate(times)
        for late in range(len(dates))
        for early in range(late)
        if low <= dates[late] - dates[early] <= (100 if high is None else high)
    }
    assert found == expected


def test_keys_name_every_pair_once(series):
    rows = np.concatenate([series.keys(name, np.arange(series.count(name))) for name in ('clean', 'noisy', 'unknown')])
    assert len(np.unique(rows, axis=0)) == len(rows) == 4 * 6
    assert series.count('noisy') == 4  # two dates before the event, two after
    assert (rows[:, 1] < rows[:, 2]).all()


@pytest.mark.parametrize('seed', range(3))
def test_spans_say_where_ranks_of_a_location_are(seed):
    index = random_index(60, dates=4, seed=seed)
    for name in ('clean', 'noisy'):
        locations, starts = index.spans(name)
        rows = index.keys(name, np.arange(index.count(name)))
        assert rows[:, 0].tolist() == np.repeat(locations, np.diff(starts)).tolist()


def test_no_row_a_pair():
    index = random_index(100, dates=60, noisy_share=0.5)
    pairs = sum(index.count(name) for name in ('clean', 'noisy'))
    assert pairs == 100 * 60 * 59 / 2
    assert sum(len(runs.location) for runs in index.strata.values()) <= 2 * 100 * 60


@pytest.mark.parametrize(
    ('rules', 'gaps'),
    [
        ({}, [10, 50, 60, 306, 356, 366]),
        ({'min_gap_days': 50}, [50, 60, 306, 356, 366]),
        ({'max_gap_days': 60}, [10, 50, 60]),
        ({'min_gap_days': 55, 'max_gap_days': 310}, [60, 306]),
    ],
)
def test_gaps_limit_pairs(series, rules, gaps):
    assert gaps_days(series.with_rules(PairRules(**rules))) == sorted(gaps * 4)


def test_sensors_may_be_chosen_or_kept_apart(tmp_path):
    for number, date in enumerate(DATES):
        write_raster(tmp_path / f'S{"AABA"[number]}_{date}.tif')
    index = build_index(scan_rasters([tmp_path], sensor_regex='S([AB])'), size_px=64)
    assert index.count('unknown') == 6
    assert index.with_rules(PairRules(same_sensor=True)).count('unknown') == 3
    assert index.select(sensors=['A']).count('unknown') == 3
    with pytest.raises(ValueError, match='No file comes from sensor C'):
        index.select(sensors=['C'])


@pytest.mark.parametrize(
    ('dates', 'pairs'),
    [
        (('20191201', '20200101', '20200301'), [(0, 1)]),
        (('20200301', '20200701', '20210531', '20210615'), [(0, 2), (1, 3)]),
    ],
)
def test_seasons_may_be_kept_apart(tmp_path, dates, pairs):
    index = build_index(scan_rasters([write_series(tmp_path / 'a', dates)]), size_px=64)
    rules = index.with_rules(PairRules(same_season=True))
    assert [tuple(row[1:]) for row in rules.keys('unknown', np.arange(rules.count('unknown'))).tolist()] == pairs


def test_seasons_and_sensors_may_both_be_kept_apart(tmp_path):
    for sensor, date in (('A', '20200101'), ('B', '20200111'), ('A', '20210101'), ('A', '20210701')):
        write_raster(tmp_path / f'S{sensor}_{date}.tif')
    index = build_index(scan_rasters([tmp_path], sensor_regex='S([AB])'), size_px=64)
    assert index.with_rules(PairRules(same_season=True, same_sensor=True)).count('unknown') == 1


def test_time_of_interest_and_months_choose_dates(series):
    assert np.diff(series.select(toi=('2020-01-05', '2020-12-31')).offsets).tolist() == [2] * 4
    assert np.diff(series.select(months=[1]).offsets).tolist() == [3] * 4
    with pytest.raises(ValueError, match='none has enough dates'):
        series.select(months=[3])
    with pytest.raises(ValueError, match='from 1 to 12'):
        series.select(months=[13])


def test_choosing_dates_keeps_the_noise(series):
    assert series.select(months=[1]).pair_noise(0, 1, 2) == series.pair_noise(0, 1, 3) == 0.25


def test_region_of_interest_and_rows_choose_locations(series):
    left = series.select(roi=box(399_999, 4_000_000, 400_320, 5_000_001))
    assert len(left) == 2
    assert left.index.total_bounds[2] == 400_320
    assert len(series.select(locations=np.array([True, False, True, False]))) == 2
    chosen = series.select(locations=np.array([3, 0]))
    assert chosen.locations.place.tolist() == [3, 0]
    assert chosen.pair_noise(1, 0, 3) == 0.25
    with pytest.raises(ValueError, match='no location lies there'):
        series.select(roi=box(0, 0, 1, 1))


def test_index_frame_has_a_row_a_location(series):
    frame = series.index
    assert isinstance(frame, gpd.GeoDataFrame)
    assert len(frame) == 4
    assert frame['pairs'].tolist() == [6] * 4
    assert frame['pairs_noisy'].tolist() == [4, 0, 0, 0]
    assert 'noise' not in frame
    two = series.select(toi=('2020-01-05', '2020-12-31')).index
    assert two['noise'].tolist() == [0.25, 0, 0, 0]
    assert two['noisy'].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize('key', [(4, 0, 1), (-1, 0, 1), (0, 0, 4), (0, -1, 1)])
def test_pairs_that_are_not_there_are_told(series, key):
    with pytest.raises(IndexError, match='must be positions in the index'):
        series.pair_noise(*key)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'min_gap_days': -1}, 'give days, from 0'),
        ({'min_gap_days': 5, 'max_gap_days': 4}, 'from min_gap_days'),
        ({'min_noise': 1}, r'\[0, 1\)'),
        ({'single': 'keep'}, "'drop' or 'self'"),
    ],
)
def test_wrong_rules_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        PairRules(**arguments)


# Splits --------------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(32, 200), st.integers(0, 32), st.sampled_from([8, 16, 32]))
def test_windows_of_two_splits_keep_their_distance(seed, block_px, margin_px, step):
    index = random_index(400, seed=1)
    placed = index.locations
    squeezed = replace(placed, col=placed.col // 32 * step, row=placed.row // 32 * step)
    index = replace(index, locations=squeezed)
    try:
        split = index.with_splits(block_px=block_px, margin_px=margin_px, seed=seed).locations.split
    except ValueError:
        return
    boxes = index.windows()
    parts = [gpd.GeoSeries(boxes[split == code]) for code in range(3)]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        apart = parts[first].union_all().distance(parts[second].union_all())
        assert apart >= margin_px
        assert not parts[first].union_all().intersection(parts[second].union_all()).area


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('gap', [0.5, 9.25])
def test_the_margin_holds_between_sites_too(tmp_path, seed, gap):
    for site in range(4):
        for date in ('20200101', '20210101'):
            place = {'offset_px': (site % 2 * (64 + gap), site // 2 * (64 + gap)), 'size_px': 64}
            write_raster(tmp_path / f'{site}_{date}.tif', **place)
    index = build_index(scan_rasters([tmp_path]), size_px=16)
    assert len(index.sites) == 4
    split = index.with_splits(block_px=32, margin_px=10, seed=seed).locations.split
    boxes = index.windows()
    for first, second in ((0, 1), (0, 2), (1, 2)):
        parts = [gpd.GeoSeries(boxes[split == code]).union_all() for code in (first, second)]
        assert parts[0].distance(parts[1]) >= 10 * 10 * 0.99


def test_shares_are_met_about(tmp_path):
    split = random_index(10_000).with_splits(shares=(0.6, 0.3, 0.1), block_px=64).locations.split
    assert np.bincount(split, minlength=3) / 10_000 == pytest.approx([0.6, 0.3, 0.1], abs=0.01)


def test_the_seed_chooses_the_blocks():
    first, again, other = (random_index(400).with_splits(block_px=64, seed=seed).locations.split for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_splits_are_taken_apart():
    index = random_index(400).with_splits(block_px=128, margin_px=8)
    parts = [index.split(name) for name in ('train', 'val', 'test')]
    assert sum(len(part) for part in parts) + (index.locations.split == -1).sum() == 400
    assert set(index.index['split']) <= {'train', 'val', 'test', 'margin'}
    with pytest.raises(ValueError, match='choose one of'):
        index.split('dev')
    with pytest.raises(ValueError, match='has no splits'):
        random_index(4).split('train')
    with pytest.raises(ValueError, match='none is in test'):
        random_index(400).with_splits(shares=(0.5, 0.5, 0), block_px=64).split('test')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'shares': (1, 1, 1)}, 'add up to 1'),
        ({'shares': (1.5, -0.5, 0)}, 'add up to 1'),
        ({'block_px': 16}, 'must hold a window of 32 px'),
        ({'margin_px': -1}, 'margin_px is -1'),
        ({'block_px': 10_000}, '1 blocks cannot be shared out over 3 splits'),
        ({'block_px': 32, 'margin_px': 32}, 'No location is left'),
    ],
)
def test_splits_that_cannot_be_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        random_index(400).with_splits(**arguments)


# Statistics ----------------------------------------------------------------------------------------------------------


def test_band_statistics_come_from_valid_pixels_of_the_training_split(tmp_path):
    pixels = np.zeros((2, 64, 64), dtype=np.uint8)
    pixels[0, :, :32], pixels[1, :, :32] = 10, 20
    pixels[:, :, 32:] = 200
    pixels[:, 0, 0] = 0
    folder = write_series(tmp_path / 'a', ('20200101', '20210101'), pixels=pixels, nodata=0)
    index = build_index(scan_rasters([folder]), size_px=32)
    split = np.where(index.locations.col == 0, 0, 1).astype(np.int8)
    index = replace(index, locations=replace(index.locations, split=split))
    found = index.with_statistics().statistics
    assert found.mean == pytest.approx([10, 20])
    assert found.std == pytest.approx([0, 0], abs=1e-3)
    assert index.with_statistics(windows=1).statistics.windows == 1


# Storage -------------------------------------------------------------------------------------------------------------


def test_an_index_survives_storage(tmp_path, series):
    series = (
        series.with_splits(block_px=32, shares=(0.5, 0.25, 0.25))
        .with_statistics()
        .with_rules(PairRules(min_gap_days=20))
    )
    series.write(tmp_path / 'pairs.parquet')
    again = PairIndex.read(tmp_path / 'pairs.parquet')
    pd.testing.assert_frame_equal(again.index, series.index)
    pd.testing.assert_frame_equal(again.files, series.files, check_dtype=False)
    assert (again.rules, again.statistics, again.excluded) == (series.rules, series.statistics, series.excluded)
    for name in ('clean', 'noisy', 'unknown'):
        ranks = np.arange(series.count(name))
        rows = series.keys(name, ranks)
        assert np.array_equal(again.keys(name, ranks), rows)
        assert np.array_equal(again.noises(rows), series.noises(rows))


def test_other_tools_read_it(tmp_path, series):
    series.write(tmp_path / 'pairs.parquet')
    frame = gpd.read_parquet(tmp_path / 'pairs.parquet')
    assert frame.crs.to_epsg() == 32633
    assert len(frame['dates'].iloc[0]) == 4


def test_an_index_without_noise_stays_without(tmp_path):
    index = build_index(scan_rasters([write_series(tmp_path / 'a')]), size_px=32)
    index.write(tmp_path / 'pairs.parquet')
    assert PairIndex.read(tmp_path / 'pairs.parquet').count('unknown') == 12


def test_files_that_moved_are_found_beside_the_index_or_in_the_root(tmp_path, series):
    series.write(tmp_path / 'pairs.parquet')
    moved = tmp_path / 'elsewhere'
    moved.mkdir()
    shutil.move(tmp_path / 'pairs.parquet', moved / 'pairs.parquet')
    shutil.move(tmp_path / 'images', moved / 'images')
    assert PairIndex.read(moved / 'pairs.parquet').files['paths'][0][0] == str(moved / 'images' / 'image_20200101.tif')
    shutil.move(moved / 'images', tmp_path / 'new')
    with pytest.raises(FileNotFoundError, match=r'not where they were.*init_args\.root'):
        PairIndex.read(moved / 'pairs.parquet')
    found = PairIndex.read(moved / 'pairs.parquet', root=tmp_path / 'new')
    assert found.files['paths'][0][0] == str(tmp_path / 'new' / 'image_20200101.tif')


def test_files_that_are_no_index_are_told(tmp_path, series):
    (tmp_path / 'text.parquet').write_text('text')
    with pytest.raises(ValueError, match='not a Parquet file'):
        PairIndex.read(tmp_path / 'text.parquet')
    series.index[['geometry']].to_parquet(tmp_path / 'other.parquet')
    with pytest.raises(ValueError, match='is not a pair index'):
        PairIndex.read(tmp_path / 'other.parquet')


def test_another_schema_is_told(tmp_path, series):
    series.write(tmp_path / 'pairs.parquet')
    table = pq.read_table(tmp_path / 'pairs.parquet')
    stored = table.schema.metadata[b'geo_noisy'].replace(b'"schema": 3', b'"schema": 99')
    pq.write_table(table.replace_schema_metadata({b'geo_noisy': stored}), tmp_path / 'new.parquet')
    with pytest.raises(ValueError, match='schema 99; this version reads 3'):
        PairIndex.read(tmp_path / 'new.parquet')
