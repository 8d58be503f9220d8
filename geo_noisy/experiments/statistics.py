"""Paired differences over seeds, with their intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """A paired difference in points (hundredths), over shared seeds.

    Attributes:
        first: Name of the cells that are compared.
        second: Name of the cells they are compared with.
        mean: Mean difference, first minus second.
        low: Lower end of the interval.
        high: Upper end of the interval.
        seeds: Number of seeds.
    """

    first: str
    second: str
    mean: float
    low: float
    high: float
    seeds: int

    @property
    def interval(self) -> str:
        """The interval in words; one seed has none."""
        return f'{self.low:+.1f} to {self.high:+.1f}' if self.seeds > 1 else 'one seed'

    @property
    def verdict(self) -> str:
        """What the interval allows to say."""
        if not self.low <= 0 <= self.high:
            return 'better' if self.mean > 0 else 'worse'
        return 'too short to conclude'


def paired_difference(
    table: pd.DataFrame, first: str, second: str, *, metric: str = 'test_f1_macro', confidence: float = 0.95
) -> Difference:
    """Compare two names over the seeds that both have, by a t-interval of the differences.

    Args:
        table: Rows with ``name``, ``seed`` and the metric, in [0, 1].
        first: Name of the cells that are compared.
        second: Name of the cells they are compared with.
        metric: Column to compare.
        confidence: Level of the interval.

    Raises:
        ValueError: If the names share no seed.
    """
    values = table.dropna(subset=[metric]).pivot_table(index='seed', columns='name', values=metric)
    if first not in values or second not in values or values[[first, second]].dropna().empty:
        raise ValueError(f'{first!r} and {second!r} share no seed with a {metric}.')
    points = 100 * (values[first] - values[second]).dropna().to_numpy()
    count, mean = len(points), float(points.mean())
    if count < 2:
        return Difference(first, second, mean, -np.inf, np.inf, count)
    half = float(stats.t.ppf((1 + confidence) / 2, count - 1) * stats.sem(points))
    return Difference(first, second, mean, mean - half, mean + half, count)
