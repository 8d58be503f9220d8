"""Figures of a pretraining: the views of a batch, neighbours in feature space, curves."""

import math
from collections.abc import Mapping, Sequence
from itertools import islice

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn.functional import normalize
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.mosaic import Tile, draw_mosaic
from geo_noisy.datasets.pair_plot import noise_text
from geo_noisy.datasets.pictures import Stretch

OWN = '#009E73'
"""Frame of what shows the same ground."""
LOSSES = ('train_loss', 'val_loss')
History = Mapping[str, Sequence[tuple[int, float]]]
"""Of each name the steps at which it was measured, and its values."""


def draw_views(batch: Sample, query: Sample, key: Sample, *, most: int, bands: Sequence[int] | None = None) -> Figure:
    """Draw pairs of a batch beside their views, as the loss sees them; all in the stretch of the pair.

    Args:
        batch: A batch of pairs, ``image`` [B, 2, C, H, W].
        query: Views that are queries (anchors), ``image`` [B, C, h, w] in units of the batch, optionally ``change``.
        key: Views of the other date.
        most: Pairs to draw.
        bands: Positions of the bands to show.
    """
    rows, labels = [], []
    for number in range(min(most, len(batch['image']))):
        sample: Sample = {
            name: batch[name][number]
            for name in ('image', 'valid', 'change', 'noise', 'noisy', 'exposure')
            if name in batch
        }
        stretch = Stretch.of(sample['image'], valid=sample.get('valid'), bands=bands)
        dates = [Tile(stretch.colours(date), sample.get('change')) for date in sample['image']]
        views = [
            Tile(stretch.colours(view['image'][number]), view['change'][number] if 'change' in view else None)
            for view in (query, key)
        ]
        rows.append([*dates, *views])
        labels.append(noise_text(sample).replace(', ', '\n'))
    return draw_mosaic(rows, columns=('earlier', 'later', 'query', 'key'), labels=labels)


def draw_neighbours(
    pairs: Sample, features: Tensor, *, queries: int, neighbours: int, title: str, bands: Sequence[int] | None = None
) -> Figure:
    """Draw earlier images, their later images, and the later images of other ground whose features are nearest.

    Args:
        pairs: Pairs with ``image`` [N, 2, C, H, W] and ``place`` [N], optionally ``change`` and ``valid``.
        features: Features of both dates, [N, 2, D].
        queries: How many earlier images, evenly spread.
        neighbours: How many of the nearest later images.
        title: Title of the figure.
        bands: Positions of the bands to show.
    """
    earlier, later = normalize(features.float(), dim=2).cpu().unbind(dim=1)
    similarity = earlier @ later.T
    image, place, change = pairs['image'], pairs['place'].cpu(), pairs.get('change')
    stretch = Stretch.of(image.flatten(0, 1), bands=bands)
    rows, labels = [], []
    for number in torch.linspace(0, len(image) - 1, min(queries, len(image))).long().tolist():
        own = (similarity[number] > similarity[number, number]).sum().item() + 1
        changed = None if change is None else change[number]
        row = [Tile(stretch.colours(image[number, 0]), changed)]
        text = f'cosine {similarity[number, number]:.2f}'
        row.append(Tile(stretch.colours(image[number, 1]), changed, frame=OWN, text=text))
        found = similarity[number].argsort(descending=True, stable=True).tolist()
        nearest = first_of_each(found, place.tolist(), but=int(place[number]))
        row += [
            Tile(stretch.colours(image[other, 1]), text=f'{similarity[number, other]:.2f}')
            for other in nearest[:neighbours]
        ]
        rows.append(row)
        labels.append(f'its later image\nis number {own} of {len(image)}')
    ranks = [f'nearest {rank}' for rank in range(1, max(map(len, rows)) - 1)]
    return draw_mosaic(rows, columns=('earlier', 'later', *ranks), labels=labels, suptitle=title)


def first_of_each(order: Sequence[int], place: Sequence[int], *, but: int) -> list[int]:
    """The first of each place in some order, but for one place."""
    first: dict[int, int] = {}
    for number in order:
        first.setdefault(place[number], number)
    return [number for at, number in first.items() if at != but]


def draw_curves(history: History) -> Figure:
    """Draw what was logged: the losses in one panel, each other score in its own.

    Args:
        history: What was measured.
    """
    losses = {name: history[name] for name in LOSSES if name in history}
    others = sorted((name for name in history if name not in LOSSES), key=lambda name: not name.startswith('val_'))
    panels = [('loss', losses)] * bool(losses) + [(name, {name: history[name]}) for name in others]
    columns = min(4, max(1, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    width, height = 3.6 * columns, 2.7 * rows
    figure = Figure(figsize=(width, height))  # a layout that is worked out takes four times as long
    axes = figure.subplots(rows, columns, squeeze=False).flat
    figure.subplots_adjust(
        left=0.5 / width, right=1 - 0.1 / width, bottom=0.5 / height, top=1 - 0.3 / height, wspace=0.25, hspace=0.5
    )
    for axis, (title, curves) in zip(axes, panels, strict=False):
        _draw_panel(axis, title, curves)
    for axis in islice(figure.axes, len(panels), None):
        axis.axis('off')
    if not panels:
        figure.axes[0].set_title('nothing was logged', fontsize=9)
    return figure


def _draw_panel(axis: Axes, title: str, curves: History) -> None:
    for name, points in curves.items():
        steps, values = zip(*points, strict=True)
        axis.plot(steps, values, marker='o' if len(points) < 30 else None, markersize=3, linewidth=1, label=name)
    axis.set_title(title, fontsize=9)
    axis.set_xlabel('step', fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    if len(curves) > 1:
        axis.legend(fontsize=8, frameon=False)
