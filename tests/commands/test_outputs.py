"""Files to write are checked before the work begins."""

from pathlib import Path

import pytest

from geo_noisy.commands.outputs import check_outputs
from geo_noisy.main import main
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
        ({'--output': '{0}/x', '--map': '{0}/y/../x'}, '--output and --map are both'),
    ],
)
def test_outputs_that_cannot_be(outputs: dict[str, str], message: str, tmp_path: Path) -> None:
    (tmp_path / 'y').mkdir()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        check_outputs({option: path.format(tmp_path) for option, path in outputs.items()}, [])


def test_an_older_output_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / 'pairs.parquet').touch()
    check_outputs({'--output': tmp_path / 'pairs.parquet', '--map': None}, [str(tmp_path / 'image.tif')])
