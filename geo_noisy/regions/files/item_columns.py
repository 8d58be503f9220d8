"""Columns of a table of items beside their dates: cloud cover and sensors, each read as a whole."""

import difflib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.regions.dates.column_values import ColumnValues

CLOUD_COLUMN = 'eo:cloud_cover'
SENSOR_COLUMN = 'platform'
_NOT_MEASURED = -1  # in Landsat's metadata


def need_column(frame: pd.DataFrame, column: str, *, table: str, option: str) -> None:
    """Make sure that a column is there.

    Raises:
        ValueError: If it is not, with those that are and the nearest of them.
    """
    if column in frame.columns:
        return
    names = [str(name) for name in frame.columns]
    near = difflib.get_close_matches(column, names, n=1)
    guess = f' Did you mean {near[0]!r}?' if near else ''
    raise ValueError(f'{table} has no column {column!r} ({option}); it has {", ".join(names)}.{guess}')


def cloud_covers(frame: pd.DataFrame, column: str | None, *, table: str) -> NDArray[np.float64]:
    """Cloud cover in percent, [n]; NaN where it is unknown, or no column was named and STAC's is not there.

    Raises:
        ValueError: If the column is not there, or holds anything but numbers from 0 to 100.
    """
    if column is None or (column == CLOUD_COLUMN and column not in frame.columns):
        return np.full(len(frame), np.nan)
    need_column(frame, column, table=table, option='--cloud-column')
    values = ColumnValues.of(frame[column], where=f'{table}, column {column!r}')
    numbers = pd.to_numeric(pd.Series(list(values.values), dtype=object), errors='coerce').to_numpy(dtype=np.float64)
    numbers = np.where(numbers == _NOT_MEASURED, np.nan, numbers)
    wrong = ~((numbers >= 0) & (numbers <= 100)) & np.array(
        [value != _NOT_MEASURED for value in values.values], dtype=bool
    )
    if wrong.any():
        raise values.offence(
            np.flatnonzero(wrong), 'no cloud cover in percent', 'Write numbers from 0 to 100; leave unknown ones empty.'
        )
    return np.append(numbers, np.nan)[values.codes]


def sensors(frame: pd.DataFrame, column: str | None, *, table: str) -> list[str]:
    """What took each image, [n]; empty where it is unknown, or no column was named and STAC's is not there.

    Raises:
        ValueError: If the column is not there.
    """
    if column is None or (column == SENSOR_COLUMN and column not in frame.columns):
        return [''] * len(frame)
    need_column(frame, column, table=table, option='--sensor-column')
    values = ColumnValues.of(frame[column], where=f'{table}, column {column!r}')
    names = [
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values.values
    ]
    return [names[code] if code >= 0 else '' for code in values.codes]


def _name(value: object) -> str:
    """A sensor's name; a number that a column with gaps holds as a float is written as a whole one."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
