"""Ground that both views of a pair show: where its points lie, and how much of each has changed."""

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.models.ground import cell_centres, features_at, is_inside, transformed
from geo_noisy.transforms.draws import split, uniforms

POINT_STREAM = 3003

_SHOWN = 0.5  # a point holds data where more than this share of its pixels does


class Points(NamedTuple):
    """Ground points of a batch: the cells of the queries' feature maps."""

    here: Tensor
    """Places in the query's view, [B, P, 2]."""
    there: Tensor
    """The same ground in the key's view, [B, P, 2]."""
    position: Tensor
    """The same ground in the image, [B, P, 2]."""
    kept: Tensor
    """Points that both views show, [B, P] bool."""
    share: Tensor | None
    """Share of changed pixels, NaN where unknown, [B, P]; None where the data set does not tell."""


@torch.no_grad()
def ground_points(query: Sample, key: Sample, size: torch.Size) -> Points:
    """The cells of the queries' feature maps as ground points: where they lie, and whether both views show them.

    Args:
        query: Views of one date, with ``matrix`` [B, 3, 3] and optionally ``valid`` and ``change`` [B, H, W].
        key: Views of the other date, likewise.
        size: Height and width of the feature maps.

    Raises:
        ValueError: If the views do not say where they lie.
    """
    if 'matrix' not in query:
        raise ValueError(
            "The views give no 'matrix', so that nothing says which ground they show: make them a subclass of "
            'geo_noisy.transforms.Views that lists its operations.'
        )
    matrix = query['matrix'].float()
    here = cell_centres((size[0], size[1]), device=matrix.device).expand(len(matrix), -1, -1)
    position = transformed(here, matrix)
    there = transformed(position, torch.linalg.inv(key['matrix'].float()))
    kept = is_inside(position) & is_inside(there)
    if 'valid' in query:
        kept &= _pooled(query['valid'], size).flatten(1) > _SHOWN
        kept &= features_at(_pooled(key['valid'], size)[:, None], there)[..., 0] > _SHOWN
    share = None
    if 'change' in query:
        known = _pooled(query['change'] != IGNORE_INDEX, size)
        share = (_pooled(query['change'] == 1, size) / known).flatten(1)  # 0 / 0 is NaN: unknown
    return Points(here, there, position, kept, share)


def drawn_points(points: Points, draw: Tensor, most: int | None) -> Points:
    """Some of the points of each pair that are kept, at random, and no more columns than the fullest pair needs.

    Args:
        points: All points.
        draw: Seed of each sample, [B].
        most: Points to keep of a pair; None for all.
    """
    total = points.kept.shape[1]
    count = max(1, min(total if most is None else most, int(points.kept.sum(dim=1).max())))
    score = uniforms(split(draw, POINT_STREAM), total).masked_fill(~points.kept, -1)
    chosen = score.argsort(dim=1, descending=True, stable=True)[:, :count].sort(dim=1).values
    here, there, position = (
        value.take_along_dim(chosen[..., None], dim=1) for value in (points.here, points.there, points.position)
    )
    kept, share = (
        None if value is None else value.take_along_dim(chosen, dim=1) for value in (points.kept, points.share)
    )
    return Points(here, there, position, cast(Tensor, kept), share)


def _pooled(flags: Tensor, size: torch.Size) -> Tensor:
    """Share of each cell's pixels, [B, H, W] to [B, h, w]."""
    return F.adaptive_avg_pool2d(flags.float()[:, None], (size[0], size[1]))[:, 0]
