"""Differences between cells, paired over seeds, with their intervals and tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from geo_noisy.confusion import class_f1

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over seeds in points (hundredths), with its t-interval.

    Attributes:
        mean: Mean over seeds.
        error: Standard error of the mean; infinite where it is not known.
        freedom: Degrees of freedom of the error.
        seeds: Number of seeds.
        confidence: Level of the interval.
        pooled: Whether the error comes from all cells of a loss, as there are few seeds.
    """

    mean: float
    error: float
    freedom: int
    seeds: int
    confidence: float = CONFIDENCE
    pooled: bool = False

    @classmethod
    def of(cls, points: Sequence[float] | NDArray[np.float64], *, confidence: float = CONFIDENCE) -> 'Interval':
        """The t-interval of values, one a seed."""
        values = np.asarray(points, dtype=float)
        error = float(stats.sem(values)) if len(values) > 1 else np.inf
        return cls(float(values.mean()), error, len(values) - 1, len(values), confidence)

    @property
    def low(self) -> float:
        """Lower end; minus infinity where the error is not known."""
        return self.mean - self._half

    @property
    def high(self) -> float:
        """Upper end; infinity where the error is not known."""
        return self.mean + self._half

    @property
    def _half(self) -> float:
        return np.inf if self.freedom < 1 else float(stats.t.ppf((1 + self.confidence) / 2, self.freedom) * self.error)

    def p_value(
        self, *, null: float = 0.0, alternative: Literal['two-sided', 'greater', 'less'] = 'two-sided'
    ) -> float:
        """Of the t-test of the mean against a value; NaN with one seed, 1 where there is no spread to test against."""
        if self.freedom < 1:
            return np.nan
        if self.error == 0:
            return 1.0
        t = (self.mean - null) / self.error
        if alternative == 'two-sided':
            return float(2 * stats.t.sf(abs(t), self.freedom))
        return float(stats.t.sf(t if alternative == 'greater' else -t, self.freedom))

    def __str__(self) -> str:
        """The interval in words; one seed has none."""
        return f'{self.low:+.1f} to {self.high:+.1f}' if self.seeds > 1 else 'one seed'

    @property
    def verdict(self) -> str:
        """What the interval allows to say about the sign."""
        if not self.low <= 0 <= self.high:
            return 'better' if self.mean > 0 else 'worse'
        return 'too short to conclude'


def paired_points(table: pd.DataFrame, first: str, second: str, *, metric: str) -> pd.Series:
    """Difference in points for each seed that two names share.

    Args:
        table: Rows with ``name``, ``seed`` and the metric, in [0, 1].
        first: Name of the cells that are compared.
        second: Name of the cells they are compared with.
        metric: Column to compare.

    Raises:
        ValueError: If the names share no seed.
    """
    values = table.dropna(subset=[metric]).pivot_table(index='seed', columns='name', values=metric)
    if first not in values or second not in values or values[[first, second]].dropna().empty:
        raise ValueError(f'{first!r} and {second!r} share no seed with a {metric}.')
    points: pd.Series = 100 * (values[first] - values[second]).dropna()
    return points


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjustment of p-values for testing several claims at once (Holm 1979)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind='stable')
    adjusted = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty_like(p)
    result[order] = np.minimum(adjusted, 1)
    return result


def macro_f1(confusion: NDArray) -> NDArray[np.float64]:
    """Macro-F1 of pooled confusion matrices [..., classes, classes]; an absent class counts 0."""
    return np.asarray(class_f1(confusion).mean(axis=-1))


def accuracy(confusion: NDArray) -> NDArray[np.float64]:
    """Share of right answers of pooled confusion matrices [..., classes, classes]."""
    return np.asarray(np.trace(confusion, axis1=-2, axis2=-1) / np.maximum(confusion.sum(axis=(-2, -1)), 1))
