"""Figures of many temporal pairs: a sheet of them, a map."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.pair_plot import dates_of, noise_text, outline_noise, without_ticks
from geo_noisy.datasets.pictures import pictures
from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.pair_index import PairIndex


def draw_sheet(samples: Sequence[Sample], *, columns: int, bands: Sequence[int] | None = None) -> Figure:
    """Draw a sheet of pairs, each as its two dates side by side with its noise outlined."""
    rows = math.ceil(len(samples) / columns)
    figure = Figure(figsize=(3.2 * columns, 1.9 * rows), layout='constrained')
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, sample in zip(axes.flat, samples, strict=False):
        first, second = pictures(sample, bands=bands)
        gap = np.ones((first.shape[0], max(1, first.shape[1] // 32), 3))
        axis.imshow(np.concatenate([first, gap, second], axis=1))
        for left in (-0.5, first.shape[1] + gap.shape[1] - 0.5) if 'change' in sample else ():
            outline_noise(axis, sample['change'], corner=(left, -0.5))
        axis.set_title('\n'.join([' / '.join(dates_of(sample)), noise_text(sample)]), fontsize=8)
    without_ticks(axes.flat)
    return figure


def draw_map(index: PairIndex) -> Figure:
    """Draw the footprints of an index, and how many locations each date has."""
    figure = Figure(figsize=(12, 5), layout='constrained')
    where, when = figure.subplots(1, 2)
    frame = index.index
    known = frame['pairs'] - frame['pairs_unknown']
    share = (frame['pairs_noisy'] / known.where(known > 0)).astype(float)
    frame.assign(share=share).plot(
        ax=where, column='share', vmin=0, vmax=1, cmap='viridis', edgecolor='white', linewidth=0.3,
        missing_kwds={'color': 'lightgrey'},
    )  # fmt: skip
    where.set(title=f'{len(frame)} locations: share of noisy pairs (grey: unknown)', xlabel='x', ylabel='y')
    times, counts = np.unique(index.times, return_counts=True)
    when.vlines(from_seconds(times), 0, counts)
    when.set(title='dates', ylabel='locations', ylim=(0, None))
    when.tick_params(axis='x', rotation=30)
    return figure
