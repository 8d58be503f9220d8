"""A seeded sample of mutants, each against the tests of its module: ``python -m tests.mutants --count N``."""

import argparse
import ast
import copy
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import geopandas  # noqa: F401  # what takes seconds to import is there before each mutant's process is forked
import hypothesis  # noqa: F401
import lightning  # noqa: F401
import pytest
import rasterio  # noqa: F401
import torchgeo.datasets  # noqa: F401

ROOT = Path(__file__).parents[2]
LONGEST_S = 120
MODULES = {
    'losses/functional.py': ('tests/losses/test_functional.py',),
    'pairs/policy.py': ('tests/pairs', 'tests/samplers'),
    'pairs/epoch.py': ('tests/pairs', 'tests/samplers'),
    'regions/dates': ('tests/regions/test_date_columns.py', 'tests/regions/test_date_names.py'),
    'regions/noise': tuple(f'tests/regions/test_{name}.py' for name in ('noise', 'polygon_files', 'change_rasters')),
    'regions/pair_noise.py': ('tests/regions/test_noise.py',),
}  # fmt: skip
"""Modules or folders, with the tests that hold them."""

_COMPARED = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
             ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is}  # fmt: skip
_COUNTED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
            ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A module with one thing changed."""

    path: Path
    line: int
    what: str
    source: str
    tests: tuple[str, ...]


def mutants() -> Iterator[Mutant]:
    """Every mutant of every module."""
    for name, tests in MODULES.items():
        place = ROOT / 'geo_noisy' / name
        for path in sorted(place.rglob('*.py')) if place.is_dir() else [place]:
            tree = ast.parse(path.read_text())
            for number, node in enumerate(ast.walk(tree)):
                for what, changed in _changes(node):
                    yield Mutant(path, node.lineno, what, _replaced(tree, number, changed), tests)  # type: ignore[attr-defined]


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED:
        other = copy.deepcopy(node)
        other.ops[0] = _COMPARED[type(node.ops[0])]()
        yield f'{ast.unparse(node)} to {ast.unparse(other)}', other
    if isinstance(node, ast.BinOp) and type(node.op) in _COUNTED and not _is_type(node):
        other = copy.deepcopy(node)
        other.op = _COUNTED[type(node.op)]()
        yield f'{ast.unparse(node)} to {ast.unparse(other)}', other
    if isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield f'{ast.unparse(node)} to {ast.unparse(other)}', other
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert | ast.USub):
        yield f'{ast.unparse(node)} to {ast.unparse(node.operand)}', node.operand
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield f'{node.value} to {node.value + 1}', ast.copy_location(ast.Constant(node.value + 1), node)
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield f'{node.value} to {not node.value}', ast.copy_location(ast.Constant(not node.value), node)


def _is_type(node: ast.BinOp) -> bool:
    """Whether a union of types is meant, which changes nothing when it runs."""
    return isinstance(node.op, ast.BitOr) and any(_names_type(part) for part in (node.left, node.right))


def _names_type(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return node.value is None
    return isinstance(node, ast.Name) and node.id[0].isupper()


def _replaced(tree: ast.Module, number: int, changed: ast.AST) -> str:
    """Source of a tree whose node of some number is another."""
    other = copy.deepcopy(tree)
    target = list(ast.walk(other))[number]
    for parent in ast.walk(other):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, changed)
            elif isinstance(value, list) and any(item is target for item in value):
                setattr(parent, name, [changed if item is target else item for item in value])
    return ast.unparse(ast.fix_missing_locations(other))


def is_killed(mutant: Mutant, copied: Path) -> bool:
    """Whether the tests of a mutant's module fail, or never end."""
    place = copied / mutant.path.relative_to(ROOT)
    sound = place.read_text()
    place.write_text(mutant.source)
    try:
        tested = multiprocessing.get_context('fork').Process(target=_test, args=(copied, mutant.tests))
        tested.start()
        tested.join(LONGEST_S)
        if tested.exitcode is None:
            tested.kill()
            tested.join()
        return tested.exitcode != 0
    finally:
        place.write_text(sound)


def _test(copied: Path, tests: tuple[str, ...]) -> NoReturn:
    """Run tests in a copy of the project, in a process that has imported what they need besides."""
    own = [name for name in sys.modules if name.partition('.')[0] in ('tests', 'geo_noisy')]
    for name in own:
        del sys.modules[name]
    os.chdir(copied)
    sys.path[:] = [str(copied), *(path for path in sys.path if path and Path(path) != ROOT)]
    sys.dont_write_bytecode = True  # two mutants of one second and size would pass for one
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(pytest.main(['-n', '0', '-q', '-x', '-p', 'no:cacheprovider', *tests]))


def main() -> int:
    """Try a sample; the exit status is 1 where less than 85 % are killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--count', type=int, default=300)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--skip', type=int, default=0, help='go on after so many of the sample')
    parser.add_argument('--seconds', type=float, default=float('inf'), help='stop after so long')
    parser.add_argument('--only', default='', help='part of a path')
    arguments = parser.parse_args()
    every = [mutant for mutant in mutants() if arguments.only in str(mutant.path)]
    chosen = random.Random(arguments.seed).sample(every, min(arguments.count, len(every)))
    chosen = chosen[arguments.skip :]
    tried, killed, started = 0, 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder, 'copy')
        shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns('.git', '.venv*', 'runs', 'docs'))
        for mutant in chosen:
            if time.monotonic() - started > arguments.seconds:
                break
            tried += 1
            if is_killed(mutant, copied):
                killed += 1
            else:
                print(f'survived: {mutant.path.relative_to(ROOT)}:{mutant.line}: {mutant.what}', flush=True)
    print(f'{killed} of {tried} mutants killed, of {len(every)}; {time.monotonic() - started:.0f} s')
    return int(killed < 0.85 * tried)


if __name__ == '__main__':
    raise SystemExit(main())
