"""Contrast of the same ground at two dates, which may know where the ground changed."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from geo_noisy.losses.logsumexp import logsumexp_over
from geo_noisy.losses.similarity import check_temperature, mean_of_counted, unit

Changed = Literal['keep', 'drop', 'negative', 'weight']
Unknown = Literal['drop', 'unchanged']

MOSTLY = 0.5
"""A point has changed where more than this share of its pixels has."""


def ground_loss(
    query: Tensor,
    key: Tensor,
    position: Tensor,
    kept: Tensor,
    place: Tensor,
    temperature: float,
    *,
    share: Tensor | None = None,
    changed: Changed = 'keep',
    unknown: Unknown = 'drop',
    radius: float | None = None,
    queue: Tensor | None = None,
    queue_place: Tensor | None = None,
) -> Tensor:
    """InfoNCE between features of the same ground point at two dates.

    The positive of a point is the key at the same ground. It stands in the denominator beside the negatives: keys of
    other places in the batch and in the queue, and keys of the point's own pair that lie farther away than a radius.
    Keys of the same place in other pairs are neither. Points that are not kept take no part; the mean is over all
    others, but for those without a negative.

    Args:
        query: Features of one date at P ground points of each pair, [B, P, D]; need not be normalised.
        key: Features of the other date at the same points, [B, P, D].
        position: Where each point lies in its pair's image, x and y from -1 to 1, [B, P, 2].
        kept: Points that both dates show, [B, P] bool.
        place: Place of each pair, [B].
        temperature: Softmax temperature, above 0.
        share: Share of each point's ground that changed between the dates, in [0, 1]; NaN where unknown, [B, P].
        changed: What the share does: ``keep`` ignores it; ``drop`` leaves out points of which more than half has
            changed; ``negative`` takes their key for one more negative, without a positive (the term is the logarithm
            of the denominator); ``weight`` counts each term 1 - share.
        unknown: Points of unknown share: ``drop`` leaves them out, ``unchanged`` takes them as a share of 0.
        radius: Keys of the own pair farther away than this are negatives, in half sides of the image; None for none.
        queue: Features of earlier keys, [K, D].
        queue_place: Place of each of them, [K]; negative for none.

    Returns:
        Mean loss, a scalar; NaN, with gradients of 0, where no point counts.

    Raises:
        ValueError: If shapes do not fit, an argument lies outside its range, or ``share`` is missing.

    Example:
        >>> import torch
        >>> features = torch.eye(2).view(2, 1, 2)  # two places, a point each, at right angles
        >>> where, kept, place = torch.zeros(2, 1, 2), torch.ones(2, 1, dtype=torch.bool), torch.arange(2)
        >>> round(ground_loss(features, features, where, kept, place, temperature=1.0).item(), 4)
        0.3133
        >>> share = torch.tensor([[0.0], [0.9]])
        >>> apart = ground_loss(features, features, where, kept, place, 1.0, share=share, changed='negative')
        >>> round(apart.item(), 4)
        0.8133
    """
    check_temperature(temperature)
    _check(query, key, position, kept, place, queue, queue_place)
    weight, apart = point_weights(share, kept, changed=changed, unknown=unknown)
    with torch.autocast(query.device.type, enabled=False):
        anchor, candidate = unit(query, dim=2) / temperature, unit(key, dim=2)
        positive = (anchor * candidate).sum(dim=2)
        others, same = candidate[kept], place[:, None] == place[:, None].expand_as(kept)[kept]
        if queue is not None and queue_place is not None:
            others = torch.cat([others, unit(queue, dim=1)])
            same = torch.cat([same, (place[:, None] == queue_place) & (queue_place >= 0)], dim=1)
        parts = [positive, logsumexp_over(anchor, others, same)]
        negatives = (~same).sum(dim=1, keepdim=True).expand_as(kept)
        if radius is not None:
            far = (torch.cdist(position, position) > radius) & kept[:, None]
            similarity = anchor @ candidate.mT
            parts.append(similarity.masked_fill_(~far, torch.finfo(similarity.dtype).min / 2).logsumexp(dim=2))
            negatives = negatives + far.sum(dim=2)
        terms = torch.stack(parts).logsumexp(dim=0) - positive.masked_fill(apart, 0)
        weight = (weight * (negatives > 0)).to(terms.dtype)
        return mean_of_counted((terms * weight).sum(), weight.sum(), least=torch.finfo(terms.dtype).tiny)


def point_weights(
    share: Tensor | None, kept: Tensor, *, changed: Changed = 'keep', unknown: Unknown = 'drop'
) -> tuple[Tensor, Tensor]:
    """How much each point counts, and which are pushed apart; see :func:`ground_loss`.

    Returns:
        Weights in [0, 1], [B, P] float; points that have no positive, [B, P] bool.

    Raises:
        ValueError: If an argument lies outside its range, or ``share`` is missing.
    """
    for name, value, allowed in (('changed', changed, get_args(Changed)), ('unknown', unknown, get_args(Unknown))):
        if value not in allowed:
            raise ValueError(f'{name} is {value!r}; choose one of {allowed}.')
    if changed == 'keep':
        return kept.float(), torch.zeros_like(kept)
    if share is None:
        raise ValueError(f'changed is {changed!r}, and nothing says what changed: give share, or keep.')
    known = ~share.isnan()
    share = share.nan_to_num(0.0)
    weight = (kept & (known | (unknown == 'unchanged'))).to(share.dtype)
    mostly = share > MOSTLY
    if changed == 'negative':
        return weight, mostly
    factor = 1 - share if changed == 'weight' else (~mostly).to(share.dtype)
    return weight * factor, torch.zeros_like(kept)


class GroundLoss(nn.Module):
    """Module form of :func:`ground_loss`."""

    def __init__(
        self,
        temperature: float = 0.1,
        radius: float | None = 0.6,
        changed: Changed = 'keep',
        unknown: Unknown = 'drop',
    ) -> None:
        """Initialise a new GroundLoss.

        Args:
            temperature: Softmax temperature.
            radius: Keys of the own pair farther away than this are negatives, in half sides of the image; None for
                none.
            changed: What becomes of changed ground: ``keep``, ``drop``, ``negative`` or ``weight``.
            unknown: Points of unknown change: ``drop``, or take them as ``unchanged``.
        """
        super().__init__()
        self.temperature, self.radius, self.changed, self.unknown = temperature, radius, changed, unknown

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        position: Tensor,
        kept: Tensor,
        place: Tensor,
        share: Tensor | None = None,
        queue: Tensor | None = None,
        queue_place: Tensor | None = None,
    ) -> Tensor:
        """Loss of features [B, P, D] at positions [B, P, 2]; a scalar."""
        return ground_loss(
            query,
            key,
            position,
            kept,
            place,
            self.temperature,
            share=share,
            changed=self.changed,
            unknown=self.unknown,
            radius=self.radius,
            queue=queue,
            queue_place=queue_place,
        )


def _check(
    query: Tensor,
    key: Tensor,
    position: Tensor,
    kept: Tensor,
    place: Tensor,
    queue: Tensor | None,
    queue_place: Tensor | None,
) -> None:
    points = query.shape[:2]
    if query.ndim != 3 or key.shape != query.shape or position.shape != (*points, 2) or kept.shape != points:
        raise ValueError(
            f'query {tuple(query.shape)} and key {tuple(key.shape)} must both be [B, P, D], position '
            f'{tuple(position.shape)} be [B, P, 2] and kept {tuple(kept.shape)} be [B, P].'
        )
    if len(place) != len(query) or place.ndim != 1:
        raise ValueError(f'place {tuple(place.shape)} must be [B], one for each of {len(query)} pairs.')
    if (queue is None) != (queue_place is None):
        raise ValueError('queue and queue_place belong together: give both, or neither.')
    if queue is not None and (queue.ndim != 2 or queue.shape[1] != query.shape[2]):
        raise ValueError(f'queue {tuple(queue.shape)} must be [K, D] with D = {query.shape[2]}.')
