"""Features with the class that each stands for: a cell of a feature map, or a whole image."""

import torch
from torch import Tensor

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.losses.labels import pool_labels


def labelled_features(feature: Tensor, target: Tensor, *, ignore_index: int = IGNORE_INDEX) -> tuple[Tensor, Tensor]:
    """Features that have a label, and their labels.

    Args:
        feature: Feature maps, [B, D, h, w].
        target: Masks [B, H, W]: a cell is of the class of most of its pixels. Or labels [B] of whole images: the mean
            over the map stands for the image.
        ignore_index: Label that is left out.

    Returns:
        Features [N, D] and classes [N] int64.
    """
    if target.ndim == 1:
        features, labels = feature.mean(dim=(2, 3)), target
    else:
        height, width = feature.shape[-2:]
        labels = pool_labels(target, (height, width), 'majority', ignore_index).flatten()
        features = feature.movedim(1, -1).flatten(0, 2)
    known = labels != ignore_index
    return features[known].float(), labels[known]


def some(features: Tensor, labels: Tensor, *, most: int, seed: int) -> tuple[Tensor, Tensor]:
    """At most so many of the features, the same ones each time; all global random state stays as it is.

    Args:
        features: Shape [N, D].
        labels: Their classes, [N].
        most: How many.
        seed: Seed of the choice.
    """
    if len(labels) <= most:
        return features, labels
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(labels), generator=generator)[:most].sort().values.to(labels.device)
    return features[chosen], labels[chosen]
