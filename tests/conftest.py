"""Paths and settings for all tests."""

from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use('Agg')

SHARED = Path(__file__).parents[1].parent / 'shared' / 'data'


@pytest.fixture(scope='session')
def shared() -> Path:
    """Folder of the real data, outside the project."""
    if not SHARED.is_dir():
        pytest.skip(f'{SHARED.name} with real data is absent beside the project')
    return SHARED
