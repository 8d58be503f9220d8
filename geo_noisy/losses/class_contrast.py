"""The sum at the heart of the dense losses, some images at a time: no matrix or mask of all pixels of a batch."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from geo_noisy.losses.similarity import mean_of_counted

ENTRIES = {'cpu': 2**18, 'cuda': 2**26}
"""Similarities worked out at once: on a CPU what its cache holds, on a GPU what fills it."""

_SHORTEST = 1e-12
"""Length below which a vector is not made longer, as in ``torch.nn.functional.normalize``."""


def class_contrast(
    anchor: Tensor,
    candidate: Tensor,
    anchor_class: Tensor,
    candidate_class: Tensor,
    *,
    temperature: float,
    ignore_index: int,
    negatives: int | None = None,
) -> Tensor:
    """Mean of ``-log softmax`` over the candidates of an anchor's class, then over anchors, then over images.

    An anchor without a candidate of its class drops out, and so does an image without an anchor.

    Args:
        anchor: Features, [B, D, P]; need not be normalised.
        candidate: Features that they are compared with, [B, D, Q].
        anchor_class: Class of each anchor, [B, P].
        candidate_class: Class of each candidate, [B, Q].
        temperature: Softmax temperature.
        ignore_index: Class of pixels that take no part.
        negatives: How many of the candidates, from the first on, may be negatives (the others stand in the denominator
            of anchors of their class alone); all by default.

    Returns:
        Mean loss, a scalar; NaN, with gradients of 0, where no image has an anchor.
    """
    negatives = candidate.shape[2] if negatives is None else negatives
    total, images = _ClassContrast.apply(
        anchor, candidate, anchor_class, candidate_class, temperature, ignore_index, negatives
    )
    return mean_of_counted(total, images, least=1)


class _ClassContrast(torch.autograd.Function):
    """Sum over images, and how many count.

    The gradient is worked out with the loss, while the similarities of some images lie in the cache: what waits for the
    backward pass has the size of the features.
    """

    @staticmethod
    def forward(
        ctx: Any,
        anchor: Tensor,
        candidate: Tensor,
        anchor_class: Tensor,
        candidate_class: Tensor,
        temperature: float,
        ignore_index: int,
        negatives: int,
    ) -> tuple[Tensor, Tensor]:
        entries = ENTRIES.get(anchor.device.type, ENTRIES['cuda'])
        images = max(1, entries // (anchor.shape[2] * candidate.shape[2]))
        gradients = [torch.empty_like(anchor), torch.empty_like(candidate)] if any(ctx.needs_input_grad) else []
        losses, counts = [], []
        for start in range(0, len(anchor), images):
            part = slice(start, start + images)
            (a, a_length), (b, b_length) = _unit(anchor[part]), _unit(candidate[part])
            similarity = (a.mT @ b).div_(temperature)
            loss, count = _contrast_(similarity, anchor_class[part], candidate_class[part], ignore_index, negatives)
            losses.append(loss)
            counts.append(count)
            if gradients:
                similarity.div_(temperature)
                gradients[0][part] = _through_unit_(b @ similarity.mT, a, a_length)
                gradients[1][part] = _through_unit_(a @ similarity, b, b_length)
        ctx.save_for_backward(*gradients)
        count = torch.stack(counts).sum()
        ctx.mark_non_differentiable(count)
        return torch.stack(losses).sum(), count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        return *(gradient * saved for saved in ctx.saved_tensors), None, None, None, None, None


def _unit(feature: Tensor) -> tuple[Tensor, Tensor]:
    """Features [n, D, P] at unit length, and their lengths, [n, 1, P]."""
    length = feature.square().sum(dim=1, keepdim=True).sqrt_().clamp_(min=_SHORTEST)
    return feature / length, length


def _through_unit_(gradient: Tensor, unit: Tensor, length: Tensor) -> Tensor:
    """The gradient by features, from that by their unit vectors."""
    return gradient.sub_(unit * (gradient * unit).sum(dim=1, keepdim=True)).div_(length)


def _contrast_(
    similarity: Tensor, anchor_class: Tensor, candidate_class: Tensor, ignore_index: int, negatives: int
) -> tuple[Tensor, Tensor]:
    """Losses of some images, summed, and how many images count; similarities [n, P, Q] become their gradients."""
    positive = (anchor_class[:, :, None] == candidate_class[:, None]).to(similarity.dtype)
    positives = positive.sum(dim=2)
    counts = (positives > 0) & (anchor_class != ignore_index)
    anchors = counts.sum(dim=1, keepdim=True)
    weight = counts / anchors.clamp(min=1).to(similarity.dtype)
    # A large negative number in place of -inf: a row of -inf alone would have gradients of NaN.
    lowest = torch.finfo(similarity.dtype).min / 2
    similarity[:, :, :negatives].masked_fill_((candidate_class == ignore_index)[:, None, :negatives], lowest)
    similarity[:, :, negatives:].masked_fill_(positive[:, :, negatives:] == 0, lowest)
    target = positive.mul_((weight / positives.clamp(min=1))[:, :, None])
    similarity.sub_(similarity.amax(dim=2, keepdim=True))
    pulled = (target * similarity).sum(dim=2)
    denominator = similarity.exp_().sum(dim=2, keepdim=True)
    pushed = weight * denominator.log()[:, :, 0]
    similarity.mul_(weight[:, :, None] / denominator).sub_(target)
    return (pushed - pulled).masked_fill(~counts, 0).sum(), (anchors > 0).sum()
