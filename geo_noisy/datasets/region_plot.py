"""Figures of a window beside its mask."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from torchgeo.datasets.utils import Sample

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datasets.pictures import pictures

_UNLABELLED = '#ffffff'


def draw_labelled(sample: Sample, classes: Sequence[str], *, show_titles: bool, suptitle: str | None) -> Figure:
    """Draw an image, its mask, and its prediction where there is one.

    Args:
        sample: ``image`` [C, H, W], ``mask`` [H, W], optionally ``prediction`` [H, W].
        classes: Names of the classes.
        show_titles: Whether to write a title above each panel.
        suptitle: Title of the whole figure.
    """
    masks = {name.capitalize(): sample[name] for name in ('mask', 'prediction') if name in sample}
    figure = Figure(figsize=(4 * (1 + len(masks)), 4.8), layout='constrained')
    axes = figure.subplots(1, 1 + len(masks), squeeze=False)[0]
    axes[0].imshow(pictures({'image': sample['image'][None]})[0])
    colours = class_colours(len(classes))
    cmap, norm = (
        ListedColormap([*colours, _UNLABELLED]),
        BoundaryNorm(np.arange(len(classes) + 2) - 0.5, len(classes) + 1),
    )
    for axis, mask in zip(axes[1:], masks.values(), strict=True):
        values = mask.detach().cpu().numpy()
        axis.imshow(np.where(values == IGNORE_INDEX, len(classes), values), cmap=cmap, norm=norm, interpolation='none')
    for axis, title in zip(axes, ('Image', *masks), strict=True):
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_title(title if show_titles else '')
    handles = [Patch(facecolor=colour, label=name) for colour, name in zip(colours, classes, strict=True)]
    handles.append(Patch(facecolor=_UNLABELLED, edgecolor='grey', label='unlabelled'))
    figure.legend(handles=handles, loc='outside lower center', ncols=min(len(handles), 6), frameon=False)
    if suptitle is not None:
        figure.suptitle(suptitle)
    return figure


def class_colours(count: int) -> list[str]:
    """A colour for each class, told apart as well as their number allows."""
    source = mpl.colormaps['tab10' if count <= 10 else 'tab20' if count <= 20 else 'nipy_spectral']
    chosen = source(np.arange(count)) if count <= 20 else source(np.linspace(0, 0.95, count))
    return [mpl.colors.to_hex(colour) for colour in chosen]
