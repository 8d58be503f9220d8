"""The commands `sweep` and `demo`: run a grid, then tell how its cells compare."""

import argparse
from importlib import resources
from pathlib import Path

from geo_noisy.experiments.figures import plot_scores
from geo_noisy.experiments.grid import read_comparisons, read_grid
from geo_noisy.experiments.report import METRIC, compare, write_report
from geo_noisy.experiments.statistics import paired_difference
from geo_noisy.experiments.sweep import run_grid


def add_sweep_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sweep` to a parser."""
    parser.add_argument('grid', type=Path, help='grid file, such as configs/sweeps/vts_64px.yaml')
    parser.add_argument('--output', type=Path, required=True, help='folder of runs and results')


def add_demo_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `demo` to a parser."""
    parser.add_argument('--output', type=Path, default=Path('runs/demo'), help='run folder (default: runs/demo)')


def run_sweep(arguments: argparse.Namespace) -> int:
    """Run a grid; what a stopped sweep has done is not done again."""
    return _run(arguments.grid, arguments.output, command=f'geo-noisy sweep {arguments.grid.name}')


def run_demo(arguments: argparse.Namespace) -> int:
    """Run the grid that comes with the package."""
    with resources.as_file(resources.files('geo_noisy.experiments') / 'demo.yaml') as grid:
        return _run(grid, arguments.output, command='geo-noisy demo')


def _run(grid: Path, folder: Path, *, command: str) -> int:
    cells, comparisons = read_grid(grid), read_comparisons(grid)
    print(f'{len(cells)} cells: pretrain an encoder or not, probe it on segmentation, test. Run folder: {folder}')
    table = run_grid(cells, folder)
    failed = table[table['error'].notna()]
    table = table[table['error'].isna()]
    there = set(table['name'])
    differences = [paired_difference(table, *names, metric=METRIC) for names in comparisons if set(names) <= there]
    if len(table):
        print(compare(table, differences))
        write_report(folder, table, differences, command=command)
        plot_scores(table, metric=METRIC).savefig(folder / 'scores.png', dpi=150)
    if len(failed):
        print(f'{len(failed)} cells failed; see the column `error` of {folder / "results.csv"}. Run again to retry.')
        return 1
    print(f'Table: {folder / "results.csv"}  Figure: {folder / "scores.png"}  Report: {folder / "report.md"}')
    return 0
