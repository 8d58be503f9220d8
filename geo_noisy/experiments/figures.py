"""Figures from the table of results."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

# Okabe and Ito's palette: safe for colour-blind readers.
COLOURS = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442', '#000000')


def plot_scores(table: pd.DataFrame, *, metric: str = 'test_f1_macro') -> Figure:
    """Draw the score of each name: a dot for each seed, a bar at the mean.

    Args:
        table: Rows with ``name``, ``seed`` and the metric, in [0, 1].
        metric: Column to draw.
    """
    names = list(dict.fromkeys(table['name']))[::-1]
    figure, axes = plt.subplots(figsize=(7, 0.5 * len(names) + 1.4), layout='constrained')
    for height, name in enumerate(names):
        points = 100 * table.loc[table['name'] == name, metric]
        axes.plot([points.mean()] * 2, [height - 0.3, height + 0.3], color='black', linewidth=2, zorder=3)
        axes.scatter(points, [height] * len(points), color=COLOURS[0], alpha=0.8, zorder=2)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel('test macro-F1 (points); a dot for each seed, a line at the mean')
    axes.grid(axis='x', alpha=0.3)
    axes.spines[['top', 'right']].set_visible(False)
    return figure
