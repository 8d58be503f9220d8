"""Contrastive losses as pure functions, in log space, for any precision: the paper's three, RINCE, ground."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.losses.ground import ground_loss
from geo_noisy.losses.similarity import check_temperature, mean_of_counted, unit

__all__ = [
    'check_rince',
    'cross_image_loss',
    'ground_loss',
    'info_nce',
    'info_nce_logits',
    'rince',
    'within_image_loss',
]

LARGEST_EXPONENT = 80  # exp(88.7) is the largest float32


def info_nce(
    query: Tensor, key: Tensor, queue: Tensor, temperature: float, *, excluded: Tensor | None = None
) -> Tensor:
    """InfoNCE with a queue of negatives (paper, equation 1; He et al. 2020, equation 1).

    The positive stands in the denominator besides the queue, as in MoCo's released code.

    Args:
        query: Features of the anchors, [B, D]; need not be normalised.
        key: Features of their positives, [B, D].
        queue: Features of the negatives, [K, D].
        temperature: Softmax temperature, above 0.
        excluded: Queue entries that are no negatives of an anchor (the same place), [B, K] bool.

    Returns:
        Mean loss, a scalar.

    Raises:
        ValueError: If shapes do not fit or the temperature is not above 0.

    Example:
        >>> import torch
        >>> one = torch.eye(2)
        >>> round(info_nce(one[:1], one[:1], one[1:], temperature=1.0).item(), 4)
        0.3133
    """
    _check_vectors(query, key, queue, temperature)
    return F.cross_entropy(info_nce_logits(query, key, queue, temperature, excluded=excluded), _first(query))


def rince(
    query: Tensor,
    key: Tensor,
    queue: Tensor,
    temperature: float,
    *,
    q: float = 0.6,
    lam: float = 0.01,
    excluded: Tensor | None = None,
) -> Tensor:
    """Robust InfoNCE, for positive pairs that may be false (Chuang et al. 2022).

    ``-p^q / q + (lam (p + n))^q / q`` with ``p`` the exponential of the positive similarity over temperature and ``n``
    the sum of those of the negatives. As q goes to 0 it becomes InfoNCE plus ``log lam``, with the same gradients; at
    q = 1 it is symmetric, and a false positive weighs least.

    Args:
        query: Features of the anchors, [B, D]; need not be normalised.
        key: Features of their positives, [B, D].
        queue: Features of the negatives, [K, D].
        temperature: Softmax temperature, above 0.
        q: Robustness, in [0, 1].
        lam: Weight of the negatives, above 0.
        excluded: Queue entries that are no negatives of an anchor (the same place), [B, K] bool.

    Returns:
        Mean loss, a scalar; it may lie below 0.

    Raises:
        ValueError: If shapes do not fit, an argument lies outside its range, or the loss could overflow.

    Example:
        >>> import torch
        >>> true, negative = torch.eye(2).split(1)
        >>> round(rince(true, true, negative, temperature=1.0, q=1.0, lam=0.5).item(), 4)
        -0.8591
        >>> round(rince(true, negative, negative, temperature=1.0, q=1.0, lam=0.5).item(), 4)  # a false positive
        0.0
    """
    _check_vectors(query, key, queue, temperature)
    check_rince(q, lam, temperature, len(queue))
    logits = info_nce_logits(query, key, queue, temperature, excluded=excluded)
    positive, everything = logits[:, 0], logits.logsumexp(dim=1) + math.log(lam)
    if q == 0:
        return (everything - positive).mean()
    # exp(b) - exp(a) as exp(a) expm1(b - a) keeps its digits as q goes to 0; where b lies far above a, expm1 would
    # overflow, and there is nothing to lose.
    a, b = q * positive, q * everything
    near = b - a < 1
    close = a.exp() * torch.expm1((b - a).masked_fill(~near, 0))
    return (torch.where(near, close, b.exp() - a.exp()) / q).mean()


def info_nce_logits(
    query: Tensor, key: Tensor, queue: Tensor, temperature: float, *, excluded: Tensor | None = None
) -> Tensor:
    """Similarities over temperature, the positive in column 0: shape [B, 1 + K] (see :func:`info_nce`)."""
    with torch.autocast(query.device.type, enabled=False):
        query, key, queue = (unit(feature, dim=1) for feature in (query, key, queue))
        positive = (query * key).sum(dim=1, keepdim=True)
        negative = query @ queue.T
        if excluded is not None:
            negative = negative.masked_fill(excluded, -torch.inf)
        return torch.cat([positive, negative], dim=1) / temperature


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
        anchor, partner = _pixels(features_a), _pixels(features_b)
        classes, partner_classes = labels_a.flatten(1), labels_b.flatten(1)
        similarity = anchor @ partner.mT / temperature
        present = (partner_classes != ignore_index)[:, None, :].expand_as(similarity)
        positive = _same_class(classes, partner_classes, ignore_index)
        return _mean_over_anchors(similarity, positive, present)


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
        anchor, partner, other = _pixels(features_a), _pixels(features_b), _pixels(features_other)
        classes, partner_classes, other_classes = labels_a.flatten(1), labels_b.flatten(1), labels_other.flatten(1)
        similarity = anchor @ torch.cat([partner, other], dim=1).mT / temperature
        within = _same_class(classes, partner_classes, ignore_index)
        across = _same_class(classes, other_classes, ignore_index)
        present = (partner_classes != ignore_index)[:, None, :].expand_as(within)
        return _mean_over_anchors(similarity, torch.cat([within, across], dim=2), torch.cat([present, across], dim=2))


def _mean_over_anchors(similarity: Tensor, positive: Tensor, present: Tensor) -> Tensor:
    """Mean of ``-log softmax`` over the positives, then over the anchors of an image, then over images.

    Args:
        similarity: Anchors against candidates, over temperature, [B, P, Q].
        positive: Which candidates are positives of an anchor, [B, P, Q] bool.
        present: Which candidates stand in the denominator of an anchor, [B, P, Q] bool.
    """
    # A large negative number in place of -inf: a row of -inf alone would have gradients of NaN.
    lowest = torch.finfo(similarity.dtype).min / 2
    log_denominator = similarity.masked_fill(~present, lowest).logsumexp(dim=2)
    positives = positive.sum(dim=2)
    mean_positive = similarity.masked_fill(~positive, 0).sum(dim=2) / positives.clamp(min=1)
    anchors = positives > 0
    loss = (log_denominator - mean_positive).masked_fill(~anchors, 0)
    counts = anchors.sum(dim=1)
    images = (counts > 0).sum()
    return mean_of_counted((loss.sum(dim=1) / counts.clamp(min=1)).sum(), images, least=1)


def _same_class(classes: Tensor, candidate_classes: Tensor, ignore_index: int) -> Tensor:
    return (classes[:, :, None] == candidate_classes[:, None, :]) & (classes != ignore_index)[:, :, None]


def _pixels(features: Tensor) -> Tensor:
    """Unit vectors of pixels, [B, h * w, D]."""
    return unit(features.flatten(2).mT, dim=2)


def _first(query: Tensor) -> Tensor:
    return torch.zeros(len(query), dtype=torch.int64, device=query.device)


def _check_vectors(query: Tensor, key: Tensor, queue: Tensor, temperature: float) -> None:
    check_temperature(temperature)
    if query.ndim != 2 or query.shape != key.shape or queue.ndim != 2 or queue.shape[1] != query.shape[1]:
        raise ValueError(
            f'query {tuple(query.shape)} and key {tuple(key.shape)} must both be [B, D], and queue '
            f'{tuple(queue.shape)} be [K, D].'
        )


def check_rince(q: float, lam: float, temperature: float, negatives: int) -> None:
    """Check the arguments of :func:`rince`.

    Raises:
        ValueError: If one lies outside its range, or the loss could overflow in float32.
    """
    if not 0 <= q <= 1:
        raise ValueError(f'q is {q}; the robustness of RINCE must lie in [0, 1].')
    if not lam > 0:
        raise ValueError(f'lam is {lam}; the weight of the negatives must be above 0.')
    largest = q * (1 / temperature + max(0.0, math.log(lam * (negatives + 1))))
    if largest > LARGEST_EXPONENT:
        raise ValueError(
            f'q is {q} and temperature {temperature}, so RINCE reaches exp({largest:.0f}) and overflows: keep the '
            f'exponent below {LARGEST_EXPONENT}, with a smaller q or a higher temperature.'
        )


def _check_dense(features_a: Tensor, features_b: Tensor, labels_a: Tensor, labels_b: Tensor) -> None:
    for features, labels in ((features_a, labels_a), (features_b, labels_b)):
        if features.ndim != 4 or labels.shape != (len(features), *features.shape[2:]):
            raise ValueError(
                f'features {tuple(features.shape)} must be [B, D, h, w] with labels [B, h, w], not '
                f'{tuple(labels.shape)}. Take the labels down to the size of the feature map first.'
            )
    if features_a.shape[:2] != features_b.shape[:2]:
        raise ValueError(f'features {tuple(features_a.shape)} and {tuple(features_b.shape)} must agree in B and D.')
