"""Contrastive losses as pure functions, in log space, for any precision: the paper's three, RINCE, ground."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from geo_noisy.losses.dense import cross_image_loss, within_image_loss
from geo_noisy.losses.ground import ground_loss
from geo_noisy.losses.similarity import check_temperature, unit

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
