"""Six faults; ``make test-faults`` injects some two hundred."""

from pathlib import Path

import pytest

from tests.corpus.sound import make_sound
from tests.faults.injection import inject
from tests.faults.kinds import KINDS
from tests.faults.work import Work, works

SIX = (
    ('SIGKILL', 'index'),
    ('SIGTERM', 'fit'),
    ('disk full at 4 KB a file', 'scenes'),
    ('an image is replaced', 'index'),
    ('killed worker', 'fit'),
    ('loss that is not finite', 'fit'),
)


@pytest.fixture(scope='module')
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_sound(tmp_path_factory.mktemp('faults') / 'made')


@pytest.fixture(scope='module')
def known(sound: Path) -> dict[str, Work]:
    return works(sound, only=('index', 'scenes', 'fit'))


def test_there_are_enough_kinds() -> None:
    assert len({fault.kind for fault in KINDS}) >= 20


@pytest.mark.parametrize(('kind', 'work'), SIX)
def test_nothing_is_lost(kind: str, work: str, sound: Path, known: dict[str, Work]) -> None:
    (fault,) = (fault for fault in KINDS if fault.kind == kind)
    outcome = inject(fault, known[work], sound, seed=1)
    assert not outcome, outcome
