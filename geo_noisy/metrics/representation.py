"""What features are like, without labels: the directions they use, how near positives lie, how evenly they spread."""

import torch
import torch.nn.functional as F
from torch import Tensor


def effective_rank(features: Tensor) -> Tensor:
    """Number of directions that features use: the exponential of the entropy of their singular values.

    From 1 (all on one line) to the smaller of N and D. See Roy and Vetterli, 2007 (https://infoscience.epfl.ch/record/110188)
    and RankMe (https://arxiv.org/abs/2210.02885), which takes the features as they are, not centred.

    Args:
        features: Shape [N, D].

    Returns:
        A scalar; NaN where there is no feature, or one holds NaN.
    """
    if features.numel() == 0 or not torch.isfinite(features).all():
        return features.new_tensor(torch.nan, dtype=torch.float32)
    values = torch.linalg.svdvals(features.float())
    share = values / values.sum().clamp(min=torch.finfo(values.dtype).tiny)
    rank: Tensor = torch.special.entr(share).sum().exp()
    return rank


def alignment(first: Tensor, second: Tensor) -> Tensor:
    """Mean squared distance of positives on the unit sphere, from 0 (equal) to 4 (opposite).

    See https://arxiv.org/abs/2005.10242.

    Args:
        first: Features, [N, D].
        second: Those of their positives, [N, D].
    """
    return (F.normalize(first.float(), dim=1) - F.normalize(second.float(), dim=1)).square().sum(dim=1).mean()


def uniformity(features: Tensor) -> Tensor:
    """Log of the mean Gaussian potential of unit features, from -4 (far apart) to 0 (all equal); lower is more even.

    See https://arxiv.org/abs/2005.10242, with t = 2.

    Args:
        features: Shape [N, D].

    Returns:
        A scalar; NaN for fewer than two features.
    """
    if len(features) < 2:
        return features.new_tensor(torch.nan, dtype=torch.float32)
    return torch.pdist(F.normalize(features.float(), dim=1)).square().mul(-2).exp().mean().log()
