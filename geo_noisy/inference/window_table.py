"""Tables of windows with their embeddings: GeoParquet, written row group by row group."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo_noisy.errors import InputError
from geo_noisy.whole_file import whole_file

EMBEDDING = 'embedding'


@dataclass(frozen=True)
class Rows:
    """Some windows.

    Attributes:
        geometry: Their outlines, [n].
        date: When they were seen, seconds since 1970, UTC, [n].
        source: First file of each, [n].
        nodata: Share of pixels without data, [n].
        embedding: Features, [n, D] float32.
    """

    geometry: NDArray[np.object_]
    date: NDArray[np.int64]
    source: Sequence[str]
    nodata: NDArray[np.float32]
    embedding: NDArray[np.float32]


def write_windows(path: Path, parts: Iterable[Rows], *, crs: str, model: str, features: int) -> int:
    """Write windows as GeoParquet with ``geometry``, ``date``, ``source``, ``nodata``, ``model`` and ``embedding``.

    Args:
        path: The file.
        parts: The windows, a row group each.
        crs: CRS of the outlines.
        model: Fingerprint of the encoder.
        features: Length of an embedding.

    Returns:
        Number of windows.
    """
    schema = _schema(crs, features)
    count = 0
    with whole_file(path) as unfinished, pq.ParquetWriter(unfinished, schema) as file:
        for rows in parts:
            count += len(rows.date)
            file.write_table(_table(rows, schema, model=model, features=features))
    return count


def _schema(crs: str, features: int) -> pa.Schema:
    column = {'encoding': 'WKB', 'geometry_types': ['Polygon'], 'crs': CRS(crs).to_json_dict()}
    geo = {'version': '1.1.0', 'primary_column': 'geometry', 'columns': {'geometry': column}}
    fields = [
        ('geometry', pa.binary()),
        ('date', pa.timestamp('s', tz='UTC')),
        ('source', pa.string()),
        ('nodata', pa.float32()),
        ('model', pa.string()),
        (EMBEDDING, pa.list_(pa.float32(), features)),
    ]
    return pa.schema(fields, metadata={'geo': json.dumps(geo)})


def _table(rows: Rows, schema: pa.Schema, *, model: str, features: int) -> pa.Table:
    values = pa.FixedSizeListArray.from_arrays(pa.array(rows.embedding.ravel()), features)
    columns = [
        pa.array(shapely.to_wkb(rows.geometry)),
        pa.array(rows.date).cast(schema.field('date').type),
        pa.array(rows.source, pa.string()),
        pa.array(rows.nodata),
        pa.array([model] * len(rows.date), pa.string()),
        values,
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def read_windows(path: str | Path) -> gpd.GeoDataFrame:
    """Read a table of windows.

    Raises:
        FileNotFoundError: If it is not there.
        InputError: If it is no such table: the message names it, the column and the row.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'The windows {path} are not there.')
    try:
        table = gpd.read_parquet(path)
    except (ValueError, KeyError, OSError, pa.ArrowInvalid) as error:
        raise InputError(f'{path} is no GeoParquet: {error}') from error
    _check(table, str(path))
    return table


def _check(table: gpd.GeoDataFrame, path: str) -> None:
    """Check a table against what :func:`write_windows` writes."""
    remedy = 'write one with `geo-noisy embed --by window`.'
    missing = [name for name in (EMBEDDING, 'date', 'source', 'model') if name not in table.columns]
    if missing:
        raise InputError(f'{path} has no column {", ".join(missing)}; {remedy}')
    if table.empty:
        raise InputError(f'{path} has no rows; {remedy}')
    if not pd.api.types.is_datetime64_any_dtype(table['date']):
        raise InputError(f'{path}: date is {table["date"].iloc[0]!r} in row 0, not an instant; {remedy}')
    if table.crs is None:
        raise InputError(f'{path}: geometry states no CRS; {remedy}')
    first = np.asarray(table[EMBEDDING].iloc[0])
    for row, (vector, outline) in enumerate(zip(table[EMBEDDING], table.geometry, strict=True)):
        values = np.asarray(vector)
        if values.ndim != 1 or values.shape != first.shape or values.dtype.kind != 'f' or not np.isfinite(values).all():
            raise InputError(
                f'{path}: {EMBEDDING} of row {row} is {str(vector)[:60]}, not {len(first) if first.ndim else "some"} '
                f'finite numbers; {remedy}'
            )
        if outline is None or outline.is_empty:
            raise InputError(f'{path}: geometry of row {row} is empty; {remedy}')


def embeddings_of(table: Any) -> NDArray[np.float32]:
    """Embeddings of a table, [n, D]."""
    return np.stack(table[EMBEDDING].to_numpy()).astype(np.float32)
