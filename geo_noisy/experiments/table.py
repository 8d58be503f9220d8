"""The table of results: one row a cell, never half written."""

import os
from pathlib import Path
from typing import Any

import pandas as pd


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}')
    part.write_text(text)
    os.replace(part, path)


def read_table(folder: Path) -> pd.DataFrame:
    """Rows of the cells that ended; an empty frame where there are none."""
    path = folder / 'results.parquet'
    if not path.exists():
        return pd.DataFrame({'key': pd.Series(dtype=str)})
    table: pd.DataFrame = pd.read_parquet(path)  # untyped in pandas-stubs
    return table


def add_row(folder: Path, row: dict[str, Any]) -> pd.DataFrame:
    """Add a cell's row to results.parquet and results.csv, in place of an older one of the same cell."""
    table: pd.DataFrame = read_table(folder)
    rows = pd.DataFrame([row])
    table = pd.concat([table[table['key'] != row['key']], rows], ignore_index=True) if len(table) else rows
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f'.results.parquet.{os.getpid()}'
    table.to_parquet(part)
    os.replace(part, folder / 'results.parquet')
    write_atomically(folder / 'results.csv', table.to_csv(index=False))
    return table
