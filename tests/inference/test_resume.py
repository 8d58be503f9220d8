"""Killed and begun again, on a full disk, beside another process: the end is that of an unbroken run, or none."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from geo_noisy.main import main
from tests.inference.killed import parts_in
from tests.inference.scenes import write_dates, write_weights


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    write_dates(tmp_path / 'images')
    weights = write_weights(tmp_path / 'last.ckpt')
    return ['embed', str(tmp_path / 'images'), '--by', 'cell', '--weights', str(weights), '--tile-px', '64',
            '--no-progress', '--date', '2021']  # fmt: skip


def test_killed_and_begun_again(words: list[str], tmp_path: Path) -> None:
    killed, whole = tmp_path / 'killed', tmp_path / 'whole'
    command = [sys.executable, '-m', 'tests.inference.killed', *words, '-o', str(killed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert main([*words, '-o', str(whole)]) == 0
    files = {path.name: path.read_bytes() for path in whole.iterdir()}
    assert files == {path.name: path.read_bytes() for path in killed.iterdir()}


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A disk that is full: no file may grow beyond some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize('size', [1_000, 30_000])  # no part fits; parts fit, the map does not
def test_a_full_disk(size: int, words: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / 'out'
    with files_of_at_most(size):
        assert main([*words, '-o', str(out)]) == 1
    told = capfd.readouterr().err
    assert 'embedding_0_20210101T000000' in told
    assert 'unexpected' not in told
    assert not list(out.glob('*.tif'))
    assert parts_in(out) == (0 if size == 1_000 else 35)
    assert main([*words, '-o', str(out)]) == 0
    assert main([*words, '-o', str(tmp_path / 'whole')]) == 0
    assert next(out.iterdir()).read_bytes() == next((tmp_path / 'whole').iterdir()).read_bytes()
    assert [path.name for path in out.iterdir()] == ['embedding_0_20210101T000000.tif']


def test_parts_of_other_settings_are_not_taken_up(words: list[str], tmp_path: Path) -> None:
    out = tmp_path / 'out'
    with files_of_at_most(30_000):
        assert main([*words, '-o', str(out)]) == 1
    with pytest.warns(UserWarning, match='35 finished parts .* are of other settings \\(max_nodata\\); it starts anew'):
        assert main([*words, '-o', str(out), '--max-nodata', '0.5']) == 0


def test_two_at_once(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = tmp_path / 'out' / '.embedding_0_20210101T000000.tif.parts'
    parts.mkdir(parents=True)
    with FileLock(parts / 'lock'):
        assert main([*words, '-o', str(tmp_path / 'out')]) == 1
    assert 'is being written by another process' in capsys.readouterr().err


def test_a_scene_that_has_gone(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = str(tmp_path / 'index.parquet')
    assert main(['index', words[1], '--size-px', '64', '--statistics', '0', '-o', index]) == 0
    (tmp_path / 'images' / 'image_20210101.tif').unlink()
    words[1] = index
    assert main([*words, '-o', str(tmp_path / 'out')]) in (1, 2)
    assert 'image_20210101.tif' in capsys.readouterr().err
    assert not list((tmp_path / 'out').glob('*.tif'))


def test_a_scene_that_is_cut(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its header and last pixel are whole, a block in the middle is not."""
    path = tmp_path / 'images' / 'image_20210101.tif'
    pixels = bytearray(path.read_bytes())
    import rasterio

    with rasterio.open(path, 'r+') as file:
        profile, values = file.profile, file.read()
    with rasterio.open(
        path, 'w', **profile | {'compress': 'deflate', 'tiled': True, 'blockxsize': 64, 'blockysize': 64}
    ) as file:
        file.write(values)
    pixels = bytearray(path.read_bytes())
    pixels[len(pixels) // 2 : len(pixels) // 2 + 3000] = b'\0' * 3000
    path.write_bytes(bytes(pixels))
    assert main([*words, '-o', str(tmp_path / 'out')]) == 1
    assert 'image_20210101.tif cannot be read' in capsys.readouterr().err


def test_the_plan_says_what_parts_are_of(words: list[str], tmp_path: Path) -> None:
    with files_of_at_most(30_000):
        assert main([*words, '-o', str(tmp_path / 'out')]) == 1
    (plan,) = (tmp_path / 'out').glob('.*/plan.json')
    told = json.loads(plan.read_text())
    assert told['files'][0][0].endswith('image_20210101.tif')
    assert {'digest', 'scale', 'max_nodata', 'tiles', 'time'} <= told.keys()
