"""Files to write are checked before the work begins."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from geo_noisy.commands.parsing.outputs import check_outputs
from geo_noisy.main import main
from geo_noisy.whole_file import whole_file
from tests.data.regions import polygons, square, write_series


def test_an_output_that_is_an_input_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = write_series(tmp_path / 'images', ('20200101', '20210101'))
    polygons(square(0, 0, 16)).to_file(tmp_path / 'change.gpkg')
    (tmp_path / 'link.gpkg').symlink_to(tmp_path / 'change.gpkg')
    (tmp_path / 'table.csv').write_text('path,datetime\nimages/image_20200101.tif,2020-01-01\n')
    image = images / 'image_20200101.tif'
    table = ['--table', 'table.csv', '--path-column', 'path', '--table-root']
    before = {path: path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()}
    for words in (
        [images, '-o', image],
        [image, images / '*1.tif', '-o', image],
        [images, '-o', tmp_path / 'p.parquet', '--map', image],
        [images, '-o', tmp_path / 'change.gpkg', '--polygons', tmp_path / 'link.gpkg'],
        ['-o', image, *table, tmp_path],
    ):
        words = [str(tmp_path / 'table.csv') if word == 'table.csv' else str(word) for word in words]
        assert main(['index', *words, '--size-px', '32']) == 2
        assert 'is an input, and would be overwritten; name another file.' in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()} == before


@pytest.mark.parametrize(
    ('outputs', 'message'),
    [
        ({'--output': '{0}/nowhere/x'}, 'the folder .*/nowhere is not there; make it first'),
        ({'--output': '{0}'}, 'is a folder; name a file in it'),
        ({'--output': '{0}/pipe'}, 'is no file but a device or a pipe; name a file'),
        ({'--output': '{0}/x', '--map': '{0}/y/../x'}, '--output and --map are both'),
    ],
)
def test_outputs_that_cannot_be(outputs: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / 'y').mkdir()
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        check_outputs({option: path.format(tmp_path) for option, path in outputs.items()}, [])


def test_an_older_output_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / 'pairs.parquet').touch()
    check_outputs({'--output': tmp_path / 'pairs.parquet', '--map': None}, [str(tmp_path / 'image.tif')])


@contextmanager
def small_disk() -> Iterator[None]:
    """No file can be longer than 4,000 bytes; nor could pytest's own log, so that no report may fall in here."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_disk():
        assert main(['scenes', str(tmp_path / 's'), '--scenes', '1', '--size-px', '128']) == 1
    assert capsys.readouterr().err.startswith('geo-noisy: ')
    assert list((tmp_path / 's').iterdir()) == []


def test_scenes_of_two_calls_are_not_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ['scenes', str(tmp_path), '--size-px', '16', '--cells', '4']
    assert main([*words, '--scenes', '2', '--noisy-share', '1']) == 0
    assert (tmp_path / 'changes.gpkg').exists()
    assert main([*words, '--scenes', '2', '--noisy-share', '0']) == 0
    assert not (tmp_path / 'changes.gpkg').exists()
    assert main([*words, '--scenes', '1']) == 2
    assert 'holds 3 other scenes, such as scene_001_20160615.tif; choose another folder.' in capsys.readouterr().err


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / 'pipe')
    with pytest.raises(FileExistsError, match='is there and is no file'), whole_file(tmp_path / 'pipe'):
        pass
    assert (tmp_path / 'pipe').is_fifo()


def test_a_folder_that_cannot_be_written_to_is_named_and_not_the_temporary_file() -> None:
    with pytest.raises(OSError, match=r"'/proc/x\.parquet'$"), whole_file(Path('/proc/x.parquet')):
        pass
