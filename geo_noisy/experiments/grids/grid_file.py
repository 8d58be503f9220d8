"""The text of a grid file, or of a stage beside it: read safely, and checked once against one schema."""

import math
import reprlib
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from geo_noisy.home_paths import with_homes
from geo_noisy.json_schema import errors_of

Config = dict[str, Any]

LARGEST_FILE = 1_000_000
"""Bytes of a grid or a stage."""
LARGEST_CONTENT = 100_000
"""Values of a grid or a stage, each alias counted as often as it is used."""

_TEXT = {'type': 'string', 'minLength': 1, 'maxLength': 200, 'description': 'a name of 1 to 200 characters, in quotes'}
_SETTINGS = {'type': 'object', 'description': 'values by dotted path, or leave it out'}
_SEEDS = {
    'type': 'array',
    'items': {
        'type': 'integer',
        'minimum': 0,
        'maximum': 2**32 - 1,
        'description': 'a whole number from 0 to 2^32 - 1',
    },
    'minItems': 1,
    'uniqueItems': True,
    'description': 'a list of at least one, each once',
}
_STAGE = {'type': ['string', 'object'], 'description': 'a configuration as for `geo-noisy fit`, or the path of one'}
_CELL = {
    'type': 'object',
    'properties': {
        'name': _TEXT,
        'pretrain': {'type': ['string', 'null'], 'description': 'the name of a pretrain stage, or null'},
        'set': _SETTINGS,
        'axes': {
            'type': 'object',
            'additionalProperties': {'type': 'array', 'minItems': 1, 'description': 'a list of at least one'},
            'description': 'lists of values by dotted path, or leave it out',
        },
        'seeds': _SEEDS,
        'optional': {'type': 'boolean', 'description': 'true or false, without quotes'},
        'later': {'type': 'boolean', 'description': 'true or false, without quotes'},
    },
    'required': ['name', 'pretrain'],
    'additionalProperties': False,
    'description': 'a mapping with a name and a pretrain stage',
}
_NAMES = {
    'type': ['string', 'array'],
    'items': _TEXT,
    'minItems': 1,
    'description': 'a name of cells, or a list of them',
}
KINDS = ('gain', 'harm', 'no gain', 'no harm')
_PRIMARY = {
    'type': 'object',
    'properties': {
        'text': _TEXT,
        'first': _NAMES,
        'second': _NAMES,
        'kind': {'enum': list(KINDS), 'description': f'one of {", ".join(KINDS)}'},
        'margin': {'type': 'number', 'minimum': 0, 'description': 'points, 0 or more'},
        'gate': _TEXT,
    },
    'required': ['text', 'first', 'second', 'kind', 'gate'],
    'additionalProperties': False,
    'description': 'a mapping with text, first, second, kind and gate',
}
GRID_SCHEMA: dict[str, Any] = {
    'type': 'object',
    'properties': {
        'seeds': _SEEDS,
        'pieces': {
            'type': 'array',
            'items': {'type': 'integer', 'minimum': 1, 'description': 'a number of seeds, 1 or more'},
            'description': 'a list of how many seeds are run together, or leave it out',
        },
        'shared': _SETTINGS,
        'pretrain': {'type': 'object', 'additionalProperties': _STAGE, 'description': 'named stages, or leave it out'},
        'probe': _STAGE,
        'cells': {'type': 'array', 'items': _CELL, 'minItems': 1, 'description': 'a list of at least one'},
        'compare': {
            'type': 'array',
            'items': {
                'type': 'array',
                'items': _TEXT,
                'minItems': 2,
                'maxItems': 2,
                'description': 'two names of cells',
            },
            'description': 'a list of pairs of names, or leave it out',
        },
        'primary': {'type': 'array', 'items': _PRIMARY, 'description': 'a list of tests, or leave it out'},
    },
    'required': ['seeds', 'probe', 'cells'],
    'additionalProperties': False,
    'description': 'keys with values',
}
_PART = {
    'type': 'object',
    'properties': {'class_path': _TEXT, 'init_args': {'type': 'object', 'description': 'arguments, or leave it out'}},
    'required': ['class_path'],
    'description': 'a class_path and its init_args',
}
STAGE_SCHEMA: dict[str, Any] = {
    'type': 'object',
    'properties': {
        'model': _PART,
        'data': _PART,
        'trainer': {'type': 'object', 'description': 'options of the trainer, or leave it out'},
    },
    'required': ['model', 'data'],
    'description': 'model and data with a class_path each, as for `geo-noisy fit`',
}


def read_grid_file(path: Path) -> Config:
    """Read a grid, with its stages in place of their paths.

    Args:
        path: A YAML file; stages may be paths relative to it.

    Raises:
        ValueError: If the file is no grid; the message names file, place, value and remedy.
    """
    grid = read_mapping(path)
    check(grid, GRID_SCHEMA, str(path))
    grid['pretrain'] = {
        name: _stage(stage, path, f'pretrain.{name}') for name, stage in grid.get('pretrain', {}).items()
    }
    grid['probe'] = _stage(grid['probe'], path, 'probe')
    return grid


def read_mapping(path: Path, *, plain: bool = True) -> Config:
    """Read a YAML file of plain values: aliases that explode or refer to themselves are refused before they are built.

    Args:
        path: The file.
        plain: Whether to refuse what is no text, number, true, false or null, such as a date.

    Raises:
        ValueError: If it is not YAML, holds no keys with values, or anything but text, numbers, true, false and null.
    """
    if not path.is_file():
        raise ValueError(f'The grid {path} is not a file; `geo-noisy configs` lists those that come with geo-noisy.')
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f'{path} is larger than {LARGEST_FILE // 1_000_000} MB; a grid is not.')
    loader = None
    try:
        loader = yaml.SafeLoader(path.read_text(encoding='utf-8'))
        node = loader.get_single_node()
        if node is not None:
            _size(node, path, {}, ())
        content = None if node is None else loader.construct_document(node)
    except UnicodeDecodeError as error:
        raise ValueError(f'{path} is not text in UTF-8: {error}.') from error
    except yaml.YAMLError as error:
        raise ValueError(f'{path} is not YAML: {" ".join(str(error).split())}.') from error
    except RecursionError as error:
        raise ValueError(f'{path} is not YAML that can be read: it is nested too deep.') from error
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(content, dict):
        raise ValueError(f'{path} holds no keys with values, but {reprlib.repr(content)}.')
    if plain:
        _check_plain(content, path, '')
    return dict(with_homes(content))


def check(content: Any, schema: Config, where: str) -> None:
    """Check content against a schema whose descriptions say what to give.

    Raises:
        ValueError: At the first thing that does not fit: where it is, what it is, and what to give.
    """
    error = next(errors_of(content, schema), None)
    if error is None:
        return
    place = ''.join(f'[{key}]' if isinstance(key, int) else f'.{key}' for key in error.absolute_path).lstrip('.')
    if error.validator in ('required', 'additionalProperties'):
        known = ', '.join(error.schema['properties'])
        raise ValueError(f'{where}: {f"in {place}, " if place else ""}{error.message}; the keys are {known}.')
    raise ValueError(
        f'{where}: {place or "the whole"} is {reprlib.repr(error.instance)}; give {error.schema["description"]}.'
    )


def _stage(stage: Config | str, grid: Path, name: str) -> Config:
    file = grid.parent / stage if isinstance(stage, str) else None
    if file is not None and not file.is_file():
        raise ValueError(f'{grid}: {name}: there is no stage file {file}.')
    config = stage if isinstance(stage, dict) else read_mapping(grid.parent / stage)
    check(config, STAGE_SCHEMA, f'{grid}: {name}' if file is None else str(file))
    return {'trainer': {}} | config


def _size(node: yaml.Node, path: Path, known: dict[int, int], above: tuple[int, ...]) -> int:
    """Number of values below a node, each alias counted as often as it is used; keys given twice are refused."""
    if id(node) in above:
        raise ValueError(f'{path}: an alias in line {node.start_mark.line + 1} refers to itself.')
    if id(node) in known:
        return known[id(node)]
    inside = (*above, id(node))
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = [key for key, count in Counter(keys).items() if count > 1]
        if twice:
            line = node.start_mark.line + 1
            raise ValueError(f'{path}: keys {twice} stand twice in the mapping of line {line}; keep one of each.')
        children = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    size = 1 + sum(_size(child, path, known, inside) for child in children)
    if size > LARGEST_CONTENT:
        raise ValueError(f'{path} holds more than {LARGEST_CONTENT:,} values, once its aliases are followed.')
    known[id(node)] = size
    return size


def _check_plain(value: Any, path: Path, place: str) -> None:
    """Check that there are only mappings with text as keys, lists, text, numbers, true, false and null."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if not isinstance(key, str):
                raise ValueError(f'{path}: the key {key!r} in {place or "the whole"} is no text; put it in quotes.')
            _check_plain(entry, path, f'{place}.{key}'.lstrip('.'))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            _check_plain(entry, path, f'{place}[{number}]')
    elif isinstance(value, float) and math.isnan(value):
        raise ValueError(f'{path}: {place} is not a number (NaN); give one.')
    elif not isinstance(value, str | int | float | None):
        raise ValueError(
            f'{path}: {place} is {value}, which YAML takes for a {type(value).__name__}; put it in quotes.'
        )
