"""Draws the pictures of docs/concepts.md: `python docs/images/draw.py`."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

FOLDER = Path(__file__).parent
BLUE, ORANGE, GREEN, GREY = '#0072B2', '#D55E00', '#009E73', '#9A9A9A'
FIELDS = ['#DDE5C6', '#C9D6A8', '#E9E2C0', '#BFD0B0']
HOUSES = [(0.1, 0.62), (0.24, 0.66), (0.4, 0.6), (0.58, 0.64), (0.62, 0.44), (0.76, 0.5), (0.78, 0.3), (0.6, 0.26)]
BURNT = (0.5, 0.18, 0.42, 0.4)
"""Left, bottom, width and height of the ground that changed."""


def draw_ground(axis: Axes, *, changed: bool) -> None:
    """A place from above: four fields, a road, houses; after the event those on the burnt ground are gone."""
    for number, colour in enumerate(FIELDS):
        axis.add_patch(Rectangle((number % 2 * 0.5, number // 2 * 0.5), 0.5, 0.5, color=colour, lw=0))
    axis.plot([0, 0.35, 1], [0.3, 0.5, 0.78], color='#8C8C8C', lw=5, solid_capstyle='butt', zorder=2)
    left, bottom, width, height = BURNT
    if changed:
        axis.add_patch(Rectangle((left, bottom), width, height, color='#6B5B53', lw=0, zorder=3))
    for x, y in HOUSES:
        if not (changed and left < x < left + width and bottom < y < bottom + height):
            axis.add_patch(Rectangle((x, y), 0.08, 0.06, color='#A65A4A', lw=0, zorder=4))
    axis.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[], aspect='equal')


def outline(axis: Axes) -> None:
    """The polygon of the event."""
    left, bottom, width, height = BURNT
    axis.add_patch(Rectangle((left, bottom), width, height, fill=False, edgecolor=ORANGE, lw=2.5, zorder=5))


def arrow(
    figure: Figure, start: tuple[float, float], end: tuple[float, float], axes: tuple[Axes, Axes], **look
) -> None:
    """An arrow from a point of one panel to a point of another."""
    points = [
        figure.transFigure.inverted().transform(axis.transData.transform(point))
        for axis, point in zip(axes, (start, end), strict=True)
    ]
    look = {'arrowstyle': '<->', 'mutation_scale': 11, 'lw': 1.6} | look
    figure.add_artist(FancyArrowPatch(*points, transform=figure.transFigure, **look))


def draw_pair() -> Figure:
    """Two dates of a place, the change outlined."""
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.2))
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.04, top=0.88, wspace=0.08)
    for axis, changed, title in zip(axes, (False, True), ('earlier', 'later: part of it burnt'), strict=True):
        draw_ground(axis, changed=changed)
        outline(axis)
        axis.set_title(title, fontsize=11)
    return figure


def draw_losses() -> Figure:
    """What attracts (green) and what repels (orange) in each loss."""
    titles = (
        'MoCo: whole images',
        'within-image: pixels of a class',
        'same ground: a point at both dates',
        "the same, changed: 'negative'",
    )
    figure, axes = plt.subplots(2, 4, figsize=(12, 6.4))
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.12, top=0.92, wspace=0.06, hspace=0.1)
    for (upper, lower), title in zip(axes.T, titles, strict=True):
        draw_ground(upper, changed=False)
        draw_ground(lower, changed=True)
        upper.set_title(title, fontsize=11)
    pull, push = {'color': GREEN}, {'color': ORANGE, 'arrowstyle': '-', 'ls': (0, (3, 2))}
    whole, *others = axes.T
    arrow(figure, (0.5, 0.06), (0.5, 0.94), tuple(whole), **pull)
    for axis in whole:
        axis.add_patch(Rectangle((0.02, 0.02), 0.96, 0.96, fill=False, edgecolor=GREEN, lw=2, zorder=6))
    within, ground, negative = others
    for end in ((0.14, 0.65), (0.28, 0.69)):
        arrow(figure, (0.44, 0.63), end, (within[0], within[1]), **pull)
    arrow(figure, (0.44, 0.63), (0.25, 0.85), (within[0], within[1]), **push)
    for column, at in ((ground, (0.14, 0.65)), (negative, (0.14, 0.65))):
        arrow(figure, at, at, (column[0], column[1]), **pull)
        arrow(figure, at, (0.8, 0.87), (column[0], column[1]), **push)
    arrow(figure, (0.64, 0.47), (0.64, 0.47), (ground[0], ground[1]), **pull)
    arrow(figure, (0.64, 0.47), (0.64, 0.47), (negative[0], negative[1]), **push)
    for column in (ground, negative):
        outline(column[1])
    figure.text(0.5, 0.03, 'green: is to be alike     orange: is to be unlike', ha='center', fontsize=11)
    return figure


def draw_views() -> Figure:
    """Two crops of the two dates: a point that both show, and one that only one shows."""
    figure, axes = plt.subplots(1, 4, figsize=(11, 3.1))
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.04, top=0.86, wspace=0.06)
    crops = ((0.05, 0.3, 0.6, BLUE), (0.36, 0.22, 0.6, GREEN))
    both, alone = (0.5, 0.68), (0.15, 0.45)
    for number, (left, bottom, side, colour) in enumerate(crops):
        image, view = axes[number], axes[number + 2]
        for axis in (image, view):
            draw_ground(axis, changed=number == 1)
            axis.plot(*both, 'o', color='black', ms=9, zorder=7)
            axis.plot(*alone, 'X', color=ORANGE, ms=10, zorder=7)
        image.add_patch(Rectangle((left, bottom), side, side, fill=False, edgecolor=colour, lw=2.5, zorder=6))
        view.set(xlim=(left + side, left) if number else (left, left + side), ylim=(bottom, bottom + side))
        for spine in view.spines.values():
            spine.set(edgecolor=colour, linewidth=2.5)
    for axis, title in zip(axes, ('earlier', 'later', 'its view', 'its view, flipped'), strict=True):
        axis.set_title(title, fontsize=11)
    return figure


def draw_places() -> Figure:
    """Overlapping windows are one place; a policy draws clean and noisy pairs from all of them."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(1, 1.5))
    figure.subplots_adjust(left=0.02, right=0.98, bottom=0.14, top=0.86, wspace=0.12)
    draw_ground(left, changed=True)
    for number, (x, y) in enumerate([(0.03, 0.05), (0.18, 0.05), (0.55, 0.45)]):
        colour = BLUE if number < 2 else ORANGE
        left.add_patch(Rectangle((x, y), 0.38, 0.38, fill=False, edgecolor=colour, lw=2.5, zorder=6))
    left.set_title('windows that overlap are one place', fontsize=11)
    rng = np.random.default_rng(4)
    for row, rate in enumerate((0.0, 0.25, 1.0)):
        noisy = rng.permutation(16) < round(16 * rate)
        for column, is_noisy in enumerate(noisy):
            right.add_patch(Rectangle((column, 2 - row), 0.8, 0.6, color=ORANGE if is_noisy else BLUE, lw=0))
        right.text(-0.4, 2.3 - row, f'rate {rate:g}', ha='right', va='center', fontsize=11)
    right.set(xlim=(-3.2, 16.2), ylim=(-0.4, 3), xticks=[], yticks=[], frame_on=False)
    right.set_title('an epoch by the policy: clean (blue) and noisy pairs (orange)', fontsize=11)
    return figure


if __name__ == '__main__':
    plt.rcParams |= {'svg.hashsalt': 'geo-noisy', 'svg.fonttype': 'none', 'font.family': 'sans-serif'}
    for name, draw in {'pair': draw_pair, 'views': draw_views, 'losses': draw_losses, 'places': draw_places}.items():
        draw().savefig(FOLDER / f'{name}.svg', metadata={'Date': None})
