"""Figures of samples: images and masks side by side."""

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from torch import Tensor

from geo_noisy.datasets.pair_plot import outline_noise


class Panel(NamedTuple):
    """One picture of a figure."""

    title: str
    pixels: Tensor
    """An image [3, H, W] from 0 to 255, or a mask [H, W], or the same mask for two dates [2, H, W]."""
    change: Tensor | None = None
    """What of an image is outlined, [H, W]: 1 changed, 255 unknown."""


def draw_panels(
    panels: Sequence[Panel], *, cmap: ListedColormap, show_titles: bool, suptitle: str | None, size_in: float = 3
) -> Figure:
    """Draw panels in a row.

    Args:
        panels: What to draw, from left to right.
        cmap: One colour for each class.
        show_titles: Whether to write a title above each panel.
        suptitle: Title of the whole figure.
        size_in: Height and width of each panel in inches.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(size_in * len(panels), size_in), squeeze=False)
    for axis, panel in zip(axes[0], panels, strict=True):
        pixels = panel.pixels.detach().cpu()
        if pixels.ndim == 3 and len(pixels) == 3:
            axis.imshow((pixels.permute(1, 2, 0) / 255).clamp(0, 1).numpy())
        else:
            mask = pixels[0] if pixels.ndim == 3 else pixels
            axis.imshow(mask.numpy(), cmap=cmap, vmin=0, vmax=cmap.N - 1, interpolation='none')
        if panel.change is not None:
            outline_noise(axis, panel.change)
        axis.axis('off')
        if show_titles:
            axis.set_title(panel.title)
    if suptitle is not None:
        figure.suptitle(suptitle)
    return figure
