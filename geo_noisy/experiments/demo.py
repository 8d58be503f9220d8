"""The demo: a small VTS grid, from nothing to a figure and a table, in minutes on two cores."""

import argparse
from importlib import resources
from pathlib import Path

import pandas as pd

from geo_noisy.experiments.figures import plot_scores
from geo_noisy.experiments.grid import read_grid
from geo_noisy.experiments.statistics import Difference, paired_difference
from geo_noisy.experiments.sweep import run_grid
from geo_noisy.experiments.table import write_atomically

METRIC = 'test_f1_macro'
COMPARISONS = (
    ('within-image, no noisy pairs', 'random encoder'),
    ('within-image, all pairs noisy', 'random encoder'),
    ('within-image, all pairs noisy', 'within-image, no noisy pairs'),
    ('MoCo, no noisy pairs', 'random encoder'),
    ('MoCo, all pairs noisy', 'random encoder'),
    ('MoCo, all pairs noisy', 'MoCo, no noisy pairs'),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the demo's options to a parser."""
    parser.add_argument('--output', type=Path, default=Path('runs/demo'), help='run folder (default: runs/demo)')
    parser.add_argument('--grid', type=Path, help='another grid file with the same cell names')


def run(arguments: argparse.Namespace) -> int:
    """Run the grid, print and draw how its cells compare; what a stopped demo has done is not done again."""
    folder: Path = arguments.output
    with resources.as_file(resources.files('geo_noisy.experiments') / 'demo.yaml') as packaged:
        cells = read_grid(arguments.grid or packaged)
    print(f'{len(cells)} cells: pretrain an encoder or not, probe it on segmentation, test. Run folder: {folder}')
    table = run_grid(cells, folder)
    failed = table[table['error'].notna()]
    if len(failed):
        print(f'{len(failed)} cells failed; see the column `error` of {folder / "results.csv"}. Run again to retry.')
        return 1
    differences = [paired_difference(table, first, second, metric=METRIC) for first, second in COMPARISONS]
    text = report(table, differences)
    print(text)
    write_atomically(folder / 'report.md', text)
    figure = plot_scores(table, metric=METRIC)
    figure.savefig(folder / 'scores.png', dpi=150)
    print(f'Table: {folder / "results.csv"}  Figure: {folder / "scores.png"}  Report: {folder / "report.md"}')
    return 0


def report(table: pd.DataFrame, differences: list[Difference]) -> str:
    """Scores of each name, and the paired differences with their intervals, as Markdown."""
    seeds = sorted(table['seed'].unique())
    points = (100 * table.set_index(['name', 'seed'])[METRIC]).unstack('seed')[seeds]
    points = points.loc[list(dict.fromkeys(table['name']))]
    lines = [
        '',
        f'Test macro-F1 in points, {len(seeds)} seeds:',
        '',
        '| pretraining | mean | ' + ' | '.join(f'seed {seed}' for seed in seeds) + ' |',
        '|---|---|' + '---|' * len(seeds),
    ]
    lines += [
        f'| {name} | {row.mean():.1f} | ' + ' | '.join(f'{value:.1f}' for value in row) + ' |'
        for name, row in points.iterrows()
    ]
    lines += ['', 'Paired differences in points, with 95 % t-intervals over the seeds:', '']
    lines += ['| compared | with | difference | interval | verdict |', '|---|---|---|---|---|']
    lines += [
        f'| {d.first} | {d.second} | {d.mean:+.1f} | {d.low:+.1f} to {d.high:+.1f} | {d.verdict} |' for d in differences
    ]
    lines += ['', 'The demo is small on purpose: it shows how a comparison is made, not what the answer is.', '']
    return '\n'.join(lines)
