"""What may have been meant by a key or a class of a config that is not there."""

import difflib
import importlib
import inspect
import re
from collections.abc import Iterable

from lightning.pytorch import Trainer

import geo_noisy.datamodules
import geo_noisy.tasks

_CLASS = re.compile(r'No (?P<module>geo_noisy[\w.]*) attribute (?P<name>\w+)')
_TRAINER = re.compile(r'nrecognized arguments: --trainer\.(?P<name>\w+)')
_OPTION = re.compile(r"""(?:Option '|Parser key "(?:data|model)".*nrecognized arguments: --)(?P<name>\w+)""", re.DOTALL)


def meant(message: str) -> str:
    """The name that is most like the one that a message of the parser refuses, or an empty text.

    Args:
        message: What the parser says.

    Example:
        >>> meant('No geo_noisy.tasks attribute GroundContrst')
        'geo_noisy.tasks.GroundContrast'
        >>> meant('unrecognized arguments: --trainer.max_epoch=1')
        '--trainer.max_epochs'
        >>> meant("Option 'polcy.rate' is not accepted")
        'policy'
        >>> meant('something else')
        ''
    """
    if found := _CLASS.search(message):
        return _closest(found['name'], _public(found['module']), before=f'{found["module"]}.')
    if found := _TRAINER.search(message):
        return _closest(found['name'], inspect.signature(Trainer).parameters, before='--trainer.')
    if found := _OPTION.search(message):
        return _closest(found['name'], _options())
    return ''


def _closest(name: str, names: Iterable[str], *, before: str = '') -> str:
    close = difflib.get_close_matches(name, list(names), n=1)
    return before + close[0] if close else ''


def _public(module: str) -> list[str]:
    try:
        return list(getattr(importlib.import_module(module), '__all__', ()))
    except ModuleNotFoundError:
        return []


def _options() -> set[str]:
    """Options of all tasks and data modules that come with the package."""
    found: set[str] = set()
    for package in (geo_noisy.datamodules, geo_noisy.tasks):
        for name in package.__all__:
            value = getattr(package, name)
            if inspect.isclass(value):
                found.update(inspect.signature(value).parameters)
    return found
