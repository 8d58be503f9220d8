"""The windows most like one."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest

from geo_noisy.inference import nearest_windows, read_windows
from geo_noisy.main import main
from tests.data.regions import write_raster
from tests.inference.scenes import texture, write_weights


@pytest.fixture(scope='module')
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve windows of two dates; two places look alike, and like no other."""
    folder = tmp_path_factory.mktemp('similar')
    pixels = texture(192, 256)
    twin = texture(64, 64, seed=9) // 3
    pixels[:, :64, :64] = pixels[:, 128:, 192:] = twin
    for date in ('20200101', '20210101'):
        write_raster(folder / f'image_{date}.tif', pixels)
    words = ['--weights', str(write_weights(folder / 'last.ckpt')), '--size-px', '64', '--no-progress']
    assert main(['embed', str(folder), *words, '-o', str(folder / 'windows.parquet')]) == 0
    return folder / 'windows.parquet'


def test_a_twin_is_found_on_other_ground(windows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['similar', str(windows), '--row', '0', '--count', '2', '-o', str(tmp_path / 'a.parquet')]) == 0
    found = gpd.read_parquet(tmp_path / 'a.parquet')
    assert found['row'].tolist() == [11, 23]
    assert found['similarity'].min() > 1 - 1e-5
    assert capsys.readouterr().out.count('1.0000') == 2
    table = read_windows(windows)
    assert set(nearest_windows(table, 0, count=3, other_ground=False)['row']) == {11, 12, 23}
    assert len(nearest_windows(table, 0, count=100)) == 22
    assert nearest_windows(table, np.asarray(table['embedding'][11]), count=4)['row'].sort_values().tolist() == [
        0,
        11,
        12,
        23,
    ]


def test_a_window_by_its_place(windows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    middle = read_windows(windows).to_crs('EPSG:4326').geometry[0].centroid
    words = ['similar', str(windows), '--at', str(middle.x), str(middle.y), '--count', '1']
    assert main(words) == 1
    assert 'was seen on 2020-01-01, 2021-01-01; choose one with --date' in capsys.readouterr().err
    assert main([*words, '--date', '2021']) == 0
    assert capsys.readouterr().out.startswith('row 11')


@pytest.mark.parametrize(
    ('words', 'status', 'told'),
    [
        ([], 2, 'by --row or by --at'),
        (['--row', '99'], 2, 'row is 99; the table has 24 rows'),
        (['--at', '0', '0'], 1, 'No window holds 0 0'),
        (['--row', '0', '--count', '0'], 2, 'count is 0'),
        (['--row', '0', '--date', '2020'], 2, '--at'),
    ],
)
def test_what_cannot_be(words: list[str], status: int, told: str, windows: Path, capsys) -> None:
    assert main(['similar', str(windows), *words]) == status
    assert told in capsys.readouterr().err
