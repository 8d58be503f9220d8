"""The table of results: one row a cell, never half written."""

from pathlib import Path
from typing import Any

import pandas as pd

from geo_noisy.whole_file import whole_file

OUTCOMES = 'test_outcomes'
"""Column of lists, what a probe answered on each test image; in the Parquet file alone."""


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
        ValueError: If it is no table of results.
    """
    if path.suffix not in ('.parquet', '.csv'):
        path = path / 'results.parquet'
        if not path.exists():
            return pd.DataFrame({'key': pd.Series(dtype=str)})
    if not path.exists():
        raise FileNotFoundError(f'There is no table of results at {path}.')
    with path.open('rb') as file:  # opened once: a running sweep may put a new table in its place meanwhile
        table: pd.DataFrame = pd.read_csv(file) if path.suffix == '.csv' else pd.read_parquet(file)
    missing = {'key', 'name', 'seed'} - set(table)
    if missing:
        raise ValueError(f'{path} has no column {sorted(missing)}: it is not a table that `geo-noisy sweep` wrote.')
    return table


def add_row(folder: Path, row: dict[str, Any]) -> pd.DataFrame:
    """Add a cell's row to results.parquet and results.csv, in place of an older one of the same cell."""
    table: pd.DataFrame = read_table(folder)
    rows = pd.DataFrame([row])
    table = pd.concat([table[table['key'] != row['key']], rows], ignore_index=True) if len(table) else rows
    with whole_file(folder / 'results.parquet') as part:
        table.to_parquet(part)
    write_csv(folder, table)
    return table


def write_csv(folder: Path, table: pd.DataFrame) -> None:
    """Write results.csv, which leaves out the answers on each test image."""
    write_atomically(folder / 'results.csv', table.drop(columns=OUTCOMES, errors='ignore').to_csv(index=False))
