"""A table of items as it is stored: Parquet, with or without geometry, or CSV."""

import os
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa

from geo_noisy.errors import InputError
from geo_noisy.regions.files.paths import is_local, located

_CSV = ('.csv', '.tsv', '.txt', '.csv.gz')
_JSON = ('.json', '.geojson')
_SEPARATORS = ',;\t'
_REMEDY = 'Give Parquet, STAC-GeoParquet, or CSV in UTF-8'


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table.

    Raises:
        FileNotFoundError: If it is not there.
        InputError: If it is of another kind, damaged, or without rows.
    """
    name = located(str(path))
    if is_local(name) and not os.path.isfile(name):
        raise FileNotFoundError(f'The table {path} is not there, or is no file.')
    if name.lower().endswith(_JSON):
        raise InputError(
            f'The table {path} is JSON. {_REMEDY}: items of STAC become GeoParquet by `rustac translate` or '
            'stac-geoparquet.'
        )
    frame = _told(_read_csv if name.lower().endswith(_CSV) else _read_parquet, name)
    if frame.empty:
        raise InputError(f'The table {path} has no rows.')
    return frame


def _told(read: Callable[[str], pd.DataFrame], name: str) -> pd.DataFrame:
    try:
        return read(name)
    except (pa.ArrowException, OSError, ValueError) as error:  # pandas' errors of parsing are ValueErrors
        reason = ' '.join(str(error).split())
        raise InputError(f'The table {name} cannot be read: {reason.rstrip(".")}. {_REMEDY}.') from error


def _read_csv(name: str) -> pd.DataFrame:
    """CSV, by the separator that its first line has most of."""
    header: Any = pd.read_csv(name, sep='\0', nrows=0, engine='python').columns
    first = str(header[0]) if len(header) else ''
    return pd.read_csv(name, sep=max(_SEPARATORS, key=first.count))


def _read_parquet(name: str) -> pd.DataFrame:
    try:
        return pd.DataFrame(gpd.read_parquet(name))
    except ValueError as error:  # geopandas refuses Parquet without geometry
        if isinstance(error, pa.ArrowException):
            raise
        return pd.read_parquet(name)
