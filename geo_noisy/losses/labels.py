"""Labels at the size of a feature map."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from geo_noisy.confusion import IGNORE_INDEX

LabelPooling = Literal['nearest', 'majority', 'any']
"""How the label of a cell is made of those of its pixels."""


def pool_labels(
    labels: Tensor, size: tuple[int, int], pooling: LabelPooling, ignore_index: int = IGNORE_INDEX
) -> Tensor:
    """Take labels down to the size of a feature map.

    The paper does not state how. A cell is ignored only where all of it is.

    Args:
        labels: Class of each pixel, [B, H, W] int64.
        size: Height and width of the feature map.
        pooling: ``nearest`` takes the pixel at the cell's centre (the majority where that one is ignored),
            ``majority`` the class of most pixels, ``any`` the highest class that any pixel has (a building
            wherever there is one, in binary labels).
        ignore_index: Label of pixels to leave out.

    Returns:
        Class of each cell, [B, h, w] int64.

    Raises:
        ValueError: If the pooling is unknown.
    """
    if pooling not in ('nearest', 'majority', 'any'):
        raise ValueError(f"label_pooling is {pooling!r}; choose 'nearest', 'majority' or 'any'.")
    if pooling == 'nearest':
        centre = F.interpolate(labels[:, None].float(), size, mode='nearest-exact')[:, 0].long()
        ignored = centre == ignore_index
        return (
            torch.where(ignored, pool_labels(labels, size, 'majority', ignore_index), centre)
            if ignored.any()
            else centre
        )
    shares = _class_shares(labels, size, ignore_index)
    if pooling == 'any':
        order = torch.arange(1, shares.shape[1] + 1, device=labels.device)[:, None, None]
        pooled = ((shares > 0) * order).argmax(dim=1)
    else:
        pooled = shares.argmax(dim=1)
    return pooled.masked_fill(shares.sum(dim=1) == 0, ignore_index)


def _class_shares(labels: Tensor, size: tuple[int, int], ignore_index: int) -> Tensor:
    """Share of each cell that each class covers, [B, classes, h, w]."""
    known = labels != ignore_index
    classes = int(labels.masked_fill(~known, 0).max()) + 1
    one_hot = F.one_hot(labels.masked_fill(~known, 0), classes) * known[..., None]
    return F.adaptive_avg_pool2d(one_hot.movedim(-1, 1).float(), size)


def compares(
    labels_a: Tensor, labels_b: Tensor, labels_other: Tensor | None = None, *, ignore_index: int = IGNORE_INDEX
) -> bool:
    """Whether a dense loss measures anything: an anchor with a positive, and a second cell to tell it from.

    Args:
        labels_a: Class of each anchor, [B, h, w].
        labels_b: Class of each cell of the partners, [B, h', w'].
        labels_other: Class of each cell of another image, [B, h'', w''], in the cross-image loss.
        ignore_index: Label of cells to leave out.
    """
    positives, candidates = _counts(labels_a, labels_b, labels_other, ignore_index)
    return bool(((positives > 0) & (candidates > 1)).any())


def plateau(
    labels_a: Tensor, labels_b: Tensor, labels_other: Tensor | None = None, *, ignore_index: int = IGNORE_INDEX
) -> Tensor:
    """The dense loss of features that are all equal: the log of the cells in the denominator, averaged as the loss is.

    Args:
        labels_a: Class of each anchor, [B, h, w].
        labels_b: Class of each cell of the partners, [B, h', w'].
        labels_other: Class of each cell of another image, [B, h'', w''], in the cross-image loss.
        ignore_index: Label of cells to leave out.

    Returns:
        A scalar; 0 where no image has an anchor with a positive.
    """
    positives, candidates = _counts(labels_a, labels_b, labels_other, ignore_index)
    anchors = positives > 0
    loss = candidates.clamp(min=1).log().masked_fill(~anchors, 0)
    counts = anchors.sum(dim=1)
    return (loss.sum(dim=1) / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def _counts(
    labels_a: Tensor, labels_b: Tensor, labels_other: Tensor | None, ignore_index: int
) -> tuple[Tensor, Tensor]:
    """Positives of each anchor, and cells in its denominator; both [B, anchors]."""
    classes, partner = labels_a.flatten(1), labels_b.flatten(1)
    known = (classes != ignore_index)[:, :, None]
    positives = ((classes[:, :, None] == partner[:, None]) & known).sum(dim=2)
    candidates = (partner != ignore_index).sum(dim=1)[:, None].expand_as(positives)
    if labels_other is None:
        return positives, candidates
    across = ((classes[:, :, None] == labels_other.flatten(1)[:, None]) & known).sum(dim=2)
    return positives + across, candidates + across
