"""Figures of pairs: both dates side by side, what changed between them outlined."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datasets.pictures import pictures
from geo_noisy.regions.dates.read import from_seconds

CHANGED, DOUBTFUL = '#D55E00', '#F0E442'
"""Colours of the outlines of what changed, and, dashed, of what may have."""


def draw_pair(sample: Sample, *, show_titles: bool, suptitle: str | None, bands: Sequence[int] | None = None) -> Figure:
    """Draw both dates of a pair with its noise outlined, and its prediction where there is one.

    Args:
        sample: A pair sample, with a ``prediction`` [2, H, W] or [H, W] where there is one.
        show_titles: Whether to write a title above each panel.
        suptitle: Title of the whole figure.
        bands: Positions of the bands to show, see :func:`~geo_noisy.datasets.pictures.pictures`.
    """
    panels = 3 if 'prediction' in sample else 2
    figure = Figure(figsize=(4 * panels, 4.6), layout='constrained')
    axes = figure.subplots(1, panels)
    for axis, picture, title in zip(axes, pictures(sample, bands=bands), titles(sample), strict=False):
        axis.imshow(picture)
        if 'change' in sample:
            outline_noise(axis, sample['change'])
        axis.set_title(title if show_titles else '')
    if panels == 3:
        prediction = sample['prediction'].detach().cpu()
        axes[2].imshow((prediction[0] if prediction.ndim == 3 else prediction).numpy(), interpolation='none')
        axes[2].set_title('Prediction' if show_titles else '')
    without_ticks(axes)
    _explain(figure, sample)
    if suptitle is not None:
        figure.suptitle(suptitle)
    return figure


def outline_noise(
    axis: Axes, change: Tensor, *, corner: tuple[float, float] = (-0.5, -0.5), pixel: float = 1.0
) -> None:
    """Outline what changed, and dashed what may have.

    Args:
        axis: Where an image is drawn.
        change: What changed, [H, W]: 1 yes, 0 no, 255 unknown.
        corner: Where the upper left corner of the image lies.
        pixel: Side of a pixel.
    """
    found = change.detach().cpu().numpy()
    outline(axis, found == IGNORE_INDEX, colour=DOUBTFUL, dashed=True, corner=corner, pixel=pixel)
    outline(axis, found == 1, colour=CHANGED, corner=corner, pixel=pixel)


def outline(
    axis: Axes,
    flags: NDArray[np.bool_],
    *,
    colour: str,
    dashed: bool = False,
    corner: tuple[float, float] = (-0.5, -0.5),
    pixel: float = 1.0,
) -> None:
    """Outline the pixels [H, W] that are flagged, those at the edge of the image too; the view stays as it is."""
    if not flags.any():
        return
    view = axis.get_xlim(), axis.get_ylim()
    x, y = (
        start + pixel * (np.arange(-1, side + 1) + 0.5) for start, side in zip(corner, flags.shape[::-1], strict=True)
    )
    style = 'dashed' if dashed else 'solid'
    field = np.pad(flags, 1).astype(float)
    axis.contour(x, y, field, levels=[0.5], colors=colour, linestyles=style, linewidths=1.6)
    axis.set(xlim=view[0], ylim=view[1])


def titles(sample: Sample) -> list[str]:
    """Date of each image; the later one with the noise of the pair."""
    first, second = dates_of(sample)
    return [first, f'{second}, {noise_text(sample)}']


def noise_text(sample: Sample) -> str:
    """What is known of a pair's noise."""
    if bool(sample['exposure']):
        return 'mere exposure'
    flag, noise = int(sample['noisy']), float(sample['noise'])
    if flag < 0:
        return 'noise unknown'
    return f'{"noisy" if flag else "clean"}' + ('' if math.isnan(noise) else f', noise {noise:.3f}')


def dates_of(sample: Sample) -> list[str]:
    """Days of both images."""
    return [str(time.date()) for time in from_seconds(sample['time'].detach().cpu().numpy())]


def without_ticks(axes: Iterable[Axes]) -> None:
    """Take everything but the images away."""
    for axis in axes:
        axis.axis('off')


def _explain(figure: Figure, sample: Sample) -> None:
    """Say what the outlines are, where there are any."""
    change = sample.get('change')
    handles = []
    if change is not None and bool((change == 1).any()):
        handles.append(Line2D([], [], color=CHANGED, label='changed'))
    if change is not None and bool((change == IGNORE_INDEX).any()):
        handles.append(Line2D([], [], color=DOUBTFUL, linestyle='--', label='unknown whether it changed'))
    if handles:
        figure.legend(handles=handles, loc='outside lower center', ncols=2, frameon=False)
