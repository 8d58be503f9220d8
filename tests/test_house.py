"""What no other tool looks for: private names of libraries, and more than one value for ignored pixels."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import geo_noisy

FOLDER = Path(geo_noisy.__file__).parent
FILES = sorted(FOLDER.rglob('*.py'))
LIBRARIES = ('torch', 'torchvision', 'lightning', 'jsonargparse', 'kornia', 'torchmetrics')


def private(name: str) -> bool:
    return any(part.startswith('_') and not part.startswith('__') for part in name.split('.'))


def private_names(tree: ast.AST) -> Iterator[str]:
    """Private names that are imported from a library, or taken from Lightning's trainer."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f'{node.module}.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith('trainer'):
            names = [f'lightning.{node.attr}']
        else:
            continue
        yield from (name for name in names if name.split('.')[0] in LIBRARIES and private(name))


@pytest.mark.parametrize(
    ('code', 'found'),
    [
        ('from torchvision.models._api import WeightsEnum', ['torchvision.models._api.WeightsEnum']),
        ('import torch._dynamo', ['torch._dynamo']),
        ('self.trainer._accelerator_connector.strategy', ['lightning._accelerator_connector']),
        ('from torch import Tensor, __version__', []),
        ('from geo_noisy.pairs import _rows', []),
    ],
)
def test_private_names_are_found(code: str, found: list[str]) -> None:
    assert list(private_names(ast.parse(code))) == found


def test_no_private_names_of_libraries() -> None:
    found = {str(path.relative_to(FOLDER)): list(private_names(ast.parse(path.read_text()))) for path in FILES}
    assert {path: names for path, names in found.items() if names} == {}


def test_one_value_for_ignored_pixels() -> None:
    places = [
        str(path.relative_to(FOLDER))
        for path in FILES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and 'IGNORE' in ast.unparse(node).partition('=')[0]
    ]
    assert len(places) == 1, places


def test_no_public_name_is_that_of_its_module() -> None:
    """The module would hide it once anything imports the module: which comes first is then left to chance."""
    hidden = [
        f'{stub.relative_to(FOLDER)}: {alias.name}'
        for stub in FOLDER.rglob('__init__.pyi')
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (stub.parent / f'{alias.name}.py').exists()
    ]
    assert hidden == []
