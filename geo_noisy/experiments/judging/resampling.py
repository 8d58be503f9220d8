"""Scores over resampled test images, and over the textures or images that these come from."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.experiments.judging.statistics import CONFIDENCE, accuracy, macro_f1
from geo_noisy.experiments.results import metric_of, outcomes_of, sources_of

Unit = Literal['images', 'sources']
UNITS: tuple[Unit, Unit] = ('images', 'sources')

RESAMPLES = 1000


class Resampler:
    """Scores of rows over resamples of their test sets; rows with the same test set share the resamples."""

    def __init__(self, rows: pd.DataFrame, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        """Initialise a new Resampler.

        Args:
            rows: Prepared rows, with the outcome of each test image where the table has it.
            resamples: Bootstrap samples.
            seed: Seed of the resampling.
        """
        self.rows, self.resamples, self.seed = rows, resamples, seed
        keys = zip(rows['data'], rows['name'], rows['seed'].astype(int), strict=True)
        self._index = dict(zip(keys, range(len(rows)), strict=True))
        self._scores: dict[tuple[int, Unit], NDArray | None] = {}

    def interval(
        self, data: str, weights: Mapping[str, float], seeds: Sequence[int], unit: Unit
    ) -> tuple[float, float] | None:
        """Percentile interval of a weighted sum of names' scores, averaged over seeds.

        Args:
            data: Data set.
            weights: Weight of each name.
            seeds: Seeds in which every name has a row.
            unit: What is drawn: test images, or the textures (images) that they come from.

        Returns:
            Ends in points; None where a row lacks what was answered on each image, or its sources.
        """
        sums = np.zeros(self.resamples)
        for seed in seeds:
            for name, weight in weights.items():
                scores = self.scores(self._index[data, name, seed], unit)
                if scores is None:
                    return None
                sums += weight * scores / len(seeds)
        low, high = np.quantile(100 * sums, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(low), float(high)

    def scores(self, number: int, unit: Unit) -> NDArray | None:
        """Scores in [0, 1] of a row over the resamples, [resamples]; None where it lacks what they need."""
        if (number, unit) not in self._scores:
            self._scores[number, unit] = self._resample(self.rows.iloc[number], unit)
        return self._scores[number, unit]

    def _resample(self, row: pd.Series, unit: Unit) -> NDArray | None:
        outcomes = outcomes_of(row)
        sources = sources_of(row) if unit == 'sources' else None
        if outcomes is None or (unit == 'sources' and sources is None):
            return None
        score = accuracy if metric_of(row['data']) == 'test_accuracy' else macro_f1
        if sources is None:
            weights = self._counts(np.arange(len(outcomes)), outcomes.sum(axis=2))
            return score(np.einsum('rn,nij->rij', weights, outcomes, optimize=True))
        # What is drawn is the source of a class's pixels: its row of the confusion matrix has the source's weight.
        rows = []
        for number in range(outcomes.shape[1]):
            there = sources[:, number] >= 0
            kinds, which = np.unique(sources[there, number], return_inverse=True)
            weights = self._counts(kinds, kinds)[:, which]
            rows.append(np.einsum('rn,nj->rj', weights, outcomes[there, number], optimize=True))
        return score(np.stack(rows, axis=1))

    def _counts(self, units: NDArray, identity: NDArray) -> NDArray[np.float64]:
        """How often each unit is drawn, [resamples, units]; the same for the same identity."""
        digest = hashlib.sha256(np.ascontiguousarray(identity, dtype=np.int64).tobytes()).digest()
        rng = np.random.default_rng([self.seed, int.from_bytes(digest[:8], 'little')])
        drawn = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), size=self.resamples)
        return drawn.astype(np.float64)
