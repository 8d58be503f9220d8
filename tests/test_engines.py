"""Work in parts on Ray: the same results and the same bytes as here, also where a worker is lost."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import ray

from geo_noisy.engines import each, working_on
from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.regions import locate_events
from geo_noisy.regions.files import file_scan
from geo_noisy.regions.windows import coverage
from tests.data.regions import polygons, square, write_raster


@pytest.fixture(scope='module', autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    yield
    ray.shutdown()


class DiesOnce:
    """Kills its own process the first time that it sees part 3."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __call__(self, part: int) -> int:
        if part == 3 and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return part**2


def refuse(part: int) -> int:
    raise InputError(f'part {part} cannot serve')


def test_a_lost_worker_is_replaced(tmp_path: Path) -> None:
    marker = tmp_path / 'died'
    with working_on('ray'):
        assert each(DiesOnce(marker), range(6), what='squares') == [0, 1, 4, 9, 16, 25]
    assert marker.exists()


def test_an_error_is_told_as_here() -> None:
    with pytest.raises(InputError, match='part 0 cannot serve') as here:
        each(refuse, [0, 1], what='nothing')
    with working_on('ray'), pytest.raises(InputError, match='part 0 cannot serve') as there:
        each(refuse, [0, 1], what='nothing')
    assert str(here.value) == str(there.value)


def test_an_index_by_ray_is_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = tmp_path / 'images'
    images.mkdir()
    for number, day in enumerate(('20200101', '20210101', '20220101')):
        pixels = np.random.default_rng(number).integers(1, 255, (1, 256, 256), dtype=np.uint8)
        pixels[:, : 20 * number, :30] = 0
        write_raster(images / f'a_{day}.tif', pixels, nodata=0)
    rng = np.random.default_rng(0)
    outlines = [square(*rng.uniform(0, 250, 2), rng.uniform(1, 20)) for _ in range(200)]
    dates = [
        f'{year}-0{month}-01'
        for year, month in zip(rng.choice([2020, 2021], 200), rng.choice([3, 6], 200), strict=True)
    ]
    polygons(*outlines, date=dates).to_file(tmp_path / 'changed.gpkg')
    monkeypatch.setattr(file_scan, 'HEADERS_AT_ONCE', 1)
    monkeypatch.setattr(coverage, 'WINDOWS_AT_ONCE', 40)
    monkeypatch.setattr(locate_events, 'WINDOWS_AT_ONCE', 50)
    words = ['index', str(images), '--size-px', '16', '--stride-px', '8', '--polygons', str(tmp_path / 'changed.gpkg')]
    words += ['--event-column', 'date', '--place-px', '64', '--statistics', '20']
    for engine in ('local', 'ray'):
        assert main([*words, '--engine', engine, '-o', str(tmp_path / f'{engine}.parquet')]) == 0
    monkeypatch.undo()
    assert main([*words, '-o', str(tmp_path / 'whole.parquet')]) == 0
    written = {name: (tmp_path / f'{name}.parquet').read_bytes() for name in ('local', 'ray', 'whole')}
    assert written['ray'] == written['local'] == written['whole']


@pytest.mark.parametrize(
    'options', [{'engine': 'dask'}, {'engine': 'local', 'ray_cpus': 2}, {'engine': 'ray', 'ray_cpus': 0}]
)
def test_wrong_options_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match='engine'), working_on(**options):
        pass
