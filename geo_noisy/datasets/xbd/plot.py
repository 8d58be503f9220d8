"""Figures of xBD samples, drawn to be put in a paper."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datasets.xbd.labels import CLASSES, CODES, Label, read_label
from geo_noisy.datasets.xbd.pixels import decode_image

COLOURS = ('#00000000', '#56b4e9', '#f0e442', '#e69f00', '#d62728', '#bbbbbb')
"""By code: background, no damage, minor, major, destroyed, un-classified; told apart without red and green."""

_PANEL_INCHES = 3.4


def plot_pair(sample: Sample, row: pd.Series, *, show_titles: bool, suptitle: str | None) -> Figure:
    """Draw both images of a pair with its buildings by damage, and the tile's place in its image.

    Args:
        sample: ``image`` [2, 3, H, W] in sensor units.
        row: The tile's row in the index.
        show_titles: Write a title above each panel.
        suptitle: Title of the figure; place, noise and resolution by default.
    """
    figure, axes = plt.subplots(1, 3, figsize=(3 * _PANEL_INCHES, 1.25 * _PANEL_INCHES), layout='constrained')
    post = read_label(Path(str(row['label_post'])), post=True, repair=True)
    pre = read_label(Path(str(row['label_pre'])), post=False, repair=True)
    dates = ('post', 'post') if bool(sample['exposure']) else ('pre', 'post')
    for axis, image, date in zip(axes, sample['image'], dates, strict=False):
        axis.imshow(_rgb(image))
        _draw_outlines(axis, pre if date == 'pre' else post, row, image.shape[-1])
        _finish(axis, f'{date}, {row[f"time_{date}"]:%d %b %Y}' if show_titles else '')
    _draw_place(axes[2], row, sample['image'].shape[-1])
    _finish(axes[2], 'Place in the post image' if show_titles else '')
    figure.suptitle(_title(sample, row) if suptitle is None else suptitle)
    handles = [Line2D([], [], color=COLOURS[code], label=name, linewidth=2) for name, code in CODES.items()]
    figure.legend(handles=handles, loc='outside lower center', ncols=len(handles), frameon=False)
    return figure


def plot_segmentation(sample: Sample, *, show_titles: bool, suptitle: str | None) -> Figure:
    """Draw a tile, its five classes, and the predicted ones where there.

    Args:
        sample: ``image`` [3, H, W] in sensor units, ``mask`` [H, W], optionally ``prediction`` [H, W].
        show_titles: Write a title above each panel.
        suptitle: Title of the figure.
    """
    masks = {title: sample[key] for title, key in (('Mask', 'mask'), ('Prediction', 'prediction')) if key in sample}
    panels = 1 + len(masks)
    size = (panels * _PANEL_INCHES, 1.25 * _PANEL_INCHES)
    figure, axes = plt.subplots(1, panels, figsize=size, layout='constrained', squeeze=False)
    axes[0, 0].imshow(_rgb(sample['image']))
    _finish(axes[0, 0], 'Image' if show_titles else '')
    for axis, (title, mask) in zip(axes[0, 1:], masks.items(), strict=True):
        _draw_mask(axis, mask)
        _finish(axis, title if show_titles else '')
    if suptitle is not None:
        figure.suptitle(suptitle)
    handles = [Rectangle((0, 0), 1, 1, color=COLOURS[code], label=CLASSES[code]) for code in range(1, len(CLASSES))]
    handles.append(Rectangle((0, 0), 1, 1, color=COLOURS[-1], label='ignored'))
    figure.legend(handles=handles, loc='outside lower center', ncols=len(handles), frameon=False)
    return figure


def _rgb(image: Tensor) -> NDArray[np.uint8]:
    return image.detach().cpu().clamp(0, 255).byte().permute(1, 2, 0).numpy()


def _draw_mask(axis: Axes, mask: Tensor) -> None:
    codes = np.where(mask.cpu().numpy() == IGNORE_INDEX, len(COLOURS) - 1, mask.cpu().numpy())
    colours = ListedColormap(['#ffffff', *COLOURS[1:]])
    axis.imshow(codes, cmap=colours, norm=BoundaryNorm(np.arange(len(COLOURS) + 1) - 0.5, len(COLOURS)))


def _draw_outlines(axis: Axes, label: Label, row: pd.Series, tile_px: int) -> None:
    """Draw the outlines of the buildings of a tile, the most damaged last."""
    shift = np.array([row['col_px'], row['row_px']], dtype=float)
    inside = shapely.intersects(label.polygons, shapely.box(*shift, *(shift + tile_px))) if len(label) else []
    label = label.take(np.asarray(inside, dtype=bool))
    order = np.argsort(label.codes % len(CODES), kind='stable')
    rings, colours = [], []
    for building in order:
        for part in shapely.get_parts(label.polygons[building]):
            rings.append(shapely.get_coordinates(part.exterior) - shift - 0.5)  # pixel centres have whole coordinates
            colours.append(COLOURS[label.codes[building]])
    axis.add_collection(LineCollection(rings, colors=colours, linewidths=1.1))
    axis.set(xlim=(-0.5, tile_px - 0.5), ylim=(tile_px - 0.5, -0.5))


def _draw_place(axis: Axes, row: pd.Series, tile_px: int) -> None:
    axis.imshow(decode_image(str(row['path_post'])).transpose(1, 2, 0)[::2, ::2], extent=(0, 1024, 1024, 0))
    corner = (float(str(row['col_px'])), float(str(row['row_px'])))
    axis.add_patch(Rectangle(corner, tile_px, tile_px, fill=False, edgecolor='white', linewidth=3))
    axis.add_patch(Rectangle(corner, tile_px, tile_px, fill=False, edgecolor='black', linewidth=1.2))


def _title(sample: Sample, row: pd.Series) -> str:
    outline = row['geometry']
    place = ''
    if isinstance(outline, shapely.Geometry):
        middle = outline.centroid
        north, east = ('S' if middle.y < 0 else 'N'), ('W' if middle.x < 0 else 'E')
        place = f', {abs(middle.y):.4f}° {north} {abs(middle.x):.4f}° {east}'
    kind = 'mere exposure' if bool(sample['exposure']) else f'noise {100 * float(sample["noise"]):.2f} %'
    return f'{row["image"]}, tile {row["tile"]}{place}: {kind}'


def _finish(axis: Axes, title: str) -> None:
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(title)
