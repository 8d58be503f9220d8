"""A pair index as GeoParquet: one file that geopandas reads too."""

import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.home_paths import with_home
from geo_noisy.regions.band_statistics import BandStatistics
from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.files.captures import Content
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.exclusions import Exclusion
from geo_noisy.regions.files.paths import is_local, located
from geo_noisy.regions.files.products import MaskCodes
from geo_noisy.regions.index_checks import check_metadata, check_rows
from geo_noisy.regions.index_schema import BANDS, SCHEMA, WINDOWS
from geo_noisy.regions.noise.events import Events
from geo_noisy.regions.pair_estimates import pair_offsets
from geo_noisy.regions.ragged import offsets_of
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows.locations import Locations
from geo_noisy.whole_file import whole_file

_KEY = b'geo_noisy'
_TIMES = ('start', 'stop', 'recovered')


def write_tables(index: RegionTables, path: str | os.PathLike[str]) -> None:
    """Write an index: a row a location, and grids, files and rules as JSON in the file's metadata.

    Args:
        index: The index.
        path: File to write; its folder must exist.
    """
    frame = gpd.GeoDataFrame(
        {name: getattr(index.locations, name) for name in WINDOWS}, geometry=index.windows_in(index.crs), crs=index.crs
    )
    plain = io.BytesIO()
    frame.to_parquet(plain)
    table = pq.read_table(plain)
    for name, column in _list_columns(index).items():
        table = table.append_column(name, column)
    path = Path(with_home(str(path)))
    stored = json.dumps(_metadata(index, path))
    with whole_file(path) as unfinished:
        pq.write_table(table.replace_schema_metadata({**table.schema.metadata, _KEY: stored}), unfinished)


def read_fields(path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Read the fields of :class:`RegionTables`; see :meth:`PairIndex.read`."""
    path, root = with_home(str(path)), None if root is None else with_home(str(root))
    table, stored = _checked(path)
    files = pd.DataFrame(stored['files']).assign(nodata=lambda frame: frame['nodata'].astype(float))
    files['cloud'] = files['cloud'].astype(float)
    for name in BANDS:
        files[name] = pd.Series([_tuples(value) for value in files[name]], dtype=object)
    files.insert(0, 'paths', pd.Series(_found_paths(stored, Path(path), root), dtype=object))
    window = [table[name].to_numpy() for name in WINDOWS]
    offsets, dates = _flat(table['files'])
    names = table.column_names
    statistics = stored['statistics']
    return {
        'size_px': stored['size_px'],
        'stride_px': stored['stride_px'],
        'sites': pd.DataFrame(stored['sites']),
        'files': files,
        'locations': Locations(*window),
        'offsets': offsets,
        'dates': dates.to_numpy(zero_copy_only=False).astype(np.int32),
        'events': _read_events(table) if 'event_share' in names else None,
        'noise_method': stored['noise_method'],
        'rules': PairRules(**stored['rules']),
        'statistics': None
        if statistics is None
        else BandStatistics(tuple(statistics['mean']), tuple(statistics['std']), statistics['windows']),
        'excluded': tuple(Exclusion(*item) for item in stored['excluded']),
        'content': _content(stored['content']),
        'doubts': tuple(Doubt(*item) for item in stored['doubts']),
        'estimate': _flat(table['estimate'])[1].to_numpy(zero_copy_only=False) if 'estimate' in names else None,
    }


def _content(stored: dict[str, Any]) -> Content:
    masks = tuple(MaskCodes(**{name: _tuples(value) for name, value in mask.items()}) for mask in stored['masks'])
    return Content(**{name: _tuples(value) for name, value in stored.items()} | {'masks': masks})


def _tuples(value: Any) -> Any:
    """Lists, as JSON has them, as tuples."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _metadata(index: RegionTables, path: Path) -> dict[str, Any]:
    files = index.files.drop(columns='paths').replace({np.nan: None}).to_dict('list')
    root = _common_folder(index.files['paths'])
    relative = [
        [os.path.relpath(os.path.abspath(file), root) if is_local(file) else file for file in paths]
        for paths in index.files['paths']
    ]
    return {
        'schema': SCHEMA,
        'size_px': index.size_px,
        'stride_px': index.stride_px,
        'sites': index.sites.to_dict('list'),
        'files': files,
        'paths': relative,
        'root': root,
        'root_from_here': os.path.relpath(root or path.absolute().parent, path.absolute().parent),
        'noise_method': index.noise_method,
        'rules': asdict(index.rules),
        'statistics': None if index.statistics is None else asdict(index.statistics),
        'excluded': [list(item) for item in index.excluded],
        'content': asdict(index.content),
        'doubts': [list(item) for item in index.doubts],
    }


def _checked(path: str | os.PathLike[str]) -> tuple[pa.Table, dict[str, Any]]:
    """Rows and metadata of an index file, checked against the schema."""
    if not os.path.isfile(path):
        raise FileNotFoundError(f'{path} is not there, or is no file; write an index with geo-noisy index.')
    try:
        with pq.ParquetFile(path) as file:
            text = (file.schema_arrow.metadata or {}).get(_KEY)
            if text is None:
                raise InputError(f'{path} is not a pair index. Write one with geo-noisy index.')
            stored = json.loads(text)
            check_metadata(stored, path)
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).rstrip('.')
        raise InputError(f'{path} is not a Parquet file, or damaged: {reason}. Index the images again.') from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f'{path} is no sound pair index: its metadata is no JSON: {error}.') from error
    check_rows(table, stored, path)
    return table, stored


def _common_folder(paths: 'pd.Series[Any]') -> str:
    """Deepest folder that holds all local files."""
    folders = {os.path.dirname(os.path.abspath(file)) for group in paths for file in group if is_local(file)}
    return os.path.commonpath(folders) if folders else ''


def _found_paths(
    stored: dict[str, Any], index_path: Path, root: str | os.PathLike[str] | None
) -> list[tuple[str, ...]]:
    """Paths of the files, from the stated folder, where they were, or beside the index as they were."""
    folders = [root] if root is not None else [stored['root'], index_path.absolute().parent / stored['root_from_here']]
    first = next((file for paths in stored['paths'] for file in paths if is_local(file)), None)
    there = [folder for folder in folders if first is None or os.path.exists(os.path.join(folder, first))]
    if not there:
        raise FileNotFoundError(
            f'The images of {index_path} are not where they were: {first} is not in '
            f'{" or ".join(str(folder) for folder in folders)}. Give the folder they moved to '
            '(root=, or --data.init_args.root).'
        )
    folder = there[0]
    return [tuple(located(file, beside=folder) for file in paths) for paths in stored['paths']]


def _list_columns(index: RegionTables) -> dict[str, pa.Array]:
    """Dates, files and events of each location."""
    columns = {
        'dates': _lists(index.offsets, pa.array(from_seconds(index.times).to_numpy())),
        'files': _lists(index.offsets, pa.array(index.dates)),
    }
    if index.estimate is not None:
        measured = pa.array(index.estimate, from_pandas=True)  # what was not measured is empty
        columns['estimate'] = _lists(pair_offsets(index.offsets), measured)
    if index.events is None:
        return columns
    events = index.events
    columns |= {f'event_{name}': _lists(events.offsets, pa.array(getattr(events, name))) for name in (*_TIMES, 'share')}
    outlines = pa.array(shapely.to_wkb(events.geometry), type=pa.binary())
    return columns | {'event_wkb': _lists(events.offsets, outlines), 'noise_known': pa.array(events.known)}


def _read_events(table: pa.Table) -> Events:
    flat = {name: _flat(table[f'event_{name}'])[1].to_numpy(zero_copy_only=False) for name in (*_TIMES, 'share')}
    offsets, outlines = _flat(table['event_wkb'])
    geometry = shapely.from_wkb(np.asarray(outlines.to_numpy(zero_copy_only=False), dtype=object))
    return Events(offsets, **flat, geometry=geometry, known=table['noise_known'].to_numpy())


def _lists(offsets: NDArray[np.int64], values: pa.Array) -> pa.LargeListArray:
    """A column of lists, without a Python object for each."""
    return pa.LargeListArray.from_arrays(pa.array(offsets), values)


def _flat(column: pa.ChunkedArray) -> tuple[NDArray[np.int64], pa.Array]:
    """Offsets and flat values of a column of lists."""
    lists = column.combine_chunks()
    lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    return offsets_of(lengths.astype(np.int64)), lists.flatten()
