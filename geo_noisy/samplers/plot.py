"""What a sampler draws, as a figure."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from geo_noisy.pairs.source import PairSource

_DAY_S = 86_400


def plot_drawn(source: PairSource, rows: NDArray[np.int64], exposure: NDArray[np.bool_]) -> Figure:
    """Draw how some pairs are made up: where they lie, their gaps in days, and visits of locations.

    Args:
        source: Where the pairs come from; where they lie is drawn only for a source with ``corners`` and
            ``pair_times`` (a PairIndex).
        rows: Rows ``(location, earlier, later)``, shape [n, 3].
        exposure: Which of them are mere-exposure pairs, [n].
    """
    figure = Figure(figsize=(12, 4), layout='constrained')
    where, gaps, visits = figure.subplots(1, 3)
    corners = getattr(source, 'corners', None)
    times = getattr(source, 'pair_times', None)
    if corners is not None and times is not None:
        x, y = corners()[rows[:, 0]].T
        where.scatter(x, y, s=4, c=np.where(exposure, 'tab:orange', 'tab:blue'))
        gaps.hist(np.diff(times(rows), axis=1)[:, 0] / _DAY_S, bins=30)
    where.set(title=f'{len(rows)} pairs drawn', xlabel='x', ylabel='y')
    gaps.set(title='gap between the dates', xlabel='days', ylabel='pairs')
    visits.hist(np.unique(rows[:, 0], return_counts=True)[1], bins=30)
    visits.set(title='visits of a location', xlabel='pairs', ylabel='locations')
    return figure
