"""Maps of change, and change per polygon."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate
from torchgeo.datasets import RasterDataset

from geo_noisy.inference import calibrated_scores, change_distance
from geo_noisy.main import main
from tests.data.regions import polygons, square, write_raster
from tests.inference.scenes import texture, write_dates, write_weights


def change(tmp_path: Path, *words: str) -> Path:
    weights = write_weights(tmp_path / 'last.ckpt')
    out = tmp_path / 'out'
    images = [str(tmp_path / 'images'), '--weights', str(weights), '--output-stride', '8', '--no-progress']
    assert main(['change', *images, '-o', str(out), *words]) == 0
    return out


def test_a_map_shows_what_changed(tmp_path: Path) -> None:
    write_dates(tmp_path / 'images')
    (path,) = change(tmp_path, '--tile-px', '128').glob('*.tif')
    assert path.name == 'change_0_20200101T000000_20210101T000000.tif'
    assert cog_validate(path, strict=True, quiet=True)[0]
    with rasterio.open(path) as file:
        distance = file.read(1)
        assert file.tags()['LATER'] == '2021-01-01T00:00:00'
        assert file.descriptions == ('feature distance, 0 to 2',)
        assert file.res == (80.0, 80.0)
    assert distance.shape == (38, 53)

    class Changes(RasterDataset):
        filename_glob = 'change_*.tif'
        filename_regex = r'change_\d+_(?P<start>\d{8}T\d{6})_(?P<stop>\d{8}T\d{6})'
        date_format = '%Y%m%dT%H%M%S'

    dataset = Changes(str(path.parent))
    shown = dataset[dataset.bounds]['image'][0].numpy()
    assert np.array_equal(shown, distance, equal_nan=True)
    assert dataset.index.index.left[0].year == 2020
    far = distance[30:, 40:]
    assert np.nanmax(far) < 1e-3
    assert np.nanmean(distance[13:23, 13:23]) > 10 * np.nanmax(far)


def test_each_consecutive_pair_or_those_asked_for(tmp_path: Path) -> None:
    for seed, date in enumerate(('20200101', '20210101', '20220101')):
        (tmp_path / 'images').mkdir(exist_ok=True)
        write_raster(tmp_path / 'images' / f'image_{date}.tif', texture(96, 96, seed=seed))
    assert len(list(change(tmp_path).glob('*.tif'))) == 2
    asked = change(tmp_path, '--date', '2020', '2022-01-01', '-o', str(tmp_path / 'asked'))
    assert asked.exists()
    assert [path.name for path in (tmp_path / 'asked').glob('*.tif')] == [
        'change_0_20200101T000000_20220101T000000.tif'
    ]


def test_polygons_without_a_crs_name_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_dates(tmp_path / 'images')
    frame = gpd.GeoDataFrame(geometry=[square(96, 96, 96)])
    with pytest.warns(UserWarning, match='crs'):
        frame.to_file(tmp_path / 'places.gpkg')
    words = ['change', str(tmp_path / 'images'), '--weights', str(write_weights(tmp_path / 'last.ckpt'))]
    words += ['--footprints', str(tmp_path / 'places.gpkg'), '-o', str(tmp_path / 'out')]
    assert main(words) == 2
    assert 'state it (--footprint-crs)' in capsys.readouterr().err


def test_one_date_is_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_dates(tmp_path / 'images')
    weights = write_weights(tmp_path / 'last.ckpt')
    words = ['change', str(tmp_path / 'images'), '--weights', str(weights), '--date', '2020', '--no-progress']
    assert main([*words, '-o', str(tmp_path / 'out')]) == 1
    assert 'Change needs two dates of one place' in capsys.readouterr().err


def test_small_misregistration_is_no_change() -> None:
    rng = np.random.default_rng(0)
    features = rng.random((8, 12, 12)).astype(np.float32)
    moved = np.roll(features, 1, axis=2)
    inner = (slice(2, -2), slice(2, -2))
    assert change_distance(features, moved, tolerance_cells=1)[inner].max() < 1e-5
    assert change_distance(features, moved, tolerance_cells=0)[inner].min() > 0.01


def test_what_appears_and_what_goes_are_both_change() -> None:
    plain = np.tile(np.array([1.0, 0.0], dtype=np.float32)[:, None, None], (1, 9, 9))
    spot = plain.copy()
    spot[:, 4, 4] = 0.0, 1.0
    for before, after in ((plain, spot), (spot, plain)):
        assert change_distance(before, after)[4, 4] == pytest.approx(1)
    empty = plain.copy()
    empty[:, 4, 4] = np.nan
    found = change_distance(plain, empty)
    assert np.isnan(found[4, 4])
    assert np.nanmax(found) < 1e-6


def test_polygons_with_and_without_labels(tmp_path: Path) -> None:
    write_dates(tmp_path / 'images')
    rng = np.random.default_rng(0)
    inside = [square(col, row, 10) for col, row in rng.integers(100, 180, (12, 2)).tolist()]
    outside = [
        square(col, row, 10)
        for col, row in zip(rng.integers(290, 400, 14).tolist(), rng.integers(10, 280, 14).tolist(), strict=True)
    ]
    labels = ['gone'] * 10 + [None] * 2 + ['there'] * 11 + [None, None, 'there']
    frame = polygons(*inside, *outside[:13], square(5000, 5000, 10), kind=labels, name=list(range(26)))
    frame.to_crs('EPSG:4326').to_file(tmp_path / 'buildings.gpkg')
    words = ['--footprints', str(tmp_path / 'buildings.gpkg')]
    out = change(tmp_path, *words)
    table = gpd.read_parquet(out / 'footprints.parquet')
    assert table['name'].tolist() == list(range(25))  # one lies on no map
    assert table.crs.to_epsg() == 4326
    assert (table['seen'] > 0.999).all()
    assert table['distance'][:12].min() > table['distance'][12:].max()
    assert (table['distance_max'] >= table['distance'] - 1e-9).all()
    assert 'score' not in table
    change(tmp_path, *words, '--label-column', 'kind', '--changed-values', 'gone')
    scored = gpd.read_parquet(out / 'footprints.parquet')
    assert scored['score'].between(0, 1).all()
    assert scored['score'][10:12].min() > 0.5 > scored['score'][23:].max()
    assert scored['score'][:10].mean() > 0.5 > scored['score'][12:23].mean()


def test_labels_of_all_places_serve_together(tmp_path: Path) -> None:
    """At one place all labelled polygons changed, at the other none."""
    write_dates(tmp_path / 'images', rows=288, cols=288)
    for date in ('20200101', '20210101'):
        write_raster(tmp_path / 'images' / f'other_{date}.tif', texture(288, 288, seed=3), offset_px=(1000, 0))
    gone = [square(col, row, 8) for col in (100, 120, 140, 160) for row in (100, 140, 170)]
    there = [square(1000 + col, row, 8) for col in (20, 100, 180, 240) for row in (20, 120, 240)]
    polygons(*gone, *there, changed=[1] * 12 + [0] * 12).to_file(tmp_path / 'buildings.gpkg')
    out = change(tmp_path, '--footprints', str(tmp_path / 'buildings.gpkg'), '--label-column', 'changed')
    table = gpd.read_parquet(out / 'footprints.parquet')
    assert len(table) == 24
    assert table[table['changed'] == 1]['score'].mean() > 0.5 > table[table['changed'] == 0]['score'].max()


@pytest.mark.parametrize(
    ('words', 'status', 'told'),
    [
        (['--label-column', 'kind'], 2, '--footprints'),
        (['--footprints', 'FILE', '--label-column', 'kin'], 1, "no column 'kin'"),
        (['--footprints', 'FILE', '--label-column', 'kind'], 1, 'say which of them mean changed'),
        (['--footprints', 'FILE', '--label-column', 'kind', '--changed-values', 'lost'], 1, 'never holds lost'),
        (['--footprints', 'FILE', '--changed-values', 'gone'], 2, 'label_column'),
        (['--footprints', 'FILE', '--label-column', 'kind', '--changed-values', 'gone'], 1, 'two labelled cases'),
        (['--tolerance-cells', '-1'], 2, 'tolerance_cells is -1'),
    ],
)
def test_what_cannot_be(words: list[str], status: int, told: str, tmp_path: Path, capsys) -> None:
    write_dates(tmp_path / 'images', rows=192, cols=192)
    frame = polygons(square(10, 10, 20), square(50, 50, 20), kind=['gone', 'there'])
    frame.to_file(tmp_path / 'buildings.gpkg')
    weights = write_weights(tmp_path / 'last.ckpt')
    words = [str(tmp_path / 'buildings.gpkg') if word == 'FILE' else word for word in words]
    images = ['change', str(tmp_path / 'images'), '--weights', str(weights), '--no-progress']
    assert main([*images, '-o', str(tmp_path / 'out'), *words]) == status
    assert told in capsys.readouterr().err


@pytest.mark.parametrize('method', ['logistic', 'isotonic'])
def test_scores_are_calibrated_and_never_their_own_judge(method: str) -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(2000) < 0.3).astype(float)
    distance = rng.normal(size=2000) + 1.5 * truth
    shown = np.where(rng.random(2000) < 0.5, truth, np.nan)
    score = calibrated_scores(distance, shown, method=method)
    hidden = np.isnan(shown)
    assert abs(score[hidden].mean() - truth[hidden].mean()) < 0.03
    high = hidden & (score > 0.5)
    assert abs(score[high].mean() - truth[high].mean()) < 0.07
    alone = calibrated_scores(distance, truth, method=method)
    flipped = truth.copy()
    flipped[0] = 1 - flipped[0]
    groups = np.arange(2000)
    assert np.corrcoef(alone, score)[0, 1] > 0.98
    assert calibrated_scores(distance, flipped, method=method, groups=groups)[0] == pytest.approx(alone[0], abs=0.05)
    assert np.isnan(calibrated_scores(np.append(distance, np.nan), np.append(shown, np.nan), method=method)[-1])
