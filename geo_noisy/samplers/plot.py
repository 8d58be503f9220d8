"""What a sampler draws, as a figure."""

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from shapely import get_coordinates

from geo_noisy.pairs.source import PairSource
from geo_noisy.regions.pair_index import PairIndex

_DAY_S = 86_400
KINDS = ('clean', 'noisy', 'mere exposure')
_COLOURS = np.array(['#0072B2', '#D55E00', '#CC79A7'])


def plot_drawn(
    source: PairSource, rows: NDArray[np.int64], noisy: NDArray[np.bool_], exposure: NDArray[np.bool_]
) -> Figure:
    """Draw how some pairs are made up: their kinds, visits of locations; of an index also windows and gaps in days.

    Args:
        source: Where the pairs come from.
        rows: Rows ``(location, earlier, later)``, shape [n, 3].
        noisy: Which of them were drawn from the noisy stratum, [n].
        exposure: Which of those are mere-exposure pairs, [n].
    """
    kind = np.where(exposure, 2, noisy.astype(int))
    panels: list[Callable[[Axes], None]] = [lambda axis: _kinds(axis, kind), lambda axis: _visits(axis, rows[:, 0])]
    if isinstance(source, PairIndex):
        panels += [lambda axis: _windows(axis, source, rows, kind), lambda axis: _gaps(axis, source.pair_times(rows))]
    figure = Figure(figsize=(4 * len(panels), 4), layout='constrained')
    for axis, draw in zip(figure.subplots(1, len(panels)), panels, strict=True):
        draw(axis)
    return figure


def _kinds(axis: Axes, kind: NDArray[np.int64]) -> None:
    counts = np.bincount(kind, minlength=len(KINDS))
    axis.bar(KINDS, counts, color=_COLOURS)
    axis.set(title=f'{len(kind)} pairs drawn', ylabel='pairs')


def _visits(axis: Axes, location: NDArray[np.int64]) -> None:
    visits = np.unique(location, return_counts=True)[1]
    axis.hist(visits, bins=(np.arange(visits.max() + 1) + 0.5).tolist(), rwidth=0.8)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set(title=f'visits of {len(visits)} locations', xlabel='pairs', ylabel='locations')


def _windows(axis: Axes, source: PairIndex, rows: NDArray[np.int64], kind: NDArray[np.int64]) -> None:
    """Windows in the CRS of the index; the noisier kind is drawn over the others of its location."""
    order = np.argsort(kind, kind='stable')
    locations, position = np.unique(rows[order, 0], return_inverse=True)
    boxes = source.select(locations=locations).windows_in(source.crs)
    colours = _COLOURS[kind[order]]
    corners = [get_coordinates(boxes[number]) for number in position]
    axis.add_collection(PolyCollection(corners, facecolors=colours, edgecolors=colours, alpha=0.3))
    axis.autoscale_view()
    axis.set(title='windows', xlabel=f'x ({source.crs})', ylabel='y')
    axis.set_aspect('equal', adjustable='datalim')
    axis.tick_params(axis='x', rotation=30)
    shown = sorted(set(kind.tolist()))
    axis.legend(handles=[Patch(color=_COLOURS[number], label=KINDS[number]) for number in shown], fontsize=8)


def _gaps(axis: Axes, times: NDArray[np.int64]) -> None:
    axis.hist(np.diff(times, axis=1)[:, 0] / _DAY_S, bins=30)
    axis.set(title='gap between the dates', xlabel='days', ylabel='pairs')
