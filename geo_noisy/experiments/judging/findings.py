"""What a table says about the paper's claims: intervals, and whether a loss may be judged; no verdict."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from geo_noisy.experiments.judging.claims import CLAIMS, CLEAN, Claim
from geo_noisy.experiments.judging.contrasts import Contrast, contrast
from geo_noisy.experiments.judging.gates import Gate, open_gate
from geo_noisy.experiments.judging.resampling import Resampler


@dataclass(frozen=True)
class Finding:
    """What a table says about a claim.

    Attributes:
        claim: The claim.
        found: The difference; None where it was not tested.
        gate: Whether its loss is judged at all; None where it was not tested.
    """

    claim: Claim
    found: Contrast | None
    gate: Gate | None

    @property
    def status(self) -> str:
        """How far the finding goes."""
        if self.found is None or self.gate is None:
            return 'not tested'
        return 'interval' if self.gate.passed else 'uninformative'


def measure_claims(
    rows: pd.DataFrame, claims: Sequence[Claim] = CLAIMS, resampler: Resampler | None = None
) -> list[Finding]:
    """Measure claims on prepared rows of one setting.

    Args:
        rows: Rows of :func:`~geo_noisy.experiments.results.prepare`.
        claims: What to measure.
        resampler: For intervals over resampled test sets.
    """
    gates = gates_of(rows)
    findings = []
    for claim in claims:
        weights = _weights(rows, claim)
        found = contrast(rows[rows['data'] == claim.data], weights, resampler) if weights else None
        losses = [claim.loss] if claim.minus is None else [claim.loss, claim.minus.loss]
        of_losses = sorted((gates[claim.data, loss] for loss in losses if found), key=lambda gate: gate.passed)
        findings.append(Finding(claim, found, next(iter(of_losses), None)))  # the one that is closed, if any
    return findings


def gates_of(rows: pd.DataFrame) -> dict[tuple[str, str], Gate]:
    """For each data set and loss of a setting, whether its clean pretraining beats both random encoders."""
    pretrained = rows[rows['r_pairs'].notna()]
    gates = {}
    for (data, loss), part in pretrained.groupby(['data', 'loss'], sort=False):
        clean = part.query(CLEAN, engine='python')['name'].unique()
        gates[str(data), str(loss)] = open_gate(rows, clean[0] if len(clean) == 1 else '')
    return gates


def _weights(rows: pd.DataFrame, claim: Claim) -> dict[str, float]:
    """Weight of each name in the mean over all pairs of cells that a claim compares; none where there is no pair.

    Pairs that not all of the claim's worlds have are left out: every world averages over the same cells.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for sign, part in ((1.0, claim), (-1.0, claim.minus)):
        if part is None:
            continue
        pairs = _pairs(rows, part)
        if not pairs:
            return {}
        for first, second in pairs:
            weights[first] += sign / len(pairs)
            weights[second] -= sign / len(pairs)
    return {name: weight for name, weight in weights.items() if weight}


def _pairs(rows: pd.DataFrame, claim: Claim) -> list[tuple[str, str]]:
    of_data = rows[rows['data'] == claim.data]
    sides = [
        of_data[of_data['loss'] == loss].query(query, engine='python')
        if query != 'True'
        else of_data[of_data['loss'] == loss]
        for loss, query in ((claim.loss, claim.first), (claim.second_loss or claim.loss, claim.second))
    ]
    columns = ['seed', 'name', *claim.equal]
    merged = sides[0][columns].merge(sides[1][columns], on=['seed', *claim.equal], suffixes=('_first', '_second'))
    worlds = merged.groupby(['name_first', 'name_second'])['seed'].nunique()
    return list(worlds.index[worlds == merged['seed'].nunique()])
