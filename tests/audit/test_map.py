"""The map of pairs: one file that needs no network, with all locations and pictures of some."""

import base64
import gzip
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from geo_noisy.audit import write_map
from geo_noisy.audit.map_locations import GAP_NAMES, NOISE_NAMES, count_pairs
from geo_noisy.audit.map_windows import choose_pairs, draw_windows, one_pair_each, outlines
from geo_noisy.main import main
from geo_noisy.pairs import PairIndex
from tests.data.regions import polygons, random_index, square, write_raster, write_series

DATES = ('20200101', '20200111', '20220301')
KINDS = {'Int32Array': '<i4', 'Uint16Array': '<u2', 'Int8Array': 'i1'}
EARLIER, LATER, CHANGED, DOUBTFUL = 7, 8, 9, 10


@pytest.fixture
def folder(tmp_path):
    """Four windows of 32 px, three dates, and a polygon of change in the first."""
    write_series(tmp_path / 'images', DATES)
    polygons(square(0, 0, 16), event=['2021-01-01']).to_file(tmp_path / 'change.gpkg')
    return tmp_path


def index_with_map(folder, *words):
    """Run ``geo-noisy index --map``; what the page tells."""
    command = ['index', folder / 'images', '-o', folder / 'pairs.parquet', '--size-px', '32', '--statistics', '0']
    command += ['--polygons', folder / 'change.gpkg', '--event-column', 'event', '--map', folder / 'map.html']
    assert main([str(word) for word in [*command, *words]]) == 0
    return told_by(folder / 'map.html')


def told_by(path):
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', path.read_text(), re.DOTALL)
    return json.loads(data[1])


def array(told, name):
    kind, text = told['arrays'][name]
    return np.frombuffer(gzip.decompress(base64.b64decode(text)), dtype=KINDS[kind])


def test_the_page_needs_no_network(folder):
    index_with_map(folder)
    page = (folder / 'map.html').read_text()
    assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)=', page)
    assert "default-src 'none'" in page  # the browser would refuse what is asked of others
    assert 'Leaflet 1.' in page
    assert '/*' + 'DATA' + '*/' not in page


def test_the_page_tells_places_dates_and_noise(folder):
    told = index_with_map(folder)
    index = PairIndex.read(folder / 'pairs.parquet')
    bounds = array(told, 'bounds').reshape(-1, 4) / 1e7
    assert bounds[:, 0] == pytest.approx(index.index.to_crs(4326).bounds['minx'], abs=1e-6)
    assert np.array([told['files'][file] for file in array(told, 'file')]).reshape(4, 3)[0].tolist() == [
        f'image_{date}.tif' for date in DATES
    ]
    flags, shares = array(told, 'pair_flag').reshape(4, 3), array(told, 'pair_share').reshape(4, 3)
    assert flags.tolist() == [[0, 1, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert shares[0].tolist() == [0, 2500, 2500]


def test_pairs_are_counted_by_gap_and_noise(folder):
    told = index_with_map(folder)
    counts = array(told, 'counts').reshape(4, len(GAP_NAMES), len(NOISE_NAMES))
    assert counts.sum(axis=(1, 2)).tolist() == [3, 3, 3, 3]
    found = {(GAP_NAMES[gap], NOISE_NAMES[noise]): counts[0, gap, noise] for gap, noise in np.argwhere(counts[0])}
    assert found == {('7 to 31 days', 'clean'): 1, ('731 to 1827 days', 'noisy to 0.25'): 2}


def test_both_dates_are_shown_with_the_outline_of_what_changed(folder):
    told = index_with_map(folder)
    assert {picture[0] for picture in told['pictures']} == {0, 1, 2, 3}
    (noisy,) = (picture for picture in told['pictures'] if picture[5] == 1)
    assert noisy[0] == 0
    assert noisy[6] == 0.25
    for source in noisy[EARLIER : LATER + 1]:
        image = Image.open(io.BytesIO(base64.b64decode(source.removeprefix('data:image/jpeg;base64,'))))
        assert image.size == (32, 32)
    corners = {tuple(map(int, point.split())) for point in re.findall(r'\d+ \d+', noisy[CHANGED])}
    assert corners == {(0, 0), (500, 0), (500, 500), (0, 500)}
    assert noisy[DOUBTFUL] == ''


def test_what_may_have_changed_is_outlined_apart(folder):
    index_with_map(folder)
    index = PairIndex.read(folder / 'pairs.parquet')
    polygons(square(0, 0, 16), event=['2021-01-01/2022-12-31']).to_file(folder / 'change.gpkg')
    index_with_map(folder)
    surely = outlines(index, np.array([0, 0, 2]))
    perhaps = outlines(PairIndex.read(folder / 'pairs.parquet'), np.array([0, 0, 2]))
    assert surely[0] == perhaps[1] != ''
    assert surely[1] == perhaps[0] == ''


def test_thumbnails_of_other_windows_lie_beside(folder):
    index_with_map(folder)
    index = PairIndex.read(folder / 'pairs.parquet')
    assert write_map(index, folder / 'map.html', windows=1, thumbnails=folder / 'pictures') == 4
    sources = [
        source for picture in told_by(folder / 'map.html')['pictures'] for source in picture[EARLIER : LATER + 1]
    ]
    beside = [source for source in sources if not source.startswith('data:')]
    assert len(beside) == 6
    assert all(Image.open(folder / source).size == (32, 32) for source in beside)
    assert {path.name for path in (folder / 'pictures').iterdir()} == {source.split('/')[1] for source in beside}


def test_thumbnails_are_an_option_of_the_command(folder, capsys):
    index_with_map(folder, '--thumbnails', str(folder / 'pictures'))
    assert list((folder / 'pictures').iterdir()) == []  # the page holds all four
    assert '4 locations, 4 of them with pictures' in capsys.readouterr().out
    assert main(['index', str(folder), '-o', str(folder / 'x.parquet'), '--thumbnails', str(folder / 'y')]) == 2
    assert 'cannot act without --map' in capsys.readouterr().err


def test_windows_come_from_each_stratum_in_equal_numbers():
    index = random_index(300, noisy_share=0.3)
    rows = choose_pairs(index, most=60, seed=0)
    assert len(np.unique(rows[:, 0])) == 60
    assert np.bincount(index.flags(rows)).tolist() == [30, 30]
    few = choose_pairs(index, most=300, seed=0)
    assert len(few) == 300
    assert not np.array_equal(rows, choose_pairs(index, most=60, seed=1))


def test_each_location_has_a_pair_the_noisy_one_first():
    index = random_index(100)
    rows = one_pair_each(index, seed=0)
    assert rows[:, 0].tolist() == list(range(100))
    noisy = index.strata['noisy'].counts(100) > 0
    assert (index.flags(rows) == noisy).all()


def test_pictures_end_at_their_bytes(folder):
    index_with_map(folder)
    index = PairIndex.read(folder / 'pairs.parquet')
    every = draw_windows(index, most=4, most_bytes=10**6, remote=False, seed=0)
    first = sum(map(len, every.pictures[0].images))
    assert len(draw_windows(index, most=4, most_bytes=first, remote=False, seed=0).pictures) == 1


def test_files_that_are_gone_are_counted(folder):
    index_with_map(folder)
    index = PairIndex.read(folder / 'pairs.parquet')
    for path in (folder / 'images').iterdir():
        path.unlink()
    assert write_map(index, folder / 'map.html') == 0
    assert told_by(folder / 'map.html')['unreadable'] == 4


def test_many_locations_stay_small(tmp_path):
    index = random_index(100_000, dates=3)
    assert count_pairs(index).sum() == 300_000
    write_map(index, tmp_path / 'map.html', windows=0)
    assert (tmp_path / 'map.html').stat().st_size < 12_000_000  # beside at most 18 MB of pictures


def test_names_of_files_cannot_break_the_page(folder):
    write_raster(folder / 'images' / '<b>x_20230101.tif')
    told = index_with_map(folder)
    assert '<b>x_20230101.tif' in told['files']
    assert '<b>x_' not in (folder / 'map.html').read_text()
