"""The quick start and docs/inference.md, followed word for word."""

import re
import shlex
from pathlib import Path

import geopandas as gpd
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from geo_noisy.main import main
from tests.audit.test_how_to import ROOT, fit

QUICK = (ROOT / 'docs' / 'quickstart.md').read_text(encoding='utf-8')
TEXT = (ROOT / 'docs' / 'inference.md').read_text(encoding='utf-8')
FIT = ['--data.init_args.length=32', '--data.init_args.val_length=16', '--data.init_args.num_workers=0']


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'configs').symlink_to(ROOT / 'configs')
    return tmp_path


def follow(lines: list[str]) -> None:
    for line in lines:
        _, *words = shlex.split(line)
        if words[0] == 'fit':
            fit([*words, *FIT])
        else:
            assert main(words) == 0, line


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf'^```{language}\n(.*?)^```$', text, flags=re.DOTALL | re.MULTILINE)


def test_the_quick_start_works_word_for_word(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    follow([line for text in blocks(QUICK, 'sh') for line in text.replace('\\\n', ' ').strip().splitlines()])
    windows = gpd.read_parquet(workplace / 'ground' / 'windows.parquet')
    assert len(windows) == 4 * 16 * 3
    assert len(list((workplace / 'ground' / 'embeddings').glob('*.tif'))) == 4
    maps = list((workplace / 'ground' / 'change').glob('*.tif'))
    assert len(maps) == 4 * 2
    assert all(cog_validate(path, strict=True, quiet=True)[0] for path in maps)
    assert gpd.read_parquet(workplace / 'ground' / 'change' / 'footprints.parquet')['distance'].notna().all()
    (picture,) = blocks(QUICK, 'python')
    exec(compile(picture, 'docs/quickstart.md', 'exec'), {})
    assert (workplace / 'ground' / 'change.png').stat().st_size > 20_000
    follow_qgis()
    capsys.readouterr()
    (code,) = blocks(TEXT, 'python')
    exec(compile(code, 'docs/inference.md', 'exec'), {})
    assert 'ground/maps/change_0_20160615T000000_20170615T000000.tif 2016-06-15' in capsys.readouterr().out


def follow_qgis() -> None:
    """Embeddings in QGIS, which goes on from there."""
    names: dict[str, object] = {}
    for code in blocks((ROOT / 'docs' / 'qgis.md').read_text(encoding='utf-8'), 'python'):
        exec(compile(code, 'docs/qgis.md', 'exec'), names)
    with rasterio.open(sorted(Path('ground/colours').glob('*.tif'))[0]) as file:
        assert (file.count, file.nodata) == (3, 0)
        colours = file.read()
    assert colours.min() > 0
    assert colours.std() > 20  # ground differs in its colours
    assert gpd.read_file('ground/windows.gpkg')['alike'].iloc[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize('name', ['naip', 'sentinel2'])
def test_the_same_on_real_images(name: str, workplace: Path, shared: Path) -> None:
    lines = [line.strip() for line in TEXT.splitlines() if line.startswith('    geo-noisy') and name in line]
    assert len(lines) == 4
    folder = str(shared / 'regions' / name)
    follow([line.replace(f'{name.upper()}_FOLDER', folder) for line in lines])
    assert len(gpd.read_parquet(workplace / f'{name}_windows.parquet')) > 100
    for path in (workplace / f'{name}_change').glob('*.tif'):
        assert cog_validate(path, strict=True, quiet=True)[0]
        with rasterio.open(path) as file:
            assert file.read(1, masked=True).count() > 0
