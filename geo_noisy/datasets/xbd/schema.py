"""The schema of xBD's label JSONs, and every way in which a given one differs from it."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from geo_noisy.json_schema import misfits

SUBTYPES = ('no-damage', 'minor-damage', 'major-damage', 'destroyed', 'un-classified')
"""Damage of a building in a post-disaster label, as it is spelt in the files."""

SIDE_PX = 1024
"""Height and width of an xBD image."""

_YEARS = range(1990, 2101)  # of satellite images that one sees buildings in
_TEXT = {'type': 'string', 'description': 'text'}
_SIDE = {'const': SIDE_PX, 'description': str(SIDE_PX)}


def _mapping(properties: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    return {'type': 'object', 'properties': properties, 'required': list(required), 'description': 'an object'}


# Entries that no mask needs may be null or absent.
_METADATA = _mapping(
    {
        'capture_date': _TEXT,
        'disaster': _TEXT,
        'width': _SIDE,
        'height': _SIDE,
        'sensor': {'type': ['string', 'null'], 'description': 'text; it may be null'},
        'off_nadir_angle': {
            'type': ['number', 'null'], 'minimum': -90, 'maximum': 90,
            'description': 'degrees from -90 to 90; it may be null',
        },
        'pan_resolution': {
            'type': ['number', 'null'], 'exclusiveMinimum': 0, 'maximum': 100,
            'description': 'metres above 0; it may be null',
        },
    },
    ('capture_date', 'disaster', 'width', 'height'),
)  # fmt: skip
_BUILDING = _mapping(
    {
        'uid': _TEXT,
        'subtype': {
            'enum': [*SUBTYPES, None],
            'description': f'a known subtype ({", ".join(SUBTYPES)}); it may be null',
        },
    },
    ('uid',),
)
_BUILDINGS = {
    'type': 'array',
    'items': _mapping({'wkt': _TEXT, 'properties': _BUILDING}, ('wkt', 'properties')),
    'description': 'a list',
}
LABEL = _mapping(
    {'metadata': _METADATA, 'features': _mapping({'xy': _BUILDINGS, 'lng_lat': _BUILDINGS}, ('xy',))},
    ('metadata', 'features'),
)
"""JSON Schema of a label."""


def read_document(path: Path) -> object:
    """Read a label JSON as it is.

    Raises:
        ValueError: If the file is no whole JSON document in UTF-8.
    """
    if not path.is_file():
        raise ValueError('it is no file')  # a pipe would be waited for
    try:
        return json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise ValueError(f'the JSON is cut off or malformed: {error}') from error
    except UnicodeDecodeError as error:
        raise ValueError(f'the JSON is not UTF-8: {error}') from error
    except RecursionError as error:
        raise ValueError('the JSON is nested too deep') from error


def schema_problems(document: Any) -> list[str]:
    """Every way in which a label differs from the schema.

    Args:
        document: Parsed JSON.

    Returns:
        One reason for each problem; empty for a good label.
    """
    found = [f'`{place}` {told}' if place else f'the JSON {told}' for place, told in misfits(document, LABEL)]
    return found or list(_date_problems(document['metadata']['capture_date']))


def _date_problems(date: str) -> Iterator[str]:
    try:
        known = datetime.fromisoformat(date).year in _YEARS
    except ValueError:
        known = False
    if not known:
        yield f'`metadata.capture_date` is {date!r}, not an ISO time from {_YEARS.start} on'
