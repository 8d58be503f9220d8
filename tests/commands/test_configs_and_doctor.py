"""What comes with geo-noisy, and what this machine has."""

from pathlib import Path

import pyogrio
import pytest
import yaml

from geo_noisy import __version__
from geo_noisy.commands import doctor
from geo_noisy.commands.configs import SHIPPED
from geo_noisy.experiments.grids.grid import read_grid
from geo_noisy.main import main


def test_configs_are_listed_with_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['configs']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len([path for path in SHIPPED.rglob('*.yaml') if path.parent.name != 'stages'])
    assert any(line.startswith('vts/moco.yaml ') and 'MoCo v2 on VTS' in line for line in lines)


def test_copies_work_where_they_lie(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ['configs', 'regions', 'sweeps/smoke.yaml', '--output', str(tmp_path)]
    assert main(words) == 0
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob('*.yaml')}
    assert {'regions/vts.yaml', 'regions/naip.yaml', 'sweeps/smoke.yaml', 'sweeps/stages/moco_64px.yaml'} <= names
    assert 'vts/moco.yaml' not in names
    assert read_grid(tmp_path / 'sweeps' / 'smoke.yaml')
    assert 'class_path' in yaml.safe_load((tmp_path / 'regions' / 'vts.yaml').read_text())['model']
    assert main(words) == 2  # nothing is overwritten
    assert 'is there already' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['vts/moco2.yaml', '--output', 'x'], 'There is no config vts/moco2.yaml; `geo-noisy configs` lists them.'),
        (['vts/moco.yaml'], 'NAMES cannot act without --output'),
    ],
)
def test_wrong_words(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['configs', *words]) == 2
    assert message in capsys.readouterr().err


def test_the_doctor_finds_this_machine_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['doctor']) == 0
    out = capsys.readouterr().out
    assert f'geo-noisy {__version__}, Python 3.' in out
    assert f'GDAL {pyogrio.__gdal_version_string__}: GPKG (GeoPackage)' in out
    assert out.endswith('Nothing is missing.\n')


def test_the_doctor_tells_what_the_processor_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'cpuinfo').write_text('flags : fpu avx2 amx_bf16 sse\n')
    monkeypatch.setattr(doctor, 'CPU_FLAGS', tmp_path / 'cpuinfo')
    main(['doctor'])
    assert '  fast arithmetic: amx_bf16, avx2\n' in capsys.readouterr().out
    monkeypatch.setattr(doctor, 'CPU_FLAGS', tmp_path / 'nowhere')
    assert doctor.fast_arithmetic() == []


def test_the_doctor_tells_extras_that_lack_something(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ['numpy>=1', "no-such-package>=1; extra == 'stac'", "numpy; extra == 'hub'"]
    monkeypatch.setattr(doctor.metadata, 'requires', lambda name: wanted)
    assert main(['doctor']) == 0  # none is needed to begin
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith('  extra ')]
    assert lines == ['  extra stac: without no-such-package; pip install "geo-noisy[stac]"']


def test_the_doctor_tells_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(doctor.RASTERS, 'Nowhere', 'a format of tomorrow')
    wanted = ['numpy>=99', 'no-such-package>=1', "no-such-extra; extra == 'dev'", 'pandas']
    monkeypatch.setattr(doctor.metadata, 'requires', lambda name: wanted)
    assert main(['doctor']) == 1
    missing = [line for line in capsys.readouterr().out.splitlines() if line.startswith('! ')]
    assert len(missing) == 3
    assert missing[0].endswith('does not do; pip install "numpy>=99"')
    assert missing[1] == '! no-such-package is not installed; pip install "no-such-package>=1"'
    assert missing[2].endswith('Nowhere (a format of tomorrow)')
