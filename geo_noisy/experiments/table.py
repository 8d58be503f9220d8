"""The table of results: one row a cell, never half written, and checked where it is read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from geo_noisy.errors import InputError
from geo_noisy.experiments.names import csv_text, from_csv
from geo_noisy.whole_file import whole_file

OUTCOMES = 'test_outcomes'
"""Column of lists, what a probe answered on each test image; in the Parquet file alone."""

SOURCES = 'test_sources'
"""Column of lists, which texture or image each class's pixels of each test image come from; likewise."""

TEXTS = frozenset({
    'data', 'loss', 'encoder', 'match', 'changed', 'checkpoint', 'downstream_noise', 'pretrain_key', 'hardware', 'code',
    'commit',
})  # fmt: skip
"""Columns of text."""

FLAGS = frozenset({'mere_exposure', 'fine_tuned'})
"""Columns of true and false, which are text in a CSV file with gaps."""

SHARES = r'^((best_)?val|test|train)_(f1|iou|accuracy|xview2)'
"""Columns of scores, which lie in [0, 1]."""


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old or the new content, never a part."""
    with whole_file(path) as part:
        part.write_text(text)


def read_table(path: Path) -> pd.DataFrame:
    """Rows of the cells that ended.

    Args:
        path: A Parquet or CSV file, or the folder of a sweep; a folder without a table gives an empty frame.

    Raises:
        FileNotFoundError: If there is no such file.
        InputError: If it is no table of results; the message names file, row and column.
    """
    if path.suffix not in ('.parquet', '.csv'):
        path = path / 'results.parquet'
        if not path.exists():
            return pd.DataFrame({'key': pd.Series(dtype=str)})
    if not path.exists():
        raise FileNotFoundError(f'There is no table of results at {path}.')
    if not path.is_file():
        raise InputError(f'{path} is no file, and so no table of results: remove it, and sweep again.')
    try:
        with path.open('rb') as file:  # opened once: a running sweep may put a new table in its place meanwhile
            table: pd.DataFrame = _read_csv(file) if path.suffix == '.csv' else pd.read_parquet(file)
    except (ValueError, OSError) as error:  # pandas' and pyarrow's are kinds of these
        reason = str(error).splitlines()[0]
        raise InputError(f'{path} is no whole table ({reason}): take a copy, or remove it and sweep again.') from error
    check_table(table, str(path))
    return table


def check_table(table: pd.DataFrame, where: str) -> None:
    """Check a table against what `geo-noisy sweep` writes.

    Args:
        table: Rows of cells.
        where: What to call the table in messages.

    Raises:
        InputError: If a column is missing, or a value is not of its kind; the message names row, column and value.
    """
    missing = {'key', 'name', 'seed', 'error'} - set(table)
    if missing:
        raise InputError(f'{where} has no column {sorted(missing)}: it is not a table that `geo-noisy sweep` wrote.')

    def refuse(bad: pd.Series, column: str, wanted: str) -> None:
        """Tell the first of the rows whose value is not of its kind."""
        if bad.any():
            row = {name: repr(value) if isinstance(value, str) else value for name, value in table[bad].iloc[0].items()}
            raise InputError(
                f'{where}: {column} is {row[column]} in the row of key {row["key"]} (name {row["name"]}, seed '
                f'{row["seed"]}); {wanted}. Remove the row, and sweep again.'
            )

    for column in ('key', 'name'):
        refuse(~table[column].map(_is_text), column, 'it must be text')
    whole = pd.to_numeric(table['seed'], errors='coerce')
    refuse(~(whole.ge(0) & whole.mod(1).eq(0)), 'seed', 'it must be a whole number of 0 or more')
    refuse(table['key'].duplicated(), 'key', 'it must be there once')
    done = table['error'].isna()
    for column in {'data', 'loss'} & set(table):
        refuse(done & ~table[column].map(_is_text), column, 'it must be text')
    for column in TEXTS & set(table):
        refuse(table[column].notna() & ~table[column].map(_is_text), column, 'it must be text')
    for column in FLAGS & set(table):
        refuse(table[column].notna() & ~table[column].map(_is_flag), column, 'it must be true or false')
    for column in map(str, table.filter(regex=SHARES)):
        values = pd.to_numeric(table[column], errors='coerce')
        there = done & table[column].notna()
        refuse(there & ~values.between(0, 1), column, 'a score lies between 0 and 1')
    for column in {'r_pairs', 'r_img', 'label_fraction'} & set(table):
        shares = pd.to_numeric(table[column], errors='coerce')
        refuse(table[column].notna() & ~shares.between(0, 1), column, 'a share lies between 0 and 1')
    for column in table.columns[table.columns.str.endswith('_seconds')]:
        seconds = pd.to_numeric(table[column], errors='coerce')
        refuse(table[column].notna() & ~seconds.ge(0), column, 'it must be a number of seconds')
    for column in {'config', 'settings', 'versions'} & set(table):
        refuse(table[column].notna() & ~table[column].map(_is_json), column, 'it must be JSON')


def stack_rows(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Rows of several tables, one table below the other.

    A column without values in one table has the type that it has in the others: releases of pandas differ in that.
    """
    tables = [table for table in tables if len(table)]
    known = {column for table in tables for column in table if table[column].notna().any()}
    parts = [table.drop(columns=[name for name in known & set(table) if table[name].isna().all()]) for table in tables]
    columns = dict.fromkeys(column for table in tables for column in table)
    return pd.concat(parts, ignore_index=True)[list(columns)]


def add_row(folder: Path, row: dict[str, Any]) -> pd.DataFrame:
    """Add a cell's row to results.parquet and results.csv, in place of an older one of the same cell."""
    table: pd.DataFrame = read_table(folder)
    rows = pd.DataFrame([row])
    table = stack_rows([table[table['key'] != row['key']], rows])
    with whole_file(folder / 'results.parquet') as part:
        table.to_parquet(part)
    write_csv(folder, table)
    return table


def write_csv(folder: Path, table: pd.DataFrame) -> None:
    """Write results.csv, which leaves out the lists of the test images, and holds no spreadsheet formula."""
    table = table.drop(columns=[OUTCOMES, SOURCES], errors='ignore')
    texts = _texts(table)
    table = table.assign(
        **{name: table[name].map(lambda v: csv_text(v) if isinstance(v, str) else v) for name in texts}
    )
    write_atomically(folder / 'results.csv', table.to_csv(index=False))


def _read_csv(file: BinaryIO) -> pd.DataFrame:
    keys = ('key', 'name', 'config_hash', *TEXTS)  # some look like numbers
    table: pd.DataFrame = pd.read_csv(file, dtype=dict.fromkeys(keys, str))
    texts = _texts(table)
    return table.assign(**{name: table[name].map(lambda v: from_csv(v) if isinstance(v, str) else v) for name in texts})


def _texts(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table if not pd.api.types.is_numeric_dtype(table[name])]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ''


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or (isinstance(value, str) and value in ('True', 'False'))


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except (ValueError, TypeError):
        return False
    return True
