"""What a loss pulls to an anchor and what it pushes away, asked of the loss itself."""

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
"""From anchors [A, D] and candidates [N, D] to a scalar."""


def attraction(loss: Loss, *, anchors: int, candidates: int, anchor: int) -> Tensor:
    """How one anchor moves under a loss, candidate by candidate.

    Candidates are at right angles to each other and to all anchors. So the gradient of the anchor falls into one part
    for each candidate: what the softmax gives it, less what it has as a positive.

    Args:
        loss: The loss.
        anchors: Number of anchors.
        candidates: Number of candidates.
        anchor: The anchor that is looked at.

    Returns:
        For each candidate above 0 where it is attracted (a positive), below where it is pushed away (a negative), 0
        where it takes no part; [N].
    """
    keys = torch.eye(candidates, candidates + 1)
    query = torch.zeros(anchors, candidates + 1)
    query[:, -1] = 1
    query.requires_grad_()
    (gradient,) = torch.autograd.grad(loss(query, keys), query)
    return -gradient[anchor, :candidates]
