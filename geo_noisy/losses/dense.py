"""The supervised dense losses between images (paper, equations 2 and 3)."""

import torch
from torch import Tensor

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.losses.class_contrast import class_contrast
from geo_noisy.losses.similarity import check_temperature


def within_image_loss(
    features_a: Tensor,
    features_b: Tensor,
    labels_a: Tensor,
    labels_b: Tensor,
    temperature: float,
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """Supervised dense loss between the two images of each pair (paper, equation 2; Zhao et al. 2021).

    Anchors are the pixels of ``features_a``, positives the pixels of ``features_b`` with the anchor's class;
    the denominator runs over all pixels of ``features_b``. Anchors without a positive drop out; the mean is
    over the anchors of an image, then over the images that have any.

    Args:
        features_a: Features of the anchors' images, [B, D, h, w]; need not be normalised.
        features_b: Features of their partners, [B, D, h', w'].
        labels_a: Class of each pixel, [B, h, w].
        labels_b: Class of each pixel, [B, h', w'].
        temperature: Softmax temperature, above 0.
        ignore_index: Pixels with this label are neither anchors nor positives nor in the denominator.

    Returns:
        Mean loss, a scalar; NaN, with gradients of 0, where no image has a valid anchor.

    Raises:
        ValueError: If shapes do not fit or the temperature is not above 0.

    Example:
        >>> import torch
        >>> features = torch.eye(2).view(1, 2, 1, 2)  # two pixels, at right angles
        >>> labels = torch.tensor([[[0, 1]]])
        >>> round(within_image_loss(features, features, labels, labels, temperature=1.0).item(), 4)
        0.3133
        >>> round(within_image_loss(features, features.flip(3), labels, labels, temperature=1.0).item(), 4)
        1.3133
    """
    check_temperature(temperature)
    _check_dense(features_a, features_b, labels_a, labels_b)
    with torch.autocast(features_a.device.type, enabled=False):
        return class_contrast(
            _pixels(features_a),
            _pixels(features_b),
            labels_a.flatten(1),
            labels_b.flatten(1),
            temperature=temperature,
            ignore_index=ignore_index,
        )


def cross_image_loss(
    features_a: Tensor,
    features_b: Tensor,
    features_other: Tensor,
    labels_a: Tensor,
    labels_b: Tensor,
    labels_other: Tensor,
    temperature: float,
    ignore_index: int = IGNORE_INDEX,
) -> Tensor:
    """The within-image loss with positives from another image as well (paper, equation 3; Zhao et al. 2021).

    The denominator runs over all pixels of ``features_b`` and only the pixels of ``features_other`` that have
    the anchor's class: there are no negatives across images.

    Args:
        features_a: Features of the anchors' images I, [B, D, h, w]; need not be normalised.
        features_b: Features of their partners, [B, D, h', w'].
        features_other: Features of the partner of another image J, [B, D, h'', w''], never of I's own place.
        labels_a: Class of each pixel, [B, h, w].
        labels_b: Class of each pixel, [B, h', w'].
        labels_other: Class of each pixel, [B, h'', w'']; all ignored where an image has no J.
        temperature: Softmax temperature, above 0.
        ignore_index: Pixels with this label are neither anchors nor positives nor in the denominator.

    Returns:
        Mean loss, a scalar; NaN, with gradients of 0, where no image has a valid anchor.

    Raises:
        ValueError: If shapes do not fit or the temperature is not above 0.

    Example:
        >>> import torch
        >>> features = torch.eye(2).view(1, 2, 1, 2)  # two pixels, at right angles
        >>> labels = torch.tensor([[[0, 1]]])
        >>> same = [features] * 3, [labels] * 3
        >>> round(cross_image_loss(*same[0], *same[1], temperature=1.0).item(), 4)
        0.862
    """
    check_temperature(temperature)
    _check_dense(features_a, features_b, labels_a, labels_b)
    _check_dense(features_a, features_other, labels_a, labels_other)
    with torch.autocast(features_a.device.type, enabled=False):
        return class_contrast(
            _pixels(features_a),
            torch.cat([_pixels(features_b), _pixels(features_other)], dim=2),
            labels_a.flatten(1),
            torch.cat([labels_b.flatten(1), labels_other.flatten(1)], dim=1),
            negatives=features_b[0, 0].numel(),
            temperature=temperature,
            ignore_index=ignore_index,
        )


def _pixels(features: Tensor) -> Tensor:
    """Features of pixels, [B, D, h * w], in float32 at least."""
    return features.flatten(2).to(torch.promote_types(features.dtype, torch.float32))


def _check_dense(features_a: Tensor, features_b: Tensor, labels_a: Tensor, labels_b: Tensor) -> None:
    for features, labels in ((features_a, labels_a), (features_b, labels_b)):
        if features.ndim != 4 or labels.shape != (len(features), *features.shape[2:]):
            raise ValueError(
                f'features {tuple(features.shape)} must be [B, D, h, w] with labels [B, h, w], not '
                f'{tuple(labels.shape)}. Take the labels down to the size of the feature map first.'
            )
    if features_a.shape[:2] != features_b.shape[:2]:
        raise ValueError(f'features {tuple(features_a.shape)} and {tuple(features_b.shape)} must agree in B and D.')
