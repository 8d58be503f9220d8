"""How the cells of a grid compare, as Markdown."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from geo_noisy.experiments.statistics import Difference
from geo_noisy.experiments.table import write_atomically

METRIC = 'test_f1_macro'


def compare(table: pd.DataFrame, differences: Sequence[Difference]) -> str:
    """Scores of each name, and paired differences with their intervals.

    Args:
        table: Rows with ``name``, ``seed`` and the metric, in [0, 1].
        differences: What to tell of.

    Returns:
        Two Markdown tables.
    """
    seeds = sorted(table['seed'].unique())
    points = (100 * table.pivot_table(index='name', columns='seed', values=METRIC))[seeds]
    points = points.loc[list(dict.fromkeys(table['name']))]
    lines = [f'\nTest macro-F1 in points, {len(seeds)} seeds:\n']
    lines += ['| pretraining | mean | ' + ' | '.join(f'seed {seed}' for seed in seeds) + ' |']
    lines += ['|---|---|' + '---|' * len(seeds)]
    lines += [
        f'| {name} | {row.mean():.1f} | ' + ' | '.join('' if pd.isna(value) else f'{value:.1f}' for value in row) + ' |'
        for name, row in points.iterrows()
    ]
    lines += ['\nPaired differences in points, with 95 % t-intervals over the seeds:\n']
    lines += ['| compared | with | difference | interval | verdict |', '|---|---|---|---|---|']
    lines += [f'| {d.first} | {d.second} | {d.mean:+.1f} | {d.interval} | {d.verdict} |' for d in differences]
    return '\n'.join([*lines, ''])


def write_report(folder: Path, table: pd.DataFrame, differences: Sequence[Difference], *, command: str) -> None:
    """Write report.md: the comparison, the command, the time it took, and with what it was run.

    Args:
        folder: Folder of the results.
        table: Rows of the cells.
        differences: What to tell of.
        command: The command that makes the table.
    """
    shared = table.drop_duplicates('pretrain_key') if 'pretrain_key' in table else table.iloc[:0]
    spent = (table['probe_seconds'].sum() + shared.get('pretrain_seconds', pd.Series(dtype=float)).sum()) / 60
    lines = [
        compare(table, differences),
        f'Run by `{command}` on {table["hardware"].iloc[0]}; {len(table)} cells, {spent:.0f} minutes of stages, seeds '
        f'{sorted(table["seed"].unique().tolist())}. Versions: {table["versions"].iloc[0]}.',
        '',
    ]
    write_atomically(folder / 'report.md', '\n'.join(lines))
