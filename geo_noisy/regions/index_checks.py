"""Checks an index file against its schema before anything is made of it."""

import os
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from geo_noisy.errors import InputError
from geo_noisy.json_schema import errors_of, is_finite
from geo_noisy.regions.files.paths import is_local
from geo_noisy.regions.files.stored import Stored
from geo_noisy.regions.index_schema import (
    BANDS,
    DATES,
    ESTIMATES,
    EVENTS,
    FILES,
    METADATA,
    SCHEMA,
    SITES,
    WINDOWS,
    Column,
)
from geo_noisy.regions.ragged import row_of_flat

_TYPES: dict[str, set[type]] = {'whole': {int}, 'number': {int, float}, 'text': {str}, 'flag': {bool}}
_ARROW = {'whole': (pa.types.is_integer,), 'number': (pa.types.is_floating, pa.types.is_integer)}
_GIVE = {'whole': 'whole numbers', 'number': 'numbers', 'text': 'text', 'flag': 'true or false'}
_MOST = 1e300  # of numbers that can be told apart from infinite ones
_STORED = tuple(Stored.__annotations__.values())
_SLACK_PX = 2  # a window may reach as far beyond its file, by rounding


def check_metadata(stored: Any, path: str | os.PathLike[str]) -> None:
    """Check what stands beside the rows.

    Raises:
        InputError: At the first thing that does not fit: file, place, value and remedy.
    """
    if isinstance(stored, dict) and stored.get('schema') != SCHEMA:
        raise InputError(
            f'{path} has schema {reprlib.repr(stored.get("schema"))}; this version reads {SCHEMA}. Index the images '
            'again.'
        )
    error = next(errors_of(stored, METADATA), None)
    if error is not None:
        place = '.'.join(map(str, error.absolute_path)) or 'its metadata'
        told = error.message if error.validator in ('required', 'additionalProperties') else (
            f'{reprlib.repr(error.instance)}, not {error.schema.get("description", error.message)}'
        )  # fmt: skip
        raise _damaged(path, place, told)
    for problem in _metadata_problems(stored):
        raise _damaged(path, *problem)


def check_rows(table: pa.Table, stored: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """Check the rows, and that they fit what stands beside them.

    Raises:
        InputError: At the first thing that does not fit: file, place, value and remedy.
    """
    for problem in _row_problems(table, stored):
        raise _damaged(path, *problem)


def _damaged(path: str | os.PathLike[str], place: str, told: str) -> InputError:
    return InputError(f'{path} is no sound pair index: {place} is {told}. Index the images again.')


Problems = Iterator[tuple[str, str]]


def _metadata_problems(stored: Mapping[str, Any]) -> Problems:
    yield from _table_problems(stored['sites'], SITES, 'sites')
    captures = len(stored['paths'])
    yield from _table_problems(stored['files'], FILES, 'files', rows=captures)
    for name in BANDS:
        if len(stored['files'].get(name, ())) != captures:
            yield f'files.{name}', f'absent, or not of {captures} values'
    for crs in {*stored['sites']['crs'], *stored['files']['crs']}:
        try:
            CRS.from_user_input(crs)
        except CRSError:
            yield 'crs', f'{reprlib.repr(crs)}, which is none'
    sites = len(stored['sites']['crs'])
    if max(stored['files']['site']) >= sites:
        yield 'files.site', f'{max(stored["files"]["site"])}, where there are {sites} sites'
    masks = {mask['name'] for mask in stored['content']['masks']}
    for number in range(captures):
        yield from ((f'capture {number}: {place}', told) for place, told in _capture_problems(stored, number, masks))
    yield from _content_problems(stored)


def _table_problems(
    table: Mapping[str, list[Any]], columns: Mapping[str, Column], name: str, *, rows: int | None = None
) -> Problems:
    due = len(table.get('crs', ())) if rows is None else rows
    for column, expected in columns.items():
        values = table.get(column)
        if values is None or len(values) != due or not due:
            yield f'{name}.{column}', 'absent' if values is None else f'of {len(values)} values, where {due} are due'
            return
        kept = [value for value in values if value is not None] if expected.may_be_empty else values
        odd = next((value for value in kept if type(value) not in _TYPES[expected.kind]), None)
        if odd is None and expected.kind in ('whole', 'number'):
            odd = next((value for value in kept if type(value) is int and abs(value) > _MOST), None)
        if odd is not None or None in kept:
            yield f'{name}.{column}', f'{reprlib.repr(odd)}, not {_GIVE[expected.kind]}'
            return
        if expected.kind in ('whole', 'number'):
            yield from _range_problems(np.asarray(kept, dtype=np.float64), expected, f'{name}.{column}')


def _range_problems(values: NDArray[Any], expected: Column, place: str) -> Problems:
    wrong = ~((values >= expected.low) & (values <= expected.high))
    if wrong.any():
        yield place, f'{values[wrong][0]:g}, not from {expected.low:g} to {expected.high:g}'


def _capture_problems(stored: Mapping[str, Any], number: int, masks: set[str]) -> Problems:
    """Paths of one capture, and where its bands and masks lie."""
    files, paths = stored['files'], stored['paths'][number]
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) and path for path in paths):
        yield 'paths', f'{reprlib.repr(paths)}, not a list of paths'
        return
    for path in paths:
        if is_local(path) and (os.path.isabs(path) or os.path.normpath(path).split(os.sep)[0] == os.pardir):
            yield 'paths', f'{path!r}, which leads out of the folder of the images'
    bands = files['bands'][number]
    layers, scales, offsets = (files[name][number] for name in ('layers', 'scales', 'offsets'))
    if not _are_rows(layers, (int, int)) or len(layers) != bands:
        yield 'layers', f'{reprlib.repr(layers)}, not file and number of {bands} bands'
    elif not _are_rows(files['masks'][number], (str, int, int)):
        yield 'masks', f'{reprlib.repr(files["masks"][number])}, not name, file and number of each mask'
    else:
        lying = [*layers, *(mask[1:] for mask in files['masks'][number])]
        odd = next((place for place in lying if not 0 <= place[0] < len(paths) or place[1] < 1), None)
        if odd is not None:
            yield 'layers', f'band {odd[1]} of file {odd[0]}, where there are {len(paths)} files'
        unknown = [mask[0] for mask in files['masks'][number] if mask[0] not in masks]
        if unknown:
            yield 'masks', f'{unknown[0]!r}, whose codes are not told'
    if not _are_rows(files['stored'][number], _STORED) or len(files['stored'][number]) != len(paths):
        yield 'stored', f'{reprlib.repr(files["stored"][number])}, not size, bands, type and grid of each file'
    for name, values in (('scales', scales), ('offsets', offsets)):
        if not _are_numbers(values) or len(values) != bands:
            yield name, f'{reprlib.repr(values)}, not {bands} numbers'


def _are_rows(values: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(values, list) and all(
        isinstance(row, list) and [type(item) for item in row] == list(kinds) for row in values
    )


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list) and all(is_finite(value) and abs(value) < _MOST for value in values)


def _content_problems(stored: Mapping[str, Any]) -> Problems:
    """Lengths that have to agree, and statistics that can serve."""
    counts = set(stored['files']['bands'])
    if len(counts) > 1:
        yield 'files.bands', f'{sorted(counts)}, where all captures have the same number'
    bands, content, statistics = min(counts), stored['content'], stored['statistics']
    lists = {f'content.{name}': content[name] for name in ('bands', 'scales', 'offsets') if content[name]}
    lists |= {f'statistics.{name}': statistics[name] for name in ('mean', 'std')} if statistics else {}
    for place, values in lists.items():
        if len(values) != bands:
            yield place, f'of {len(values)} values, where there are {bands} bands'
        elif place != 'content.bands' and not _are_numbers(values):
            yield place, f'{reprlib.repr(values)}, not numbers'
    if statistics and min(statistics['std'], default=1) <= 0:
        yield 'statistics.std', f'{min(statistics["std"])}, not above 0'


def _row_problems(table: pa.Table, stored: Mapping[str, Any]) -> Problems:
    told = {*EVENTS, 'event_wkb', 'noise_known'}
    events = bool(told & set(table.column_names))
    estimates = ESTIMATES if 'estimate' in table.column_names else {}
    flat = {**WINDOWS, **({'noise_known': Column('flag')} if events else {})}
    lists = {**DATES, **estimates, **(EVENTS if events else {})}
    others = ('dates', 'geometry', *(('event_wkb',) if events else ()))
    for name in (*flat, *lists, *others):
        if name not in table.column_names:
            yield f'column {name}', 'absent'
            return
        if table[name].null_count:
            yield f'column {name}', f'empty in {table[name].null_count} rows'
            return
    if not len(table):
        yield 'the table', 'empty'
        return
    for name, expected in flat.items():
        yield from _arrow_problems(table[name], expected, name)
    for name, expected in lists.items():
        yield from _list_problems(table[name], expected, name)
    yield from _site_problems(table, stored)
    yield from _date_problems(table, stored)
    if estimates:
        yield from _estimate_problems(table)
    if events:
        yield from _event_problems(table)


def _arrow_problems(values: pa.ChunkedArray, expected: Column, name: str) -> Problems:
    kinds = (pa.types.is_boolean,) if expected.kind == 'flag' else _ARROW[expected.kind]
    if not any(is_kind(values.type) for is_kind in kinds):
        yield f'column {name}', f'of type {values.type}, not {_GIVE[expected.kind]}'
    elif values.null_count and not expected.may_be_empty:
        yield f'column {name}', f'empty in {values.null_count} places'
    elif expected.kind != 'flag' and len(values) > values.null_count:
        ends = pc.min_max(values).as_py()
        odd = next((end for end in ends.values() if not expected.low <= end <= expected.high), None)
        if odd is not None or (pa.types.is_floating(values.type) and pc.any(pc.is_nan(values)).as_py()):
            yield f'column {name}', f'{odd}, not from {expected.low:g} to {expected.high:g}'


def _list_problems(column: pa.ChunkedArray, expected: Column, name: str) -> Problems:
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        yield f'column {name}', f'of type {column.type}, not lists'
        return
    yield from _arrow_problems(_flat(column), expected, name)


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([chunk.flatten() for chunk in column.chunks], type=column.type.value_type)


def _lengths(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.list_value_length(column).to_numpy(), dtype=np.int64)


def _site_problems(table: pa.Table, stored: Mapping[str, Any]) -> Problems:
    sites, most = len(stored['sites']['crs']), pc.max(table['site']).as_py()
    if most >= sites:
        yield 'column site', f'{most}, where there are {sites} sites'


def _date_problems(table: pa.Table, stored: Mapping[str, Any]) -> Problems:
    """Captures of each location: there, in the order of their times, and on its ground."""
    lengths, captures = _lengths(table['files']), np.asarray(_flat(table['files']).to_numpy(), dtype=np.int64)
    files = {name: np.asarray(stored['files'][name], dtype=np.float64) for name in ('time', 'site', 'col0', 'row0',
             'cols', 'rows')}  # fmt: skip
    if captures.max(initial=-1) >= len(stored['paths']):
        yield 'column files', f'{captures.max()}, where there are {len(stored["paths"])} captures'
        return
    if lengths.min() < 1:
        yield 'column files', 'empty at a location'
        return
    row = row_of_flat(np.concatenate([[0], np.cumsum(lengths)]))
    backwards = (np.diff(files['time'][captures]) < 0) & (np.diff(row) == 0)
    if backwards.any():
        yield 'column files', f'not in the order of time at location {row[1:][backwards][0]}'
    window = {name: table[name].to_numpy()[row] for name in ('site', 'col', 'row')}
    away = window['site'] != files['site'][captures]
    for axis, start, extent in (('col', 'col0', 'cols'), ('row', 'row0', 'rows')):
        first = window[axis].astype(np.float64) - files[start][captures]
        away |= (first + stored['size_px'] < -_SLACK_PX) | (first > files[extent][captures] + _SLACK_PX)
    if away.any():
        yield 'column files', f'capture {captures[away][0]} at location {row[away][0]}, which it does not show'


def _estimate_problems(table: pa.Table) -> Problems:
    dates = _lengths(table['files'])
    wrong = np.flatnonzero(_lengths(table['estimate']) != dates * (dates - 1) // 2)
    if len(wrong):
        yield 'column estimate', f'not of one value for every two dates at location {wrong[0]}'


def _event_problems(table: pa.Table) -> Problems:
    columns: Sequence[str] = (*EVENTS, 'event_wkb')
    lengths = [_lengths(table[name]) for name in columns]
    if any((lengths[0] != other).any() for other in lengths[1:]):
        yield 'the columns of events', 'of unlike lengths'
        return
    start, stop = (_flat(table[name]).to_numpy() for name in ('event_start', 'event_stop'))
    if (start > stop).any():
        yield 'column event_stop', 'before the start of its event'
    try:
        shapes = shapely.from_wkb(np.asarray(_flat(table['event_wkb']).to_numpy(), dtype=object))
    except (shapely.errors.ShapelyError, TypeError) as error:
        yield 'column event_wkb', f'no outline: {error}'
        return
    if not np.isfinite(shapely.bounds(shapes)).all():
        yield 'column event_wkb', 'an outline without a place'
