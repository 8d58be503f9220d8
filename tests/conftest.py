"""Paths and settings for all tests."""

import os
import signal
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import settings

mpl.use('Agg')
settings.register_profile('no clock', deadline=None)  # machines differ in speed
settings.load_profile('no clock')
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a script starts in the background ignores it
os.environ['JSONARGPARSE_DEPRECATION_WARNINGS'] = 'off'  # of Lightning's use of it, not ours

SHARED = Path(__file__).parents[1].parent / 'shared' / 'data'


@pytest.fixture(autouse=True)
def no_seed_of_another_test() -> None:
    """Data modules take the seed of `seed_everything` where they are given none."""
    os.environ.pop('PL_GLOBAL_SEED', None)


@pytest.fixture(scope='session')
def shared() -> Path:
    """Folder of the real data, outside the project."""
    if not SHARED.is_dir():
        pytest.skip(f'{SHARED.name} with real data is absent beside the project')
    return SHARED
