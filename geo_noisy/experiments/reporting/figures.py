"""The paper's figures from rows of results (its figures 1, 4, 5, 7, 8 and 9), and one of all scores."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from geo_noisy.experiments.names import figure_text
from geo_noisy.experiments.results import SCORE

# Okabe and Ito's palette: safe for colour-blind readers.
COLOURS = ('#0072B2', '#E69F00', '#009E73', '#CC79A7', '#56B4E9', '#D55E00', '#F0E442', '#000000')
MARKERS = 'osD^vPX*'
BASELINE_LINES: dict[str, Any] = {
    'random encoder': '--',
    'random encoder, uncalibrated': (0, (1, 3)),
    'ImageNet': '-.',
    'supervised': ':',
}
LOSSES = ('MoCo', 'RINCE', 'within-image', 'cross-image')

RATE = 'noisy pairs rate $r_{pairs}$'
TEST_SCORE = {'CIFAR-10': 'test accuracy (%)'}


def paper_figures(rows: pd.DataFrame) -> Iterator[tuple[str, Figure]]:
    """Draw each of the paper's figures that the rows can fill.

    Args:
        rows: Prepared rows of one setting.

    Yields:
        Name of a file, and the figure.
    """
    losses = set(rows['loss'])
    image_losses = [loss for loss in LOSSES[:2] if loss in losses]
    dense_losses = [loss for loss in LOSSES[2:] if loss in losses]
    changes = plot_changes(rows)
    if changes is not None:
        yield 'figure_1_false_and_noisy_pairs', changes
    for data, (image_name, dense_name) in {'VTS': ('figure_4', 'figure_5'), 'xBD': ('image', 'dense')}.items():
        part = rows[rows['data'] == data]
        for name, chosen in ((image_name, image_losses), (dense_name, dense_losses)):
            there = [loss for loss in chosen if _varies(part, loss)]
            if there:
                yield f'{name}_{data.lower()}_scores', plot_noise_grid(part, there)
    for data, names in {'xBD': ('figure_7',), 'VTS': ('figure_8', 'figure_9')}.items():
        part = rows[rows['data'] == data]
        groups = [image_losses + dense_losses] if data == 'xBD' else [image_losses, dense_losses]
        for name, chosen in zip(names, groups, strict=True):
            there = [loss for loss in chosen if not _exposure_differences(part, loss).empty]
            if there:
                yield f'{name}_{data.lower()}_noisy_minus_exposure', plot_exposure(part, there)


def plot_noise_grid(rows: pd.DataFrame, losses: Sequence[str]) -> Figure:
    """Test score over r_pairs, a line for each r_img, a panel for each loss (figures 4 and 5).

    Lines are means over seeds, bands reach from the lowest seed to the highest; baselines are dashed.

    Args:
        rows: Prepared rows of one data set.
        losses: Which losses, from left to right.
    """
    figure, panels = _loss_panels(losses)
    levels = _levels(rows, losses)
    for loss, axes in panels.items():
        part = rows[(rows['loss'] == loss) & ~rows['mere_exposure']]
        for number, r_img, noisy in _by_r_img(part[part['r_pairs'] > 0], levels):
            _draw_seeds(axes, _beside_clean(part, noisy), SCORE, number, label=_noise_label(r_img))
        for name, style in BASELINE_LINES.items():
            score = rows.loc[rows['loss'] == name, SCORE].mean()
            if not np.isnan(score):
                axes.axhline(score, color='black', linestyle=style, linewidth=1, label=name)
    data = rows['data'].iloc[0]
    panels[losses[0]].set_ylabel(TEST_SCORE.get(data, 'test macro-F1 (points)'))
    _legend_below(figure, *panels.values())
    return figure


def plot_exposure(rows: pd.DataFrame, losses: Sequence[str]) -> Figure:
    """Noisy pairs minus mere exposure over r_pairs, a panel for each loss (figures 7, 8 and 9).

    Args:
        rows: Prepared rows of one data set.
        losses: Which losses, from left to right.
    """
    figure, panels = _loss_panels(losses)
    levels = _levels(rows, losses)
    for loss, axes in panels.items():
        for number, r_img, part in _by_r_img(_exposure_differences(rows, loss), levels):
            _draw_seeds(axes, part, 'points', number, label=_noise_label(r_img))
        axes.axhline(0, color='black', linewidth=1)
    panels[losses[0]].set_ylabel('noisy minus mere exposure (points)')
    _legend_below(figure, *panels.values())
    return figure


def plot_changes(rows: pd.DataFrame) -> Figure | None:
    """How the test score changes with the rate, false pairs beside noisy ones (figure 1).

    For VTS the pairs with r_img nearest to one half are drawn.

    Args:
        rows: Prepared rows of one setting.

    Returns:
        The figure; None where no data set has both a clean and a noisy pretraining.
    """
    figure, (axes,) = _panels(1, width=6.0)
    number = 0
    for data in ('CIFAR-10', 'xBD', 'VTS'):
        for loss in LOSSES:
            part = rows[(rows['data'] == data) & (rows['loss'] == loss) & ~rows['mere_exposure']]
            noisy, clean = part[part['r_pairs'] > 0], part[part['r_pairs'] == 0]
            if noisy.empty or clean.empty:
                continue
            if data == 'VTS':
                nearest = min(noisy['r_img'].unique(), key=lambda r_img: abs(r_img - 0.5))
                noisy = noisy[noisy['r_img'] == nearest]
            kind = f'{"false" if data == "CIFAR-10" else "noisy"} pairs, {loss}'
            start = clean.groupby('seed')[SCORE].mean()
            changes = _beside_clean(part, noisy)
            changes = changes.assign(points=changes[SCORE] - changes['seed'].map(start)).dropna(subset=['points'])
            _draw_seeds(axes, changes, 'points', number, label=figure_text(f'{data}: {kind}'))
            number += 1
    if number == 0:
        plt.close(figure)
        return None
    axes.axhline(0, color='black', linewidth=1)
    axes.set_xlabel('rate of noisy (false) pairs')
    axes.set_ylabel('change of the test score (points)')
    _legend_below(figure, axes)
    return figure


def plot_scores(table: pd.DataFrame, *, metric: str = 'test_f1_macro') -> Figure:
    """Draw the score of each name: a dot for each seed, a bar at the mean.

    Args:
        table: Rows with ``name``, ``seed`` and the metric, in [0, 1].
        metric: Column to draw.
    """
    names = list(dict.fromkeys(table['name']))[::-1]
    labels = [figure_text(name) for name in names]
    lines = sum(label.count('\n') + 1 for label in labels)
    figure, axes = plt.subplots(figsize=(9, 0.35 * lines + 1.6), layout='constrained')
    for height, name in enumerate(names):
        points = 100 * table.loc[table['name'] == name, metric]
        axes.plot([points.mean()] * 2, [height - 0.3, height + 0.3], color='black', linewidth=2, zorder=3)
        axes.scatter(points, [height] * len(points), color=COLOURS[0], alpha=0.8, zorder=2)
    axes.set_yticks(range(len(names)), labels)
    label = 'accuracy' if metric == 'test_accuracy' else 'macro-F1'
    axes.set_xlabel(f'test {label} (points): a dot for each seed, a line at the mean')
    axes.grid(axis='x', alpha=0.3)
    axes.spines[['top', 'right']].set_visible(False)
    return figure


def _exposure_differences(rows: pd.DataFrame, loss: str) -> pd.DataFrame:
    """Differences of equal seed, r_pairs and r_img, in the column ``points``."""
    part = rows[(rows['loss'] == loss) & (rows['r_pairs'] > 0)]
    columns = ['seed', 'r_pairs', 'r_img', SCORE]
    noisy, exposed = (part.loc[part['mere_exposure'] == flag, columns] for flag in (False, True))
    pairs = noisy.merge(exposed, on=columns[:3], suffixes=('', '_exposed'))
    return pairs.assign(points=pairs[SCORE] - pairs[f'{SCORE}_exposed'])


def _levels(rows: pd.DataFrame, losses: Sequence[str]) -> list[float]:
    """Every r_img of some losses: a level has one colour in all panels."""
    return sorted(rows.loc[rows['loss'].isin(losses) & (rows['r_pairs'] > 0), 'r_img'].unique())


def _by_r_img(rows: pd.DataFrame, levels: Sequence[float]) -> Iterator[tuple[int, float, pd.DataFrame]]:
    """Number of each level of r_img, the level (NaN where noise is as it comes), and its rows."""
    for number, level in enumerate(levels):
        part = rows[rows['r_img'].isna()] if np.isnan(level) else rows[rows['r_img'] == level]
        if len(part):
            yield number, level, part


def _beside_clean(rows: pd.DataFrame, noisy: pd.DataFrame) -> pd.DataFrame:
    """Noisy rows and the clean ones of their seeds: a line has the same seeds at every rate."""
    clean = (rows['r_pairs'] == 0) & rows['seed'].isin(noisy['seed'])
    return rows[clean | rows.index.isin(noisy.index)]


def _varies(rows: pd.DataFrame, loss: str) -> bool:
    return bool((rows.loc[rows['loss'] == loss, 'r_pairs'] > 0).any())


def _draw_seeds(axes: Axes, rows: pd.DataFrame, column: str, number: int, *, label: str) -> None:
    """A line at the mean over seeds, a band from the lowest to the highest, a dot for each."""
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    by_rate = rows.groupby('r_pairs')[column].agg(['mean', 'min', 'max'])
    axes.plot(by_rate.index, by_rate['mean'], color=colour, marker=marker, label=label, zorder=3)
    axes.fill_between(by_rate.index, by_rate['min'], by_rate['max'], color=colour, alpha=0.15, linewidth=0)
    axes.scatter(rows['r_pairs'], rows[column], color=colour, marker='.', s=14, alpha=0.6, zorder=2)


def _noise_label(r_img: float) -> str:
    return 'as it comes' if np.isnan(r_img) else f'per-image noise $r_{{img}}$ = {r_img:g}'


def _loss_panels(losses: Sequence[str]) -> tuple[Figure, dict[str, Axes]]:
    """A panel for each loss, over the rate of noisy pairs."""
    figure, panels = _panels(len(losses))
    for axes, loss in zip(panels, losses, strict=True):
        axes.set_title(figure_text(loss, width=40))
        axes.set_xlabel(RATE)
        axes.set_xlim(-0.04, 1.04)
    return figure, dict(zip(losses, panels, strict=True))


def _panels(count: int, *, width: float = 4.2) -> tuple[Figure, list[Axes]]:
    figure, axes = plt.subplots(
        1, count, figsize=(width * count, 3.8), squeeze=False, sharey=True, layout='constrained'
    )
    for axis in axes[0]:
        axis.grid(alpha=0.3)
        axis.spines[['top', 'right']].set_visible(False)
    return figure, list(axes[0])


def _legend_below(figure: Figure, *panels: Axes) -> None:
    """One legend of all panels, in as many columns as the figure is wide: an entry takes up to three inches."""
    drawn = [axes.get_legend_handles_labels() for axes in panels]
    entries = {label: handle for handles, labels in drawn for handle, label in zip(handles, labels, strict=True)}
    columns = max(1, int(figure.get_figwidth() // 3))
    rows = math.ceil(len(entries) / columns)
    figure.set_figheight(figure.get_figheight() + 0.22 * rows)
    figure.legend(list(entries.values()), list(entries), loc='outside lower center', ncols=columns, frameon=False)
