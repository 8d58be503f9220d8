"""The paper's claims, and what a table of results says about each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from geo_noisy.experiments.results import SCORE, metric_of, outcomes_of
from geo_noisy.experiments.statistics import Interval, accuracy, bootstrap_difference, holm, macro_f1

MARGIN = 1.0
"""Differences within one point are of no importance (paper, section V-A: randomness spans less than 1 %)."""

Kind = Literal['gain', 'harm', 'no gain', 'no harm']
Verdict = Literal['seen', 'not seen', 'contradicted', 'open', 'not tested']

CLEAN = 'r_pairs == 0'
NOISY = 'r_pairs > 0 and not mere_exposure'
PARTLY = f'{NOISY} and r_img < 1'
EXPOSED = 'r_pairs > 0 and mere_exposure'
FALSE = 'r_pairs == 1 and r_img == 1 and not mere_exposure'


@dataclass(frozen=True)
class Claim:
    """A statement about the difference between two groups of cells.

    Attributes:
        text: The statement.
        data: Data set.
        loss: Loss.
        first: Which cells are compared, as a query over the factors.
        second: Which they are compared with.
        kind: What the paper says of the difference: a ``gain``, a ``harm``, ``no gain`` or ``no harm``.
        paper: What the paper prints.
        equal: Columns in which a cell and the one it is compared with are equal, beside the seed.
    """

    text: str
    data: str
    loss: str
    first: str
    second: str
    kind: Kind
    paper: str
    equal: tuple[str, ...] = ()


def _each_loss(
    text: str, data: str, first: str, second: str, kind: Kind, paper: dict[str, str], equal: tuple[str, ...] = ()
) -> list[Claim]:
    return [Claim(text.format(loss=loss), data, loss, first, second, kind, said, equal) for loss, said in paper.items()]


CLAIMS: tuple[Claim, ...] = (
    Claim(
        'False positive pairs harm classification (all pairs false)',
        'CIFAR-10',
        'MoCo',
        NOISY + ' and r_pairs == 1',
        CLEAN,
        'harm',
        'falls with the rate (Fig. 1, no number printed)',
    ),
    *_each_loss(
        'Noisy pairs do not harm on xBD, {loss}',
        'xBD',
        NOISY,
        CLEAN,
        'no harm',
        {'MoCo': 'up to +2.4', 'within-image': '-0.2 to +1.4', 'cross-image': '-0.2 to +1.4'},
    ),
    *_each_loss(
        'Noisy pairs help on VTS, {loss}, r_img < 1',
        'VTS',
        PARTLY,
        CLEAN,
        'gain',
        dict.fromkeys(('MoCo', 'within-image', 'cross-image'), 'gain (Fig. 4 and 5, no number printed)'),
    ),
    Claim(
        'More noisy pairs help MoCo more on VTS (r_pairs 1 against 0.25)',
        'VTS',
        'MoCo',
        PARTLY + ' and r_pairs == 1',
        PARTLY + ' and r_pairs == 0.25',
        'gain',
        'rises with r_pairs (Fig. 4)',
        ('r_img',),
    ),
    *_each_loss(
        'More noisy pairs do not help {loss} more on VTS (r_pairs 1 against 0.25)',
        'VTS',
        PARTLY + ' and r_pairs == 1',
        PARTLY + ' and r_pairs == 0.25',
        'no gain',
        dict.fromkeys(('within-image', 'cross-image'), 'no additional gains above 25 % in most experiments'),
        ('r_img',),
    ),
    Claim(
        'False positives do not help MoCo on VTS (r_pairs = r_img = 1)',
        'VTS',
        'MoCo',
        FALSE,
        CLEAN,
        'no gain',
        'no improvement, or a decline (Fig. 4)',
    ),
    *_each_loss(
        'False positives harm on VTS, {loss} (r_pairs = r_img = 1)',
        'VTS',
        FALSE,
        CLEAN,
        'harm',
        dict.fromkeys(('within-image', 'cross-image'), 'large drop (Fig. 5)'),
    ),
    *_each_loss(
        'Noisy pairs do better than mere exposure on VTS, {loss}',
        'VTS',
        NOISY,
        EXPOSED,
        'gain',
        {'MoCo': 'mean +6.8, sd 4.1', 'within-image': 'mean +1.1, sd 2.3', 'cross-image': 'mean +0.6, sd 2.2'},
        ('r_pairs', 'r_img'),
    ),
    *_each_loss(
        'Noisy pairs do better than mere exposure on xBD, {loss}',
        'xBD',
        NOISY,
        EXPOSED,
        'gain',
        dict.fromkeys(('MoCo', 'within-image', 'cross-image'), 'tends to (Fig. 7, no number printed)'),
        ('r_pairs',),
    ),
)


@dataclass(frozen=True)
class Finding:
    """What a table says about a claim.

    Attributes:
        claim: The claim.
        verdict: ``seen``, ``not seen``, ``contradicted``, ``open`` or ``not tested``.
        interval: The difference in points over the seeds; None where it was not tested.
        p_value: Of the paired t-test, adjusted by Holm over the claims that were tested; NaN with one seed.
        cells: Number of differences that a seed averages over.
        by_seed: For each seed the interval over resampled test images, in points.
    """

    claim: Claim
    verdict: Verdict
    interval: Interval | None = None
    p_value: float = float('nan')
    cells: int = 0
    by_seed: dict[int, tuple[float, float]] = field(default_factory=dict)


def judge(rows: pd.DataFrame, claims: Sequence[Claim] = CLAIMS) -> list[Finding]:
    """Judge claims from prepared rows of one setting.

    A gain (a harm) is *seen* where the paired t-test over seeds, adjusted by Holm over the claims that were tested,
    is significant at 5 % on that side, and *contradicted* where it is on the other; *not seen* where the interval lies
    within one point of zero; *open* otherwise. No harm (no gain) is seen where the difference is significantly above
    -1 (below +1) point, and contradicted where the interval lies beyond it.

    Args:
        rows: Rows of :func:`~geo_noisy.experiments.results.prepare`.
        claims: What to judge.
    """
    differences = [_differences(rows, claim) for claim in claims]
    tested = [number for number, found in enumerate(differences) if not found.empty]
    points = [found.groupby('seed')['points'].mean().to_numpy() for found in differences]
    p_values = np.full(len(claims), np.nan)
    several = [number for number in tested if len(points[number]) > 1]
    p_values[several] = holm([_p_value(points[number], claims[number].kind) for number in several])
    findings = []
    for number, claim in enumerate(claims):
        if number not in tested:
            findings.append(Finding(claim, 'not tested'))
            continue
        found = differences[number]
        interval = Interval.of(points[number])
        cells = int(found.groupby('seed').size().max())
        verdict = _verdict(interval, p_values[number], claim.kind)
        images = _over_images(rows[rows['data'] == claim.data], found)
        findings.append(Finding(claim, verdict, interval, float(p_values[number]), cells, images))
    return findings


def _differences(rows: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    """Differences in points with ``seed`` and the row labels ``first`` and ``second``."""
    rows = rows[(rows['data'] == claim.data) & (rows['loss'] == claim.loss)]
    columns = ['seed', 'r_pairs', 'r_img', SCORE]
    first, second = (rows.query(query, engine='python')[columns].reset_index() for query in (claim.first, claim.second))
    first['cell'] = list(zip(first['r_pairs'], first['r_img'].fillna(-1), strict=True))
    pairs = first.merge(second, on=['seed', *claim.equal], suffixes=('_first', '_second'))
    if len(pairs):  # every seed averages over the same cells: those that all seeds have
        pairs = pairs[pairs.groupby('cell')['seed'].transform('nunique') == pairs['seed'].nunique()]
    return pd.DataFrame(
        {
            'seed': pairs['seed'],
            'points': pairs[f'{SCORE}_first'] - pairs[f'{SCORE}_second'],
            'first': pairs['index_first'],
            'second': pairs['index_second'],
        }
    )


def _p_value(points: np.ndarray, kind: Kind) -> float:
    # Differences that are all the same have no spread to test against.
    if np.ptp(points) == 0:
        return 1.0
    if kind == 'no harm':
        return float(stats.ttest_1samp(points, -MARGIN, alternative='greater').pvalue)
    if kind == 'no gain':
        return float(stats.ttest_1samp(points, MARGIN, alternative='less').pvalue)
    return float(stats.ttest_1samp(points, 0.0).pvalue)


def _verdict(interval: Interval, p_value: float, kind: Kind, level: float = 0.05) -> Verdict:
    if interval.seeds < 2:
        return 'open'
    if kind in ('no harm', 'no gain'):
        beyond = interval.high < -MARGIN if kind == 'no harm' else interval.low > MARGIN
        return 'seen' if p_value < level else 'contradicted' if beyond else 'open'
    sided = interval.mean if kind == 'gain' else -interval.mean
    if p_value < level:
        return 'seen' if sided > 0 else 'contradicted'
    return 'not seen' if interval.low >= -MARGIN and interval.high <= MARGIN else 'open'


def _over_images(rows: pd.DataFrame, found: pd.DataFrame) -> dict[int, tuple[float, float]]:
    """For each seed the interval of its mean difference over resampled test images."""
    result: dict[int, tuple[float, float]] = {}
    score = accuracy if metric_of(rows['data'].iloc[0]) == 'test_accuracy' else macro_f1
    for seed, part in found.groupby('seed'):
        sides = [[outcomes_of(rows.loc[label]) for label in part[side]] for side in ('first', 'second')]
        whole = [[outcomes for outcomes in side if outcomes is not None] for side in sides]
        if all(len(side) == len(part) for side in whole):
            result[int(str(seed))] = bootstrap_difference(np.stack(whole[0]), np.stack(whole[1]), score=score)
    return result
