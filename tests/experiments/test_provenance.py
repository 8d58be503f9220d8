"""With what a row was made."""

import shutil
import subprocess
from pathlib import Path

import pytest

import geo_noisy
from geo_noisy.experiments.running.provenance import commit, processor, provenance

CPUINFO = """processor\t: 0
cpu family\t: 6
model\t\t: 143
model name\t: Some Processor
flags\t\t: fpu sse2{flags}

processor\t: 1
model\t\t: 143
"""


@pytest.mark.parametrize(
    ('flags', 'name'), [('', 'Some Processor 6 143'), (' amx_bf16 amx_tile', 'Some Processor 6 143, AMX')]
)
def test_processor(tmp_path: Path, flags: str, name: str) -> None:
    (tmp_path / 'cpuinfo').write_text(CPUINFO.format(flags=flags))
    assert processor(tmp_path / 'cpuinfo') == name
    assert processor(tmp_path / 'none')


def test_commit_is_that_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = shutil.which('git')
    if git is None:
        pytest.skip('there is no git')
    package = tmp_path / 'checkout' / 'geo_noisy'
    package.mkdir(parents=True)
    (package / '__init__.py').touch()
    monkeypatch.setattr(geo_noisy, '__file__', str(package / '__init__.py'))
    subprocess.run([git, 'init', '-q', tmp_path], check=True)  # of somebody else, who installed the package inside
    commit.cache_clear()
    assert commit() is None
    identity = ['-c', 'user.name=a', '-c', 'user.email=a@b.example']
    subprocess.run([git, 'init', '-q', package.parent], check=True)
    subprocess.run([git, '-C', package.parent, 'add', '.'], check=True)
    subprocess.run([git, '-C', package.parent, *identity, 'commit', '-qm', 'x'], check=True)
    commit.cache_clear()
    found = commit()
    commit.cache_clear()
    assert found is not None
    assert len(found) == 40


def test_what_goes_into_a_row() -> None:
    made = provenance()
    assert set(made) == {'code', 'commit', 'versions', 'hardware'}
    assert processor() in (made['hardware'] or '')
    assert ' threads' in (made['hardware'] or '')
