"""The denominator of a contrast with very many candidates, some anchors at a time."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from geo_noisy.losses.class_contrast import ENTRIES

_FEWEST = 64
"""Anchors at once, at least: fewer make slow matrix products."""


def logsumexp_over(anchor: Tensor, candidate: Tensor, masked: Tensor) -> Tensor:
    """Logarithm of the sum of ``exp(anchor . candidate)`` over the candidates of each anchor.

    Args:
        anchor: Features of P points of each pair, [B, P, D].
        candidate: Features, [M, D].
        masked: Candidates that do not count for the points of a pair, [B, M] bool.

    Returns:
        Shape [B, P]; a large negative number, with gradients of 0, where no candidate counts.
    """
    result: Tensor = _LogSumExp.apply(anchor.contiguous(), candidate, masked)
    return result


class _LogSumExp(torch.autograd.Function):
    """Similarities are worked out again in the backward pass, which costs one matrix product more."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, candidate: Tensor, masked: Tensor) -> Tensor:
        result = anchor.new_empty(anchor.shape[:2])
        for rows, similarity, _ in _parts(anchor, candidate, masked):
            result.view(-1)[rows] = similarity.logsumexp(dim=1)
        ctx.save_for_backward(anchor, candidate, masked, result)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        anchor, candidate, masked, result = ctx.saved_tensors
        of_anchor, of_candidate = anchor.new_empty(anchor.shape), torch.zeros_like(candidate)
        flat, flat_gradient = of_anchor.view(-1, anchor.shape[2]), gradient.reshape(-1, 1)
        for rows, similarity, hidden in _parts(anchor, candidate, masked):
            share = similarity.sub_(result.view(-1, 1)[rows]).exp_().masked_fill_(hidden, 0)
            share *= flat_gradient[rows]
            flat[rows] = share @ candidate
            of_candidate.addmm_(share.T, anchor.view(-1, anchor.shape[2])[rows])
        return of_anchor, of_candidate, None


def _parts(anchor: Tensor, candidate: Tensor, masked: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Rows of anchors, their similarities to all candidates, and which of these do not count."""
    flat, points = anchor.view(-1, anchor.shape[2]), anchor.shape[1]
    entries = ENTRIES.get(anchor.device.type, ENTRIES['cuda'])
    count = max(_FEWEST, entries // max(1, len(candidate)))
    for start in range(0, len(flat), count):
        rows = slice(start, min(start + count, len(flat)))
        hidden = masked[torch.arange(rows.start, rows.stop, device=masked.device) // points]
        similarity = flat[rows] @ candidate.T
        yield rows, similarity.masked_fill_(hidden, torch.finfo(similarity.dtype).min / 2), hidden
