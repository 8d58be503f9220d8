"""The estimate without labels in an index: beside the flags, kept by the file and by choices of places and dates."""

import re

import numpy as np
import pytest
import torch

from geo_noisy.audit import agreement, estimate_index, estimate_noise
from geo_noisy.audit.estimate import feature_distances, map_distance, relative_scores
from geo_noisy.commands import index as index_command
from geo_noisy.datasets import TemporalPairs
from geo_noisy.datasets.vts.scenes import write_scenes
from geo_noisy.errors import InputError, UsageError
from geo_noisy.models import build_encoder, load_encoder
from geo_noisy.pairs import Limits, PairIndex, PairKey, build_index, change_polygons, scan_rasters
from geo_noisy.regions.pair_estimates import pairs_of_dates
from tests.data.regions import random_index, write_raster


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """An untrained encoder: even so, changed ground looks unlike itself."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'encoder.ckpt'
    state = {
        f'model.{name}': value for name, value in build_encoder('tu-test_resnet', output_stride=8).state_dict().items()
    }
    hyper = {'model': 'tu-test_resnet', 'in_channels': 3, 'output_stride': 8}
    torch.save({'state_dict': state, 'hyper_parameters': hyper}, path)
    return path


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp('scenes')
    write_scenes(folder, scenes=6, dates=3, size_px=64, cells=6, r_img=0.5, seed=1)
    return folder


@pytest.fixture(scope='module')
def index(scenes):
    found = build_index(scan_rasters([scenes]), size_px=32)
    return found.with_noise(change_polygons(scenes / 'changes.gpkg', event_column='event'))


@pytest.fixture(scope='module')
def estimated(index, weights):
    return estimate_index(index, weights, scale=255.0)


def keys(index):
    return [PairKey(*row) for row in pairs_of_dates(index.offsets).tolist()]


def test_it_is_the_estimate_of_its_pairs(index, estimated, weights):
    encoder = load_encoder(weights)
    with torch.no_grad():
        expected = estimate_noise(
            TemporalPairs(index), keys(index), lambda image: encoder(image / 255), scenes=index.locations.site[
                [key.location for key in keys(index)]
            ], reach=1, worst=0.1,
        )  # fmt: skip
    assert estimated.estimate == pytest.approx(expected['score'].to_numpy(), abs=1e-4)


def test_it_finds_changed_ground_and_leaves_the_flags(index, estimated):
    rows = pairs_of_dates(index.offsets)
    assert np.array_equal(estimated.flags(rows), index.flags(rows))
    assert agreement(estimated.estimate, index.flags(rows), index.locations.site[rows[:, 0]], within=True).auc > 0.7


@pytest.mark.parametrize('option', [{'reach': 0}, {'reach': 2}, {'worst': 1.0}, {'scale': 100.0}])
def test_options_act(index, estimated, weights, option):
    other = estimate_index(index, weights, **({'scale': 255.0} | option))
    assert not np.allclose(other.estimate, estimated.estimate)


def test_batches_do_not_matter(index, estimated, weights):
    found = estimate_index(index, weights, scale=255.0, batch_size=2)
    assert found.estimate == pytest.approx(estimated.estimate, abs=1e-3)


def test_the_file_keeps_it(estimated, tmp_path):
    with_gap = estimated.estimate.copy()
    with_gap[4] = np.nan
    changed = type(estimated)(**{**vars_of(estimated), 'estimate': with_gap})
    changed.write(tmp_path / 'pairs.parquet')
    assert np.array_equal(PairIndex.read(tmp_path / 'pairs.parquet').estimate, with_gap, equal_nan=True)


def vars_of(index):
    return {name: getattr(index, name) for name in type(index).__dataclass_fields__}


def test_locations_and_dates_take_theirs_along(estimated):
    by_pair = dict(zip(keys(estimated), estimated.estimate, strict=True))
    some = estimated.select(locations=np.array([5, 2]))
    assert dict(zip(keys(some), some.estimate, strict=True)) == {
        key._replace(location=row): by_pair[key._replace(location=location)]
        for row, location in enumerate((5, 2)) for key in keys(some) if key.location == row
    }  # fmt: skip
    outer = estimated.select(toi=('2016-01-01', '2017-12-31'))
    assert [key[1:3] for key in keys(outer)] == [(0, 1)] * len(outer)
    assert outer.estimate.tolist() == [by_pair[PairKey(location, 0, 1)] for location in range(len(outer))]
    assert outer.index['estimate'].tolist() == outer.estimate.tolist()
    assert 'estimate' not in estimated.index  # of three pairs a location


def test_pairs_of_dates_against_a_loop():
    offsets = np.array([0, 3, 4, 4, 6, 10])
    expected = [
        (location, earlier, later)
        for location, count in enumerate(np.diff(offsets))
        for earlier in range(count)
        for later in range(earlier + 1, count)
    ]
    assert pairs_of_dates(offsets).tolist() == [list(row) for row in expected]


def run(scenes, output, *words):
    return index_command.run('geo-noisy index', [str(word) for word in (scenes, '--size-px', 32, '-o', output, *words)])


def test_the_command_writes_it_and_tells_how_it_agrees(scenes, weights, estimated, tmp_path, capsys):
    noise = ('--polygons', scenes / 'changes.gpkg', '--event-column', 'event')
    assert run(scenes, tmp_path / 'p.parquet', *noise, '--estimate-noise', weights, '--estimate-scale', 255) == 0
    assert PairIndex.read(tmp_path / 'p.parquet').estimate == pytest.approx(estimated.estimate, abs=1e-4)
    told = capsys.readouterr().out
    assert 'Estimate:   72 of 72 pairs of dates, without labels; no flag hangs on it' in told
    assert re.search(r'scores above a clean one of its site in [01]\.\d\d of cases \(', told)


def test_the_command_without_flags_tells_no_agreement(scenes, weights, tmp_path, capsys):
    run(scenes, tmp_path / 'p.parquet', '--estimate-noise', weights, '--estimate-scale', 255)
    told = capsys.readouterr().out
    assert 'Estimate:   72 of 72' in told
    assert 'scores above' not in told


def test_what_is_missing_is_told(scenes, index, weights, tmp_path):
    with pytest.raises(InputError, match='give --estimate-scale'):
        estimate_index(index, weights)
    with pytest.raises(UsageError, match='--estimate-scale cannot act without --estimate-noise'):
        run(scenes, tmp_path / 'p.parquet', '--estimate-scale', 255)
    with pytest.raises(InputError, match=r'takes 3 bands, and the index has 1.*--bands'):
        run(scenes, tmp_path / 'p.parquet', '--bands', 1, '--estimate-noise', weights, '--estimate-scale', 255)
    with pytest.raises(UsageError, match='is an input'):
        run(scenes, weights, '--estimate-noise', weights, '--estimate-scale', 255)


def test_ground_without_data_is_not_measured(tmp_path, weights):
    for seed, date in enumerate(('20200101', '20210101', '20220101')):
        pixels = np.random.default_rng(seed).integers(1, 255, (3, 32, 32), dtype=np.uint8)
        pixels[:, :, :16] *= date != '20200101'
        pixels[:, :, 16:] *= date == '20200101'  # the first date shows the right half, the others the left one
        write_raster(tmp_path / f'{date}.tif', pixels, nodata=0)
    index = build_index(scan_rasters([tmp_path]), size_px=32, limits=Limits(max_nodata=0.6))
    found = estimate_index(index, weights, scale=255.0)
    assert np.isnan(found.estimate).tolist() == [True, True, False]


@pytest.mark.parametrize(('reach', 'worst'), [(0, 1.0), (1, 0.25)])
def test_distance_of_maps(reach, worst):
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(2, 5, 4, 4, generator=generator) for _ in range(2))
    seen = torch.ones(2, 4, 4, dtype=torch.bool)
    seen[0, 0] = False
    found = map_distance(first, second, seen, reach=reach, worst=worst)
    both = []
    for one, other in ((first, second), (second, first)):
        cosine = torch.einsum(
            'bdij,bdkl->bijkl', *(torch.nn.functional.normalize(each, dim=1) for each in (one, other))
        )
        row, col = torch.meshgrid(torch.arange(4), torch.arange(4), indexing='ij')
        far = (row[:, :, None, None] - row).abs().maximum((col[:, :, None, None] - col).abs()) > reach
        both.append(1 - cosine.masked_fill(far, -9).amax(dim=(3, 4)))
    apart = (both[0] + both[1]) / 2
    for pair, count in ((0, 12), (1, 16)):
        top = apart[pair][seen[pair]].sort(descending=True).values[: round(count * worst)]
        assert found[pair] == pytest.approx(float(top.mean()), abs=1e-5)
    assert map_distance(first, second, torch.zeros_like(seen), reach=reach, worst=worst).isnan().all()


def test_worst_is_a_share():
    maps = torch.zeros(1, 2, 2, 2)
    with pytest.raises(ValueError, match='worst is 0'):
        map_distance(maps, maps, torch.ones(1, 2, 2) > 0, worst=0.0)


def test_what_was_not_measured_has_no_score_and_changes_no_other():
    distance, place = np.array([1.0, 2, np.nan, 4, 3]), np.zeros(5, dtype=np.int64)
    score = relative_scores(distance, place, place)
    assert np.isnan(score[2])
    assert score[[0, 1, 3, 4]] == pytest.approx(relative_scores(distance[[0, 1, 3, 4]], place[:4], place[:4]))


def test_agreement_within_scenes():
    score = np.array([1.0, 2, 11, 12, 20, np.nan])
    flags, scene = np.array([0, 1, 1, 0, 1, 1], dtype=np.int8), np.array([0, 0, 1, 1, 2, 0])
    found = agreement(score, flags, scene, within=True)
    assert found.auc == 0.5  # right in the first scene, wrong in the second; the third has no clean pair
    assert (found.low, found.high) == (0, 1)
    assert agreement(score, flags, scene).auc == pytest.approx(4 / 6)
    with pytest.raises(ValueError, match='within scenes needs a scene'):
        agreement(score[:5], flags[:5], np.arange(5), within=True)


def test_cells_and_pairs_of_many_dates():
    index = random_index(7, dates=4)
    assert len(pairs_of_dates(index.offsets)) == 7 * 6


def test_feature_distances_heed_reach():
    image = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    image[1] = image[0].roll(1, dims=2)
    data = {PairKey(0, 0, 1): {'image': image}}
    near, same = (feature_distances(data, list(data), lambda x: x, reach=reach)[0] for reach in (1, 0))
    assert near < 0.1 * same
