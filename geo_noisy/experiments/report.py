"""What a table of results says, as Markdown with the paper's figures."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from geo_noisy.experiments.claims import Finding, judge
from geo_noisy.experiments.figures import paper_figures, plot_scores
from geo_noisy.experiments.method_figures import save
from geo_noisy.experiments.results import FROZEN_BASELINES, metric_of, prepare, settings
from geo_noisy.experiments.statistics import Interval, paired_points
from geo_noisy.experiments.table import write_atomically

PAPER_SCORES = (
    '| xBD, best pretraining, test F1 (definition not given) | .287 |',
    '| xBD, ImageNet weights, test F1 (definition not given) | .254 |',
)


def compare(table: pd.DataFrame, comparisons: Sequence[tuple[str, str]], *, metric: str) -> str:
    """Scores of each name, and paired differences with their intervals.

    Args:
        table: Rows with ``name``, ``seed`` and the metric, in [0, 1].
        comparisons: Pairs of names; those that the table lacks are left out.
        metric: Column to compare.

    Returns:
        Two Markdown tables.
    """
    seeds = sorted(table['seed'].unique())
    points = (100 * table.pivot_table(index='name', columns='seed', values=metric))[seeds]
    points = points.loc[list(dict.fromkeys(table['name']))]
    label = metric.removeprefix('test_').replace('_', ' ')
    lines = [f'\nTest {label} in points, {len(seeds)} seeds:\n']
    lines += ['| pretraining | mean | ' + ' | '.join(f'seed {seed}' for seed in seeds) + ' |']
    lines += ['|---|---|' + '---|' * len(seeds)]
    lines += [
        f'| {name} | {row.mean():.1f} | ' + ' | '.join('' if pd.isna(value) else f'{value:.1f}' for value in row) + ' |'
        for name, row in points.iterrows()
    ]
    known = [pair for pair in comparisons if set(pair) <= set(points.index)]
    there = [pair for pair in known if points.loc[list(pair)].notna().all().any()]  # with a seed in common
    if there:
        lines += ['\nPaired differences in points, with 95 % t-intervals over the seeds:\n']
        lines += ['| compared | with | difference | interval | verdict |', '|---|---|---|---|---|']
        for first, second in there:
            difference = Interval.of(paired_points(table, first, second, metric=metric).to_numpy())
            lines += [f'| {first} | {second} | {difference.mean:+.1f} | {difference} | {difference.verdict} |']
    return '\n'.join([*lines, ''])


def write_report(folder: Path, table: pd.DataFrame, *, command: str, method_figures: Sequence[Path] = ()) -> Path:
    """Write report.md and the figures it shows.

    Args:
        folder: Folder of the report; figures go to ``figures`` in it.
        table: Rows of the cells.
        command: The command that makes the report again.
        method_figures: Figures in its folder ``figures`` to show as well.

    Returns:
        Path of report.md.

    Raises:
        ValueError: If the table holds no finished cell, or is of an older version.
    """
    rows = prepare(table)
    if rows.empty:
        raise ValueError('The table holds no cell that ended well: see its column `error`.')
    lines = ['# Report', '', f'Made by `{command}`.', '']
    for label, part in settings(rows):
        lines += [f'## {label}', ''] if label else []
        lines += _scores(part)
        lines += _claims(judge(part))
        lines += _figures(folder, part, label)
    if method_figures:
        lines += ['### How pairs are made', '']
        lines += [line for path in method_figures for line in (_image(path), '')]
    lines += _provenance(table)
    write_atomically(folder / 'report.md', '\n'.join(lines))
    return folder / 'report.md'


def _scores(part: pd.DataFrame) -> list[str]:
    lines = []
    for data, rows in part.groupby('data', sort=False):
        baselines = list(dict.fromkeys(rows.loc[rows['loss'].isin(FROZEN_BASELINES), 'name']))
        names = list(dict.fromkeys(rows['name']))
        comparisons = [(name, baseline) for baseline in baselines for name in names if name not in baselines]
        lines += [f'### {data}', compare(rows, comparisons, metric=metric_of(str(data)))]
    return lines


def _claims(findings: Sequence[Finding]) -> list[str]:
    lines = ["### The paper's claims", '']
    lines += [
        'Differences in points, averaged over the cells that a claim names, paired by seed, with 95 % t-intervals over',
        'seeds. p: paired t-test, adjusted by Holm over the claims that were tested. *Not seen* needs an interval',
        'within one point of zero, *contradicted* a significant difference of the other sign; the rest is *open*. For',
        '"do not harm" and "do not help", seen means within one point of zero on that side. Cells: over how many a',
        'seed averages. Last column: for each seed the interval over resampled test images.',
        '',
        '| claim | paper | here | interval | p | verdict | seeds, cells | over test images |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for finding in findings:
        claim, interval = finding.claim, finding.interval
        if interval is None:
            lines += [f'| {claim.text} | {claim.paper} | | | | not tested | | |']
            continue
        images = ', '.join(f'{seed}: {low:+.1f} to {high:+.1f}' for seed, (low, high) in finding.by_seed.items())
        p_value = '' if np.isnan(finding.p_value) else f'{finding.p_value:.3f}'
        lines += [
            f'| {claim.text} | {claim.paper} | {interval.mean:+.1f} | {interval} | {p_value} | **{finding.verdict}** | '
            f'{interval.seeds}, {finding.cells} | {images} |'
        ]
    return [*lines, '', '| printed in the paper | |', '|---|---|', *PAPER_SCORES, '']


def _figures(folder: Path, part: pd.DataFrame, label: str) -> list[str]:
    suffix = ''.join(f'_{word}' for word in label.replace(',', '').split())
    lines = ['### Figures', '', 'Lines are means over seeds, bands reach from the lowest seed to the highest.', '']
    figures = list(paper_figures(part))
    figures += [
        (f'scores_{data}'.lower(), plot_scores(rows, metric=metric_of(str(data))))
        for data, rows in part.groupby('data', sort=False)
    ]
    for name, figure in figures:
        path = save(figure, folder / 'figures' / f'{name}{suffix}.png')
        lines += [_image(path), '']
    return lines


def _image(path: Path) -> str:
    return f'![{path.stem.replace("_", " ")}](figures/{path.name})'


def _provenance(table: pd.DataFrame) -> list[str]:
    """With what the rows were made, what it cost, and what sharing saved."""
    done = table[table['error'].isna()]
    lines = ['### How it was run', '']
    pretrained = done.dropna(subset=['pretrain_key']) if 'pretrain_key' in done else done.iloc[:0]
    each = pretrained['pretrain_seconds'].sum() if len(pretrained) else 0.0
    once = pretrained.drop_duplicates('pretrain_key')['pretrain_seconds'].sum() if len(pretrained) else 0.0
    probes = done['probe_seconds'].sum()
    lines += [
        f'- {len(done)} cells, seeds {sorted(done["seed"].unique().tolist())}; {(once + probes) / 60:.0f} minutes of '
        f'stages: {pretrained["pretrain_key"].nunique() if len(pretrained) else 0} pretrainings {once / 60:.0f}, '
        f'probes {probes / 60:.0f}.',
        f'- Shared pretrainings saved {(each - once) / 60:.0f} minutes.',
    ]
    lines += [f'- Hardware: {text}.' for text in sorted(done['hardware'].dropna().unique())]
    lines += [f'- geo-noisy {text}.' for text in sorted(done.get('code', pd.Series(dtype=str)).dropna().unique())]
    for text in sorted(done['versions'].dropna().unique()):
        lines += ['- ' + ', '.join(f'{name} {version}' for name, version in json.loads(text).items()) + '.']
    failed = table[table['error'].notna()]
    lines += [
        f'- Failed: {row["name"]}, seed {row["seed"]}: {str(row["error"]).splitlines()[0]} (all of it in the table).'
        for _, row in failed.iterrows()
    ]
    return [*lines, '']
