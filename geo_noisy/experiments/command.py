"""The commands `sweep`, `demo` and `report`: run a grid, then tell how its cells compare."""

import argparse
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from geo_noisy.experiments.grid import read_comparisons, read_grid
from geo_noisy.experiments.method_figures import write_method_figures
from geo_noisy.experiments.report import compare, write_report
from geo_noisy.experiments.results import metric_of
from geo_noisy.experiments.sweep import run_grid
from geo_noisy.experiments.table import read_table


def add_sweep_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep` to a parser."""
    parser.add_argument('grid', type=Path, help='grid file, such as configs/sweeps/reduced.yaml')
    parser.add_argument('--output', type=Path, required=True, help='folder of runs and results')
    parser.add_argument(
        '--engine',
        choices=('local', 'ray'),
        default='local',
        help='one cell after another, or spread over a Ray cluster (RAY_ADDRESS, or this machine)',
    )
    parser.add_argument('--cpus', type=float, default=1, help='CPUs of a cell, for Ray (default: 1)')
    parser.add_argument('--gpus', type=float, default=0, help='GPUs of a cell, or a share, for Ray (default: 0)')


def add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `demo` to a parser."""
    parser.add_argument('--output', type=Path, default=Path('runs/demo'), help='run folder (default: runs/demo)')


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `report` to a parser."""
    parser.add_argument('table', type=Path, nargs='+', help='results.parquet or .csv of a sweep, or its folder')
    parser.add_argument('--output', type=Path, help='folder of the report (default: that of the first table)')
    parser.add_argument('--textures', type=Path, help='folder of DTD for figure 3 (default: embedded textures)')
    parser.add_argument('--xbd', type=Path, help='folder of xBD for figure 6 (default: VTS stands in)')


def run_sweep(arguments: argparse.Namespace) -> int:
    """Run a grid; what a stopped sweep has done is not done again."""
    engine: dict[str, Any] = {'engine': arguments.engine, 'cpus': arguments.cpus, 'gpus': arguments.gpus}
    return _run(arguments.grid, arguments.output, **engine)


def run_demo(arguments: argparse.Namespace) -> int:
    """Run the grid that comes with the package."""
    with resources.as_file(resources.files('geo_noisy.experiments') / 'demo.yaml') as grid:
        return _run(grid, arguments.output)


def run_report(arguments: argparse.Namespace) -> int:
    """Write the report of one or more tables."""
    first = arguments.table[0]
    folder = arguments.output or (first if first.is_dir() else first.parent)
    tables = [read_table(path) for path in arguments.table]
    empty = [str(path) for path, table in zip(arguments.table, tables, strict=True) if table.empty]
    if empty:
        raise ValueError(f'{", ".join(empty)}: no table of results. Run `geo-noisy sweep GRID --output FOLDER` first.')
    options = {'--output': arguments.output, '--textures': arguments.textures, '--xbd': arguments.xbd}
    given = [f'{option} {value}' for option, value in options.items() if value is not None]
    command = ' '.join(['geo-noisy report', *map(str, arguments.table), *given])
    figures = write_method_figures(folder / 'figures', vts_root=arguments.textures, xbd_root=arguments.xbd)
    report = write_report(folder, pd.concat(tables, ignore_index=True), command=command, method_figures=figures)
    print(f'Report: {report}')
    return 0


def _run(grid: Path, folder: Path, **engine: Any) -> int:
    cells, comparisons = read_grid(grid), read_comparisons(grid)
    print(f'{len(cells)} cells: pretrain an encoder or not, probe it, test. Run folder: {folder}')
    table = run_grid(cells, folder, **engine)
    failed, table = table[table['error'].notna()], table[table['error'].isna()]
    for data, rows in table.groupby('data', sort=False) if len(table) else ():
        print(compare(rows, comparisons, metric=metric_of(str(data))))
    if len(table):
        write_report(folder, table, command=f'geo-noisy report {folder}')
    optional = failed['key'].isin([cell.key for cell in cells if cell.optional])
    for _, row in failed[optional].iterrows():
        print(f'Left out, as the grid allows: {row["name"]} ({row["error"]}).')
    if not optional.all():
        count = int((~optional).sum())
        print(f'{count} cells failed; see the column `error` of {folder / "results.csv"}. Run again to retry.')
        return 1
    print(f'Table: {folder / "results.csv"}  Figures: {folder / "figures"}  Report: {folder / "report.md"}')
    return 0
