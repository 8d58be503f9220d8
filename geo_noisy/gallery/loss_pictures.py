"""What is positive and what is negative to each loss, cell by cell, on pairs that are drawn beside it."""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datasets.mosaic import Tile, draw_mosaic
from geo_noisy.datasets.pictures import Stretch
from geo_noisy.gallery.attraction import attraction
from geo_noisy.losses.dense import cross_image_loss, within_image_loss
from geo_noisy.losses.functional import info_nce
from geo_noisy.losses.ground import Changed, ground_loss
from geo_noisy.losses.labels import pool_labels
from geo_noisy.models.ground import cell_centres

CELLS = 8
"""Cells of a feature map along a side."""
ANCHOR, POSITIVE, NEGATIVE = '#0072B2', '#009E73', '#D55E00'
_TEMPERATURE = 0.1
_COLUMNS = ('anchor', 'the other date', 'other places of the batch', '', '')


class Row(NamedTuple):
    """A loss, and what it does to one anchor.

    Attributes:
        label: What stands beside it.
        anchor: Cell of the first pair's earlier image; None for the image as a whole.
        attracted: For each cell of the later image of each pair, see :func:`~.attraction.attraction`; [B, h, w].
    """

    label: str
    anchor: int | None
    attracted: Tensor


def draw_losses(pairs: Sample) -> Figure:
    """Draw, a row a loss, the anchor in blue, what it attracts in green, and what it pushes away in orange.

    Args:
        pairs: A few pairs with ``image`` [B, 2, C, H, W], ``mask`` [B, 2, H, W] and ``change`` [B, H, W]; the first
            holds the anchor.
    """
    labels = pool_labels(pairs['mask'].flatten(0, 1), (CELLS, CELLS), 'nearest', IGNORE_INDEX)
    labels = labels.view(-1, 2, CELLS, CELLS)
    share = torch.nn.functional.adaptive_avg_pool2d((pairs['change'] == 1).float()[:, None], CELLS).flatten(1)
    kept, changed = anchors_of(share[0])
    rows = [
        Row('MoCo:\nwhole images', None, whole_images(len(labels))),
        Row('within-image:\npixels of a class', kept, within_image(labels, kept)),
        Row('cross-image: that,\nand of another place', kept, cross_image(labels, kept)),
        Row('same ground:\na point at both dates', kept, same_ground(share, kept, 'keep')),
        Row("same ground, changed:\n'keep' attracts it", changed, same_ground(share, changed, 'keep')),
        Row("same ground, changed:\n'negative' pushes it", changed, same_ground(share, changed, 'negative')),
    ]
    tiles = [_tiles(pairs, row) for row in rows]
    title = 'blue: anchor   green: is to be alike   orange: is to be unlike   grey: takes no part   outlined: changed'
    return draw_mosaic(tiles, columns=_COLUMNS[: len(tiles[0])], labels=[row.label for row in rows], suptitle=title)


def anchors_of(share: Tensor) -> tuple[int, int]:
    """Of the cells [h * w] that changed least and most, those nearest the middle of the image."""
    distance = cell_centres((CELLS, CELLS)).norm(dim=1)
    unchanged, changed = (distance.masked_fill(share != end, 9).argmin() for end in (share.min(), share.max()))
    return int(unchanged), int(changed)


def whole_images(pairs: int) -> Tensor:
    """MoCo: the later image of the first pair is the positive, earlier keys of the queue are the negatives."""
    pulled = attraction(_info_nce, anchors=1, candidates=pairs, anchor=0)
    return pulled[:, None, None].expand(-1, CELLS, CELLS)


def within_image(labels: Tensor, anchor: int) -> Tensor:
    """The within-image loss for an anchor of the first pair; labels [B, 2, h, w]."""
    cells = labels[0, 0].numel()
    loss = partial(_within, labels=_anchor_alone(labels[0], anchor))
    pulled = torch.zeros(len(labels), cells)
    pulled[0] = attraction(loss, anchors=cells, candidates=cells, anchor=anchor)
    return pulled.view(-1, CELLS, CELLS)


def cross_image(labels: Tensor, anchor: int) -> Tensor:
    """The cross-image loss, whose other image is the later one of the second pair."""
    cells = labels[0, 0].numel()
    loss = partial(_cross, labels=_anchor_alone(labels[0], anchor), other=labels[1, 1])
    pulled = torch.zeros(len(labels), cells)
    pulled[:2] = attraction(loss, anchors=cells, candidates=2 * cells, anchor=anchor).view(2, cells)
    return pulled.view(-1, CELLS, CELLS)


def same_ground(share: Tensor, anchor: int, changed: Changed) -> Tensor:
    """Contrast of the same ground for a cell of the first pair; share of each cell that changed [B, h * w]."""
    pairs, cells = share.shape
    loss = partial(_ground, share=share, changed=changed)
    pulled = attraction(loss, anchors=pairs * cells, candidates=pairs * cells, anchor=anchor)
    return pulled.view(pairs, CELLS, CELLS)


def _info_nce(query: Tensor, keys: Tensor) -> Tensor:
    return info_nce(query, keys[:1], keys[1:], _TEMPERATURE)


def _within(query: Tensor, keys: Tensor, *, labels: Tensor) -> Tensor:
    return within_image_loss(_as_map(query), _as_map(keys), labels[:1], labels[1:], _TEMPERATURE)


def _cross(query: Tensor, keys: Tensor, *, labels: Tensor, other: Tensor) -> Tensor:
    partner, another = (_as_map(part) for part in keys.chunk(2))
    return cross_image_loss(_as_map(query), partner, another, labels[:1], labels[1:], other[None], _TEMPERATURE)


def _ground(query: Tensor, keys: Tensor, *, share: Tensor, changed: Changed) -> Tensor:
    pairs, cells = share.shape
    position = cell_centres((CELLS, CELLS)).expand(pairs, -1, -1)
    kept = torch.ones(pairs, cells, dtype=torch.bool)
    query, keys = query.view(pairs, cells, -1), keys.view(pairs, cells, -1)
    place = torch.arange(pairs)
    return ground_loss(query, keys, position, kept, place, _TEMPERATURE, share=share, changed=changed, radius=0.6)


def _as_map(features: Tensor) -> Tensor:
    """Features of cells [h * w, D] as a map [1, D, h, w]."""
    return features.T.reshape(1, -1, CELLS, CELLS)


def _anchor_alone(labels: Tensor, anchor: int) -> Tensor:
    """Labels [2, h, w] of both dates, of the first one but that of the anchor."""
    alone = torch.full_like(labels[0].flatten(), IGNORE_INDEX)
    alone[anchor] = labels[0].flatten()[anchor]
    return torch.stack([alone.view_as(labels[0]), labels[1]])


def _tiles(pairs: Sample, row: Row) -> list[Tile]:
    """The anchor's image, then the later image of each pair, tinted by what the loss does."""
    stretch = Stretch.of(pairs['image'].flatten(0, 1))
    marked = torch.zeros(CELLS * CELLS)
    if row.anchor is not None:
        marked[row.anchor] = 1
    whole = ANCHOR if row.anchor is None else ''
    first = Tile(
        tinted(stretch.colours(pairs['image'][0, 0]), marked.view(CELLS, CELLS), ANCHOR), pairs['change'][0], whole
    )
    later = [stretch.colours(image) for image in pairs['image'][:, 1]]
    return [first] + [
        Tile(tinted(picture, pulled, POSITIVE)) for picture, pulled in zip(later, row.attracted, strict=True)
    ]


def tinted(
    picture: NDArray[np.float32], pulled: Tensor, positive: str, negative: str = NEGATIVE
) -> NDArray[np.float32]:
    """A picture whose cells have the colour of what the loss does to them."""
    height, width = picture.shape[:2]
    rows, columns = (np.arange(side) * CELLS // side for side in (height, width))
    signs = np.sign(pulled.numpy().round(9))[rows][:, columns]
    found = picture.copy()
    for sign, colour in ((1, positive), (-1, negative)):
        found[signs == sign] = 0.45 * picture[signs == sign] + 0.55 * np.array(to_rgb(colour), dtype=np.float32)
    return found
