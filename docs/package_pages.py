"""Sphinx extension: pages made from the package itself, so that none can fall behind.

One page of all commands with what ``--help`` prints, and one for each subpackage with its public names.
"""

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from geo_noisy.main import COMMANDS

PACKAGES = {
    'datasets': 'pairs of images as TorchGeo data sets',
    'pairs': 'which pairs an epoch shows',
    'regions': 'from files to pairs of any region',
    'search': 'images of an archive',
    'samplers': 'keys of pairs, epoch by epoch',
    'transforms': 'random views of both dates',
    'datamodules': 'data sets for a trainer',
    'losses': 'contrastive losses',
    'models': 'encoders and heads',
    'tasks': 'pretraining and probes',
    'metrics': 'scores',
    'inference': 'from a checkpoint to maps',
    'export': 'encoders for other libraries',
    'audit': 'what is in the pairs',
}
"""Subpackages with public names, in the order of the data's way, and what each is for."""

TRAINER = ('fit', 'validate', 'test', 'predict')
"""Commands whose help is Lightning's, and as long as its options are many."""


def command_page() -> str:
    """All commands, by what one wants."""
    parts = ['# Commands', 'What `--help` prints. Errors come in one paragraph; `--debug` shows the rest.']
    for wish, commands in COMMANDS.items():
        parts.append(f'## {wish[0].upper()}{wish[1:]}')
        for name, (_, text) in commands.items():
            parts.append(f'### geo-noisy {name}')
            if name in TRAINER:
                config = 'configs/vts/moco.yaml'
                parts += [
                    f'{text[0].upper()}{text[1:]}: `geo-noisy {name} --config {config}`. The options are those of the '
                    f'trainer, the task and the data module; `geo-noisy {name} --config {config} --print_config` shows '
                    'them with their values.'
                ]
            else:
                parts.append(f'```{{program-output}} geo-noisy {name} --help\n```')
    return '\n\n'.join(parts) + '\n'


def public_names(package: str) -> list[str]:
    """Names that a subpackage hands on."""
    return sorted(import_module(f'geo_noisy.{package}').__all__)


def package_page(package: str) -> str:
    """The public names of a subpackage, by autodoc; names of types apart, which ``automodule`` passes over."""
    module = import_module(f'geo_noisy.{package}')
    names = public_names(package)
    types = [
        name
        for name in names
        if not (inspect.isclass(getattr(module, name)) or inspect.isfunction(getattr(module, name)))
    ]
    members = ', '.join(name for name in names if name not in types)
    parts = [f'.. automodule:: geo_noisy.{package}\n   :members: {members}']
    parts += [f'.. autodata:: geo_noisy.{package}.{name}' for name in types]
    return f'# geo_noisy.{package}\n\n```{{eval-rst}}\n' + '\n\n'.join(parts) + '\n```\n'


def pages() -> Iterator[tuple[str, str]]:
    """Names of the pages below ``reference``, and their text."""
    yield 'commands.md', command_page()
    for package in PACKAGES:
        yield f'{package}.md', package_page(package)


def write_pages(app: Any) -> None:
    """Write the pages; those that have not changed stay as they are, so that they are not built again."""
    folder = Path(app.srcdir, 'reference')
    for name, text in pages():
        path = folder / name
        if not path.exists() or path.read_text(encoding='utf-8') != text:
            path.write_text(text, encoding='utf-8')


def setup(app: Any) -> dict[str, Any]:
    """Write the pages before Sphinx looks for them."""
    app.connect('builder-inited', write_pages)
    return {'parallel_read_safe': True}
