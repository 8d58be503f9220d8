"""Differences between cells, paired over seeds and over test images, with their intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
        low: Lower end; minus infinity with one seed.
        high: Upper end; infinity with one seed.
        seeds: Number of seeds.
    """

    mean: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, points: Sequence[float] | NDArray[np.float64], *, confidence: float = CONFIDENCE) -> 'Interval':
        """The t-interval of values, one a seed."""
        values = np.asarray(points, dtype=float)
        if len(values) < 2:
            return cls(float(values.mean()), -np.inf, np.inf, len(values))
        half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values))
        return cls(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half, len(values))

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


def holm(p_values: Sequence[float]) -> NDArray[np.float64]:
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


def bootstrap_difference(
    first: NDArray,
    second: NDArray,
    *,
    score: Callable[[NDArray], NDArray[np.float64]] = macro_f1,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> tuple[float, float]:
    """Interval of the mean difference in score of pairs of probes over the same test images, by resampling the images.

    Args:
        first: Confusion matrix of each image by each probe, [probes, N, classes, classes].
        second: The same of the probes they are compared with.
        score: From pooled confusion matrices to scores.
        resamples: Bootstrap samples.
        seed: Seed of the resampling.
        confidence: Level of the percentile interval.

    Returns:
        Ends of the interval, in points.

    Raises:
        ValueError: If the two saw different numbers of images.
    """
    if first.shape != second.shape:
        raise ValueError(f'The probes saw different test images: {first.shape} and {second.shape} outcomes.')
    count = first.shape[1]
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(np.float64)
    scores = [score(np.einsum('rn,pnij->prij', weights, side, optimize=True)) for side in (first, second)]
    differences = 100 * (scores[0] - scores[1]).mean(axis=0)
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
