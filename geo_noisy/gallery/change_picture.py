"""A map of change beside the two dates that it compares."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from matplotlib.figure import Figure

from geo_noisy.datasets.pair_plot import CHANGED, without_ticks
from geo_noisy.inference.change import ChangeMap


def draw_change(change: ChangeMap, images: tuple[Path, Path], polygons: gpd.GeoDataFrame) -> Figure:
    """Draw two dates of a scene and the distance of their features, with the polygons of what changed.

    Args:
        change: A map of change, see :func:`~geo_noisy.inference.map_change`.
        images: The scene at both dates.
        polygons: What changed.
    """
    figure = Figure(figsize=(11, 3.9), layout='constrained')
    axes = figure.subplots(1, 3)
    dates = (change.earlier.date, change.later.date)
    for axis, path, date in zip(axes, images, dates, strict=False):
        with rasterio.open(path) as file:
            box = file.bounds
            axis.imshow(np.moveaxis(file.read(), 0, -1), extent=(box.left, box.right, box.bottom, box.top))
            axis.set_title(f'{date:%Y-%m-%d}')
    with rasterio.open(change.path) as file:
        box = file.bounds
        shown = axes[2].imshow(file.read(1), extent=(box.left, box.right, box.bottom, box.top), cmap='magma')
    axes[2].set_title('distance of features')
    figure.colorbar(shown, ax=axes[2], shrink=0.8)
    for axis in axes:
        polygons.boundary.plot(ax=axis, color=CHANGED, linewidth=1.8)
        axis.set(xlim=(box.left, box.right), ylim=(box.bottom, box.top))
    without_ticks(axes)
    return figure
