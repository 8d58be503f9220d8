"""Scores of cells beside each other, and paired differences with their intervals."""

from collections.abc import Sequence

import pandas as pd

from geo_noisy.experiments.judging.statistics import Interval, paired_points
from geo_noisy.experiments.names import markdown

NOT_CONVERGED = 0.5
"""Points that a probe gains in the last fifth of its epochs, from which on it is said not to have converged."""


def compare(table: pd.DataFrame, comparisons: Sequence[tuple[str, str]], *, metric: str) -> str:
    """Scores of each name, and paired differences with their intervals.

    Args:
        table: Rows with ``name``, ``seed`` and the metric, in [0, 1].
        comparisons: Pairs of names; those that the table lacks are left out.
        metric: Column to compare.

    Returns:
        Two Markdown tables.

    Raises:
        ValueError: If a name has two rows of one seed.
    """
    twice = table.loc[table.duplicated(['name', 'seed']), ['name', 'seed']]
    if len(twice):
        raise ValueError(f'Several cells are called {twice["name"].iloc[0]!r}, seed {twice["seed"].iloc[0]}.')
    seeds = sorted(table['seed'].unique())
    points = (100 * table.pivot(index='name', columns='seed', values=metric))[seeds]
    points = points.loc[list(dict.fromkeys(table['name']))]
    label = metric.removeprefix('test_').replace('_', ' ')
    lines = [
        f'\nTest {label} in points, {len(seeds)} seeds; training: of the probe, in its last epoch; late gain: by how'
    ]
    lines += ['much its validation score rose in the last fifth of its epochs.\n']
    lines += ['| pretraining | mean | training | late gain | ' + ' | '.join(f'seed {seed}' for seed in seeds) + ' |']
    lines += ['|---|---|---|---|' + '---|' * len(seeds)]
    for name, row in points.iterrows():
        scores = ' | '.join('' if pd.isna(value) else f'{value:.1f}' for value in row)
        of_probe = ' | '.join(
            _mean(table.loc[table['name'] == name], column)
            for column in (metric.replace('test_', 'train_'), 'late_gain')
        )
        lines += [f'| {markdown(str(name))} | {row.mean():.1f} | {of_probe} | {scores} |']
    known = [pair for pair in comparisons if set(pair) <= set(points.index)]
    there = [pair for pair in known if points.loc[list(pair)].notna().all().any()]  # with a seed in common
    if there:
        lines += ['\nPaired differences in points, with 95 % t-intervals over the seeds:\n']
        lines += ['| compared | with | difference | interval | seeds |', '|---|---|---|---|---|']
        for first, second in there:
            difference = Interval.of(paired_points(table, first, second, metric=metric).to_numpy())
            names = f'| {markdown(first)} | {markdown(second)} |'
            lines += [f'{names} {difference.mean:+.1f} | {difference} | {difference.seeds} |']
    return '\n'.join([*lines, ''])


def _mean(rows: pd.DataFrame, column: str) -> str:
    if column not in rows or rows[column].isna().all():
        return ''
    return f'{100 * rows[column].mean():.1f}'
