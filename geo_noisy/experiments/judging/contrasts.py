"""Weighted sums of cells' scores, paired over worlds: what every test, claim and gate is."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from geo_noisy.experiments.judging.resampling import UNITS, Resampler
from geo_noisy.experiments.judging.statistics import Interval
from geo_noisy.experiments.results import SCORE

FEW_WORLDS = 6
"""Below so many worlds the variance is pooled over the cells of a loss."""


@dataclass(frozen=True)
class Contrast:
    """A difference between cells.

    Attributes:
        interval: In points, over the worlds.
        worlds: Seeds in which every cell has a score.
        cells: Number of cells on the first side.
        over_images: Interval over resampled test images; None where the table lacks what it needs.
        over_sources: Interval over resampled textures (VTS) or images of origin (xBD); the one that counts of the two.
    """

    interval: Interval
    worlds: tuple[int, ...]
    cells: int
    over_images: tuple[float, float] | None = None
    over_sources: tuple[float, float] | None = None


def contrast(rows: pd.DataFrame, weights: Mapping[str, float], resampler: Resampler | None = None) -> Contrast | None:
    """Measure a weighted sum of names' scores over the worlds that have all of them.

    With few worlds the error comes from the residuals of all cells of the losses involved, after the means of cells
    and worlds: more degrees of freedom, where one assumes that the cells of a loss scatter alike.

    Args:
        rows: Prepared rows of one data set.
        weights: Weight of each name; those of a difference sum to 0.
        resampler: For intervals over resampled test sets.

    Returns:
        The contrast; None where no world has all names.
    """
    table = rows.pivot(index='seed', columns='name', values=SCORE)
    if not set(weights) <= set(table):
        return None
    whole = table.dropna(subset=list(weights))
    if whole.empty:
        return None
    factors = pd.Series(weights, dtype=float)
    interval = Interval.of(whole[list(weights)].to_numpy() @ factors.to_numpy())
    if 1 < len(whole) < FEW_WORLDS:
        interval = _pooled(rows, whole, factors, interval)
    seeds = [int(seed) for seed in whole.index]
    data = str(rows['data'].iloc[0])
    images, sources = (None if resampler is None else resampler.interval(data, weights, seeds, unit) for unit in UNITS)
    return Contrast(interval, tuple(seeds), int((factors > 0).sum()), over_images=images, over_sources=sources)


def _pooled(rows: pd.DataFrame, whole: pd.DataFrame, weights: pd.Series, alone: Interval) -> Interval:
    """The interval with the variance of the residuals of all cells of the losses involved."""
    losses = rows.loc[rows['name'].isin(weights.index), 'loss'].unique()
    squares, freedom = 0.0, 0
    for loss in losses:
        names = rows.loc[rows['loss'] == loss, 'name'].unique()
        scores = whole[names].dropna(axis=1)
        residuals = scores.sub(scores.mean(axis=1), axis=0)
        residuals = residuals - residuals.mean(axis=0)
        squares += float((residuals**2).to_numpy().sum())
        of_loss = (scores.shape[0] - 1) * (scores.shape[1] - 1)
        if not of_loss:  # a baseline of one cell, of whose scatter nothing is known
            return alone
        freedom += of_loss
    if freedom <= alone.freedom:
        return alone
    error = np.sqrt(squares / freedom * float((weights**2).sum()) / len(whole))
    return Interval(alone.mean, float(error), freedom, alone.seeds, alone.confidence, pooled=True)
