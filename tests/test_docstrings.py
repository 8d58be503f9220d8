"""The examples in docstrings give what they say."""

import doctest
import inspect
from importlib import import_module
from pkgutil import walk_packages

import pytest

import geo_noisy

NAMES = [module.name for module in walk_packages(geo_noisy.__path__, 'geo_noisy.') if not module.ispkg]
MODULES = [name for name in NAMES if '>>> ' in inspect.getsource(import_module(name))]


@pytest.mark.parametrize('name', MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(import_module(name))
    assert results.attempted
    assert not results.failed


@pytest.mark.parametrize('name', ['losses.functional', 'pairs.policy', 'samplers.pairs', 'regions.build'])
def test_what_others_build_on_has_examples(name: str) -> None:
    assert f'geo_noisy.{name}' in MODULES
