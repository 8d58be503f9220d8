"""What tables of results say, as Markdown with the paper's figures: a page to read, then the tables."""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from geo_noisy.errors import InputError
from geo_noisy.experiments.judging.compare import compare
from geo_noisy.experiments.judging.contrasts import Contrast
from geo_noisy.experiments.judging.findings import Finding, measure_claims
from geo_noisy.experiments.judging.primary import PrimaryTest, judge
from geo_noisy.experiments.judging.resampling import Resampler
from geo_noisy.experiments.names import file_name, markdown, plain
from geo_noisy.experiments.reporting.figures import paper_figures, plot_scores
from geo_noisy.experiments.reporting.first_page import first_page
from geo_noisy.experiments.reporting.method_figures import save
from geo_noisy.experiments.results import FROZEN_BASELINES, metric_of, prepare, settings
from geo_noisy.experiments.table import write_atomically

PAPER_SCORES = (
    '| xBD, best pretraining, test F1 (definition not given) | .287 |',
    '| xBD, ImageNet weights, test F1 (definition not given) | .254 |',
)


def write_report(
    folder: Path,
    table: pd.DataFrame,
    *,
    command: str,
    method_figures: Sequence[Path] = (),
    primary: Sequence[PrimaryTest] = (),
) -> Path:
    """Write report.md and the figures it shows.

    Args:
        folder: Folder of the report; figures go to ``figures`` in it.
        table: Rows of the cells.
        command: The command that makes the report again.
        method_figures: Figures in its folder ``figures`` to show as well.
        primary: The tests that were fixed before the first cell ran.

    Returns:
        Path of report.md.

    Raises:
        InputError: If the table holds no finished cell, or is of an older version.
    """
    rows = prepare(table)
    if rows.empty:
        raise InputError('The table holds no cell that ended well: see its column `error`.')
    resampler = Resampler(rows)
    parts = [(label, part, measure_claims(part, resampler=resampler)) for label, part in settings(rows)]
    lines = ['# Report', '', f'Made by `{plain(command).replace("`", "")}`.', '']
    lines += first_page(rows, judge(rows, primary, resampler), [(label, found) for label, _, found in parts])
    lines += ['## The tables', '']
    for label, part, findings in parts:
        lines += [f'## {markdown(label)}', ''] if label else []
        lines += _scores(part)
        lines += _claims(findings)
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
        lines += [f'### {markdown(str(data))}', compare(rows, comparisons, metric=metric_of(str(data)))]
    return lines


def _claims(findings: Sequence[Finding]) -> list[str]:
    lines = ["### The paper's claims", '']
    lines += [
        'Intervals without a verdict: differences in points, averaged over the cells that a claim names, paired by',
        'world, with 95 % t-intervals over the worlds (* variance pooled over the cells of the loss, as there are few',
        'worlds), then over resampled textures (VTS) or images of origin (xBD), and over resampled test images.',
        '',
        '| claim | paper | here | interval | over textures or origins | over test images | worlds, cells | |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for finding in findings:
        if finding.found is None:
            continue
        claim = finding.claim
        note = '' if finding.status == 'interval' else finding.status
        lines += [f'| {claim.text} | {claim.paper} | {_contrast(finding.found)} | {note} |']
    untested = [finding.claim.text for finding in findings if finding.found is None]
    lines += ['', f'Not tested, for want of cells: {"; ".join(untested)}.'] if untested else []
    return [*lines, '', '| printed in the paper | |', '|---|---|', *PAPER_SCORES, '']


def _contrast(found: Contrast) -> str:
    interval = found.interval
    drawn = [f'{ends[0]:+.1f} to {ends[1]:+.1f}' if ends else '' for ends in (found.over_sources, found.over_images)]
    worlds = f'{interval.seeds}, {found.cells}'
    return ' | '.join([f'{interval.mean:+.1f}', f'{interval}{"*" if interval.pooled else ""}', *drawn, worlds])


def _figures(folder: Path, part: pd.DataFrame, label: str) -> list[str]:
    suffix = f'_{file_name(label)}' if label else ''
    lines = ['### Figures', '', 'Lines are means over seeds, bands reach from the lowest seed to the highest.', '']
    figures = list(paper_figures(part))
    figures += [
        (f'scores_{file_name(str(data))}', plot_scores(rows, metric=metric_of(str(data))))
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
    lines += [f'- Hardware: {markdown(text)}.' for text in sorted(done['hardware'].dropna().unique())]
    codes = sorted(done.get('code', pd.Series(dtype=str)).dropna().unique())
    lines += [f'- geo-noisy {markdown(text)}.' for text in codes]
    commits = sorted(done.get('commit', pd.Series(dtype=str)).dropna().unique())
    lines += [f'- Commit {markdown(text)}.' for text in commits]
    for text in sorted(done['versions'].dropna().unique()):
        versions = ', '.join(f'{name} {version}' for name, version in json.loads(text).items())
        lines += [f'- {markdown(versions)}.']
    for _, row in table[table['error'].notna()].iterrows():
        reason = markdown(str(row['error']).splitlines()[0])
        lines += [f'- Failed: {markdown(row["name"])}, seed {row["seed"]}: {reason} (all of it in the table).']
    return [*lines, '']
