"""What an xBD label JSON must look like, and every way in which a given one does not."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

SUBTYPES = ('no-damage', 'minor-damage', 'major-damage', 'destroyed', 'un-classified')
"""Damage of a building in a post-disaster label, as it is spelt in the files."""

METADATA: Mapping[str, type | tuple[type, ...]] = {'capture_date': str, 'disaster': str, 'width': int, 'height': int}
"""Entries of ``metadata`` that are needed, and their types."""

OPTIONAL_METADATA: Mapping[str, type | tuple[type, ...]] = {
    'sensor': str,
    'off_nadir_angle': (int, float),
    'pan_resolution': (int, float),
}
"""Entries that no mask needs, which may be null or absent."""

_YEARS = range(1990, 2101)  # of satellite images that one sees buildings in


def read_document(path: Path) -> object:
    """Read a label JSON as it is.

    Raises:
        ValueError: If the file is no whole JSON document in UTF-8.
    """
    try:
        return json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise ValueError(f'the JSON is cut off or malformed: {error}') from error
    except UnicodeDecodeError as error:
        raise ValueError(f'the JSON is not UTF-8: {error}') from error
    except RecursionError as error:
        raise ValueError('the JSON is nested too deep') from error


def schema_problems(document: object, *, side_px: int) -> list[str]:
    """Every way in which a label differs from the schema.

    Args:
        document: Parsed JSON.
        side_px: Height and width that the image must have.

    Returns:
        One reason for each problem; empty for a good label.
    """
    if not isinstance(document, dict):
        return ['the JSON holds no object']
    return [*_metadata_problems(document.get('metadata'), side_px), *_features_problems(document.get('features'))]


def _metadata_problems(metadata: object, side_px: int) -> Iterator[str]:
    if not isinstance(metadata, dict):
        yield '`metadata` is missing'
        return
    for name, kind in METADATA.items():
        if not isinstance(metadata.get(name), kind):
            yield f'`metadata.{name}` is {metadata.get(name)!r}'
    for name, kind in OPTIONAL_METADATA.items():
        if metadata.get(name) is not None and not isinstance(metadata[name], kind):
            yield f'`metadata.{name}` is {metadata[name]!r}; it may be null'
    for name in ('width', 'height'):
        if isinstance(metadata.get(name), int) and metadata[name] != side_px:
            yield f'`metadata.{name}` is {metadata[name]}, not {side_px}'
    date = metadata.get('capture_date')
    if isinstance(date, str) and not _is_date(date):
        yield f'`metadata.capture_date` is {date!r}, not an ISO time from {_YEARS.start} on'


def _is_date(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).year in _YEARS
    except ValueError:
        return False


def _features_problems(features: object) -> Iterator[str]:
    if not isinstance(features, dict):
        yield '`features` is missing'
        return
    if not isinstance(features.get('xy'), list):
        yield '`features.xy` is missing'
    if not isinstance(features.get('lng_lat', []), list):
        yield '`features.lng_lat` is no list'
    for key in ('xy', 'lng_lat'):
        entries = features.get(key)
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            yield from (f'`features.{key}[{number}]` {problem}' for problem in _entry_problems(entry))


def _entry_problems(entry: object) -> Iterator[str]:
    if not isinstance(entry, dict) or not isinstance(entry.get('properties'), dict):
        yield 'has no `properties`'
        return
    if not isinstance(entry.get('wkt'), str):
        yield 'has no `wkt`'
    if not isinstance(entry['properties'].get('uid'), str):
        yield 'has no `uid`'
    subtype = entry['properties'].get('subtype')
    if subtype is not None and subtype not in SUBTYPES:
        yield f'has the unknown subtype {subtype!r}; known are {", ".join(SUBTYPES)}'
