import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import torch

from geo_noisy.audit import agreement, audit, estimate_noise
from geo_noisy.audit.estimate import feature_distances, pixel_distances, relative_scores
from geo_noisy.audit.mixture import fit_mixture
from geo_noisy.commands import index as index_command
from geo_noisy.commands import scenes
from geo_noisy.datasets import TemporalPairs
from geo_noisy.datasets.vts.scenes import write_scenes
from geo_noisy.pairs import PairIndex, PairKey, PairRules, build_index, change_polygons, scan_rasters
from tests.data.regions import polygons, random_index, square, write_raster, write_series

DATES = ('20200101', '20200111', '20220301')


@pytest.fixture
def folder(tmp_path):
    """Four windows of 32 px, three dates, and a polygon of change in the first."""
    write_series(tmp_path / 'images', DATES)
    outlines = polygons(square(0, 0, 16), square(40, 0, 8), event=['2021-01-01'] * 2, kind=['hit', 'none'])
    outlines.iloc[:1].to_file(tmp_path / 'change.gpkg')
    outlines.to_file(tmp_path / 'classes.gpkg')
    polygons(square(0, 0, 32)).to_file(tmp_path / 'ground.gpkg')
    return tmp_path


def run(module, *words):
    return module.run(module.__name__.split('.')[-1], [str(word) for word in words])


def indexed(folder, *words):
    """Run ``geo-noisy index`` and read what it wrote."""
    assert run(index_command, folder / 'images', '-o', folder / 'pairs.parquet', '--size-px', 32, *words) == 0
    return PairIndex.read(folder / 'pairs.parquet')


def test_the_command_prints_an_audit_and_writes_the_pairs(folder, capsys):
    index = indexed(folder, '--polygons', folder / 'change.gpkg', '--event-column', 'event')
    printed = capsys.readouterr().out
    for line in (
        'Ground:     1 site in EPSG:32633; pixels of 10 units',
        'Locations:  4',
        'Dates:      3 to 3 a location (median 3), 2020-01-01 to 2022-03-01',
        'Pairs:      12',
        'Noisy:      2 of 12 known pairs (16.7%); noise measured by area',
        '                7 to 31          4    0.0%',
        '              731 to 1827        8   25.0%',
        '             0.10 to 0.25        2  ########################################',
        'Left out:   nothing',
    ):
        assert line in printed
    assert index.count('noisy') == 2
    assert index.statistics.windows == 4


@pytest.mark.parametrize(
    ('words', 'found'),
    [
        (['--stride-px', 16, '--place-px', 64], lambda index: len(index) == 9),
        (['--stride-px', 16, '--place-px', 32], lambda index: len(index) == 4),
        (['--size-px', 64], lambda index: len(index) == 1),
        (['--res', 20, '--size-px', 16], lambda index: index.sites['res_x'].tolist() == [20]),
        (['--res', 20, 10, '--size-px', 16], lambda index: index.sites['res_y'].tolist() == [10]),
        (['--crs', 'EPSG:32634', '--size-px', 16], lambda index: index.crs == 'EPSG:32634'),
        (['--min-gap-days', 20], lambda index: index.count('unknown') == 8),
        (['--max-gap-days', 20], lambda index: index.count('unknown') == 4),
        (['--same-sensor', '--sensor-regex', r'20(20|22)'], lambda index: index.count('unknown') == 4),
        (['--same-season'], lambda index: index.count('unknown') == 4),
        (['--single', 'self'], lambda index: index.rules.single == 'self'),
        (['--split', 0.5, 0.25, 0.25, '--block-px', 32], lambda index: set(index.locations.split) == {0, 1, 2}),
        (
            ['--size-px', 16, '--split', 0.5, 0.5, 0, '--block-px', 32, '--margin-px', 2],
            lambda index: (index.locations.split == -1).sum() > 0,
        ),
        (['--statistics', 0], lambda index: index.statistics is None),
        (['--statistics', 2], lambda index: index.statistics.windows == 2),
        (['--date-regex', r'image_(\d{6})', '--date-format', '%Y%m'], lambda index: np.diff(index.offsets).max() == 2),
    ],
)
def test_options_of_the_command(folder, words, found):
    assert found(indexed(folder, *words))


@pytest.mark.parametrize(
    ('words', 'noisy'),
    [
        (['--event-column', 'event'], 2),
        (['--event-date', '2020-01-05'], 2),
        (['--event-column', 'event', '--class-column', 'kind', '--noisy-classes', 'hit'], 2),
        (['--event-column', 'event', '--min-noise', 0.3], 0),
        (['--event-column', 'event', '--noise', 'raster'], 2),
    ],
)
def test_noise_options_of_the_command(folder, words, noisy):
    index = indexed(folder, '--polygons', folder / 'change.gpkg', *words)
    assert index.count('noisy') == noisy
    assert index.noise_method == ('raster' if 'raster' in words else 'area')


def test_classes_recovery_and_ground_reach_the_index(folder):
    events = ['--polygons', folder / 'classes.gpkg', '--event-column', 'event']
    assert indexed(folder, *events).count('noisy') == 4
    assert indexed(folder, *events, '--class-column', 'kind', '--noisy-classes', 'hit').count('noisy') == 2
    told = indexed(folder, *events, '--ground', folder / 'ground.gpkg')
    assert [told.count(name) for name in ('clean', 'noisy', 'unknown')] == [1, 4, 7]
    back = ['--polygons', folder / 'change.gpkg', '--event-date', '2020-01-05', '--recovered-column', 'event']
    assert [indexed(folder, *back).pair_noisy(0, *pair) for pair in ((0, 1), (0, 2), (1, 2))] == [1, 0, 1]


def test_polygons_without_crs_reach_the_index_when_it_is_stated(folder):
    bare = polygons(square(0, 0, 16), crs=None)
    bare.to_parquet(folder / 'bare.parquet')
    words = ['--polygons', folder / 'bare.parquet', '--event-date', '2021-01-01']
    assert indexed(folder, *words, '--polygons-crs', 'EPSG:32633').count('noisy') == 2


def test_the_seed_chooses_the_splits(folder):
    words = ['--size-px', 8, '--split', 0.5, 0.25, 0.25, '--block-px', 8]
    first, again, other = (indexed(folder, *words, '--split-seed', seed).locations.split for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_dates_in_tags_reach_the_index(tmp_path):
    (tmp_path / 'images').mkdir()
    for year in (2020, 2021):
        write_raster(tmp_path / 'images' / f'{year}.tif', tags={'TIFFTAG_DATETIME': f'{year}:07:11 10:11:12'})
    found = indexed(tmp_path, '--date-tag', 'TIFFTAG_DATETIME').index['dates'][0]
    assert found.astype('datetime64[D]').astype(str).tolist() == ['2020-07-11', '2021-07-11']


def test_limits_reach_the_index(folder):
    pixels = np.ones((2, 64, 64), dtype=np.uint8)
    pixels[:, :, :16] = 0
    write_raster(folder / 'images' / 'image_20230101.tif', pixels, nodata=0)
    assert np.diff(indexed(folder).offsets).tolist() == [3, 4, 3, 4]
    assert np.diff(indexed(folder, '--max-nodata', 0.6).offsets).tolist() == [4] * 4
    cloudy = indexed(folder, '--max-cloud', 60, '--cloud-band', 1, '--cloud-values', 1, '--footprint', 'bounds')
    assert np.diff(cloudy.offsets).tolist() == [4, 3, 4, 3]


def test_a_change_raster_reaches_the_index(folder):
    changed = np.zeros((1, 64, 64), dtype=np.uint8)
    changed[0, :8, :8] = 1
    path = write_raster(folder / 'change.tif', changed)
    index = indexed(folder, '--change-raster', path, '--event-date', '2021-01-01')
    assert index.pair_noise(0, 0, 2) == pytest.approx(64 / 1024)


def test_assets_and_sensors_of_a_table_reach_the_index(folder):
    rows = [
        {
            'datetime': pd.Timestamp(date, tz='UTC'),
            'craft': f's{number % 2}',
            'assets': {'data': {'href': f'image_{date}.tif'}, 'thumbnail': {'href': 'x.png'}},
        }
        for number, date in enumerate(DATES)
    ]
    pd.DataFrame(rows).to_parquet(folder / 'items.parquet')
    words = ['--table', folder / 'items.parquet', '--table-root', folder / 'images', '--assets', 'data']
    words += ['--sensor-column', 'craft', '--same-sensor', '-o', folder / 'p.parquet', '--size-px', 32]
    assert run(index_command, *words) == 0
    assert PairIndex.read(folder / 'p.parquet').count('unknown') == 4


def test_a_table_serves_in_place_of_images(folder):
    (folder / 'table.csv').write_text(
        'path,day,clouds\nimage_20200101.tif,2001-01-01,0\nimage_20200111.tif,2002-01-01,80\n'
    )
    words = ['-o', folder / 'p.parquet', '--size-px', 32, '--table', folder / 'table.csv', '--path-column', 'path']
    words += ['--date-column', 'day', '--cloud-column', 'clouds', '--table-root', folder / 'images']
    assert run(index_command, *words) == 0
    assert PairIndex.read(folder / 'p.parquet').index['dates'][0].astype('datetime64[Y]').astype(str).tolist() == [
        '2001',
        '2002',
    ]
    with pytest.raises(ValueError, match='No location has two dates'):
        run(index_command, *words, '--max-cloud', 50)
    with pytest.raises(FileNotFoundError, match=r'The table nowhere\.csv is not there'):
        run(index_command, *words, '--table', 'nowhere.csv')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--table', 'x.csv'], 'not both'),
        (['--polygons', 'x', '--change-raster', 'y'], 'not both'),
        (['--polygons', '{folder}/change.gpkg'], 'more than two dates'),
        (['--split', '0.5', '0.25', '0.25'], '1 blocks cannot be shared out'),
        (['--res', '1', '2', '3'], '--res takes 1 or 2 values; 3 were given'),
        (['--event-column', 'event'], '--event-column cannot act without --polygons'),
        (['--event-date', '2021-01-01'], '--event-date cannot act without --polygons'),
        (['--change-raster', 'x', '--class-column', 'kind'], '--class-column cannot act without --polygons'),
        (['--polygons', 'nowhere.gpkg'], 'are not there'),
        (['-o', '{folder}/nowhere/x.parquet'], 'make it first'),
        (['--map', '{folder}/nowhere/x.html'], 'make it first'),
        (['--stride-px', '0'], 'stride_px is 0; it must lie between 1 and'),
        (['--block-px', '0', '--split', '0.5', '0.5', '0'], 'block_px is 0; a block must hold a window'),
        (['--statistics', '-5'], 'windows is -5 and seed 0; give at least one window'),
        (['--min-gap-days', '9999'], r'No two dates of any of 4 locations .*min_gap_days=9999'),
    ],
)
def test_wrong_options_are_told(folder, words, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        indexed(folder, *(word.format(folder=folder) for word in words))


def test_the_audit_tells_what_was_left_out(folder):
    write_raster(folder / 'images' / 'nodate.tif')
    printed = audit(build_index(scan_rasters([folder / 'images']), size_px=32))
    assert '1 x file: no date in the name' in printed
    assert 'Unknown:    12 pairs (100.0%)' in printed


def test_the_audit_samples_large_indices(monkeypatch):
    monkeypatch.setattr('geo_noisy.audit.report._LOOKED_AT', 50)
    assert 'random pairs' in audit(random_index(200))
    assert 'Self-pairs: ' not in audit(random_index(20))


def test_self_pairs_are_counted(tmp_path):
    write_series(tmp_path / 'a', ('20200101', '20210101'), size_px=32)
    write_raster(tmp_path / 'a' / 'wide_20220101.tif')
    index = build_index(scan_rasters([tmp_path / 'a']), size_px=32, rules=PairRules(single='self'))
    assert 'Self-pairs: 3 locations' in audit(index)


# Estimate ------------------------------------------------------------------------------------------------------------


def pixels_as_features(image):
    """A stand-in for an encoder: blocks of 4 px, centred."""
    pooled = torch.nn.functional.avg_pool2d(image, 4)
    return pooled - pooled.mean(dim=(1, 2, 3), keepdim=True)


@pytest.fixture
def changed_scenes(tmp_path):
    write_scenes(tmp_path, scenes=8, dates=3, size_px=64, cells=6, r_img=0.5, seed=1)
    index = build_index(scan_rasters([tmp_path]), size_px=64)
    return index.with_noise(change_polygons(tmp_path / 'changes.gpkg', event_column='event'))


def all_keys(index):
    rows = np.concatenate([index.keys(name, np.arange(index.count(name))) for name in ('clean', 'noisy')])
    return [PairKey(*row) for row in rows.tolist()], index.flags(rows)


def test_the_estimate_finds_changed_scenes(changed_scenes):
    dataset = TemporalPairs(changed_scenes)
    keys, flags = all_keys(changed_scenes)
    found = estimate_noise(dataset, keys, pixels_as_features, batch_size=5)
    distance = feature_distances(dataset, keys, pixels_as_features)
    assert found['distance'].to_numpy() == pytest.approx(distance, abs=1e-6)
    assert found['probability'].between(0, 1).all()
    assert agreement(distance, flags, found['location'].to_numpy()).auc > 0.9
    assert agreement(pixel_distances(dataset, keys), flags, found['location'].to_numpy()).auc > 0.9


def test_the_estimate_compares_within_scenes(changed_scenes):
    dataset, (keys, _) = TemporalPairs(changed_scenes), all_keys(changed_scenes)
    keys = [key for key in keys if (key.earlier, key.later) == (0, 1)]
    scenes = np.arange(len(keys)) % 2
    found = estimate_noise(dataset, keys, pixels_as_features, scenes=scenes)
    distance = feature_distances(dataset, keys, pixels_as_features)
    assert found['scene'].tolist() == scenes.tolist()
    expected = relative_scores(distance, found['location'].to_numpy(), scenes)
    assert found['score'].to_numpy() == pytest.approx(expected)
    assert estimate_noise(dataset, keys, pixels_as_features)['score'].to_numpy() != pytest.approx(expected)


def test_few_pairs_are_told(changed_scenes):
    with pytest.raises(ValueError, match='3 pairs are too few'):
        estimate_noise(TemporalPairs(changed_scenes), all_keys(changed_scenes)[0][:3], pixels_as_features)


def test_cells_without_data_do_not_count():
    image = torch.ones(2, 1, 8, 8)
    image[1, :, :, 4:] = -1
    valid = torch.ones(2, 8, 8, dtype=torch.bool)
    data = {
        PairKey(0, 0, 1): {'image': image, 'valid': valid},
        PairKey(1, 0, 1): {'image': image, 'valid': valid.clone()},
    }
    data[PairKey(1, 0, 1)]['valid'][0, :, 4:] = False
    assert feature_distances(data, list(data), lambda pixels: pixels).tolist() == [1.0, 0.0]


def test_scores_are_relative_to_the_location_or_to_the_scene():
    location = np.array([0, 0, 0, 1, 1, 1, 2, 3, 4])
    scene = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    distance = np.array([1.0, 1, 2, 10, 10, 20, 1, 1, 4])
    assert relative_scores(distance, location, scene) == pytest.approx(
        np.log([1 / 1.5, 1 / 1.5, 2, 10 / 15, 10 / 15, 2, 1 / 2.5, 1 / 2.5, 4])
    )


def test_agreement_counts_and_bootstraps_over_scenes():
    score, flags = np.array([0.1, 0.2, 0.3, 0.9, 0.8, 0.5]), np.array([0, 0, 1, 1, -1, 0], dtype=np.int8)
    found = agreement(score, flags, np.array([0, 1, 2, 3, 4, 5]))
    assert found.auc == pytest.approx(5 / 6)
    assert (found.noisy, found.clean) == (2, 3)
    assert found.low < found.auc <= found.high
    one = agreement(score, flags, np.zeros(6))
    assert one.low == one.high == found.auc
    assert agreement(np.ones(6), flags, np.arange(6)).auc == 0.5
    with pytest.raises(ValueError, match='needs noisy and clean pairs'):
        agreement(score, np.zeros(6, dtype=np.int8), np.arange(6))


def test_a_mixture_finds_its_components():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 0.3, 700), rng.normal(3, 0.5, 300)])
    found = fit_mixture(values)
    assert found.mean == pytest.approx([0, 3], abs=0.1)
    assert found.weight == pytest.approx([0.7, 0.3], abs=0.03)
    assert found.std == pytest.approx([0.3, 0.5], abs=0.1)
    chances = found.probability(np.array([-5.0, 0, 1.5, 3, 9]))
    assert (np.diff(chances) >= 0).all()
    assert chances[1] < 0.01
    assert chances[3] > 0.99


def test_a_mixture_of_equal_values_does_not_fail():
    assert np.isfinite(fit_mixture(np.ones(10)).probability(np.ones(2))).all()


def test_scenes_command(tmp_path, capsys):
    assert run(scenes, tmp_path / 's', '--scenes', 4, '--dates', 2, '--size-px', 32, '--noisy-share', 0.5) == 0
    assert '4 scenes of 2 dates' in capsys.readouterr().out
    assert len(list((tmp_path / 's').glob('*.tif'))) == 8
    run(scenes, tmp_path / 'other', '--scenes', 1, '--size-px', 32, '--res', 3, '--r-img', 0.9, '--noisy-share', 1)
    run(scenes, tmp_path / 'seed', '--scenes', 1, '--size-px', 32, '--r-img', 0.1, '--noisy-share', 1, '--seed', 1)
    areas = [gpd.read_file(tmp_path / name / 'changes.gpkg').area.sum() for name in ('other', 'seed')]
    assert areas[0] / (32 * 3) ** 2 > 0.6 > 0.4 > areas[1] / (32 * 2) ** 2
    first, second = (rasterio.open(tmp_path / name / 'scene_000_20160615.tif').read() for name in ('other', 'seed'))
    assert not np.array_equal(first, second)
