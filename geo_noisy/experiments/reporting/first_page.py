"""The first page of a report: what a reader learns in two minutes."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from geo_noisy.experiments.judging.compare import NOT_CONVERGED
from geo_noisy.experiments.judging.findings import Finding, gates_of
from geo_noisy.experiments.judging.primary import PrimaryFinding
from geo_noisy.experiments.names import markdown
from geo_noisy.experiments.results import settings

PLATEAU = 0.1
"""By how much a validation loss has to fall for a pretraining to have learnt anything."""


def first_page(
    rows: pd.DataFrame, primary: Sequence[PrimaryFinding], claims: Sequence[tuple[str, Sequence[Finding]]]
) -> list[str]:
    """Write the first page.

    Args:
        rows: Prepared rows.
        primary: What came of the primary tests.
        claims: Findings on the paper's claims, by setting.
    """
    lines = ['## In two minutes', '']
    for data, part in rows.groupby('data', sort=False):
        encoders = ', '.join(sorted(part['encoder'].unique()))
        lines += [
            f'- **{markdown(str(data))}**: {part["name"].nunique()} cells, {part["seed"].nunique()} worlds (seeds), '
            f'encoder {markdown(encoders)}.'
        ]
    return [*lines, '', *_gates(rows), *_primary(primary), *_claims(claims), *_doubts(rows)]


def _gates(rows: pd.DataFrame) -> list[str]:
    lines = [
        '**May a loss be judged?** Only where its clean pretraining beats the better of the two random encoders, with',
        'an interval above zero. Elsewhere differences between its cells are *uninformative*.',
        '',
        '| data, loss | setting | clean minus the better random encoder | |',
        '|---|---|---|---|',
    ]
    seen: set[tuple[str, str, str]] = set()
    for label, part in settings(rows):
        for (data, loss), gate in gates_of(part).items():
            if (data, loss, gate.clean) in seen:
                continue
            seen.add((data, loss, gate.clean))
            answer = 'yes' if gate.passed else '**no**'
            lines += [f'| {markdown(data)}, {markdown(loss)} | {markdown(label)} | {markdown(str(gate))} | {answer} |']
    return [*lines, '']


def _primary(findings: Sequence[PrimaryFinding]) -> list[str]:
    if not findings:
        return [
            '**No primary tests were fixed beforehand**, so nothing here ends in a verdict: differences are intervals.',
            '',
        ]
    counts = Counter(finding.verdict for finding in findings)
    lines = [
        f'**{len(findings)} primary tests**, fixed before the first cell ran: '
        + ', '.join(f'{count} {verdict}' for verdict, count in counts.items())
        + '. p: paired t-test over worlds, adjusted by Holm over exactly these.',
        '',
        '| test | expected | here | interval | p | over textures or origins | worlds | verdict |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for finding in findings:
        test, found = finding.test, finding.found
        expected = test.kind if test.kind in ('gain', 'harm') else f'{test.kind} of {test.margin:g}'
        if found is None:
            lines += [f'| {markdown(test.text)} | {expected} | | | | | | not tested |']
            continue
        interval, ends = found.interval, found.over_sources
        pooled = '*' if interval.pooled else ''
        lines += [
            f'| {markdown(test.text)} | {expected} | {interval.mean:+.1f} | {interval}{pooled} | '
            f'{finding.p_value:.3f} | {f"{ends[0]:+.1f} to {ends[1]:+.1f}" if ends else ""} | {interval.seeds} | '
            f'**{finding.verdict}** |'
        ]
    return [*lines, '']


def _claims(claims: Sequence[tuple[str, Sequence[Finding]]]) -> list[str]:
    lines = []
    for label, findings in claims:
        counts = Counter(finding.status for finding in findings)
        setting = f' ({markdown(label)})' if label else ''
        lines += [
            f"- The paper's {len(findings)} claims{setting}: {counts['interval']} measured, as intervals below, "
            f'{counts["uninformative"]} uninformative, {counts["not tested"]} not tested.'
        ]
    return lines


def _doubts(rows: pd.DataFrame) -> list[str]:
    """Runs that say less than they seem to."""
    lines = []
    for column, limit, says in (
        (
            'pretrain_val_fall',
            -PLATEAU,
            f'The validation loss never fell by {PLATEAU} (it may still be on its plateau)',
        ),
        ('late_gain', NOT_CONVERGED / 100, f'The probe still gained {NOT_CONVERGED} points or more at the end'),
    ):
        if column not in rows:
            continue
        odd = rows[rows[column] < -limit] if limit < 0 else rows[rows[column] >= limit]
        if len(odd):
            named = ', '.join(
                f'{markdown(str(name))} (seeds {", ".join(map(str, sorted(part["seed"])))})'
                for name, part in odd.groupby('name', sort=False)
            )
            lines += [f'- {says}: {named}.']
    return [*lines, '']
