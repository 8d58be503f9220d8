"""What all losses do before they compare features."""

import torch
import torch.nn.functional as F
from torch import Tensor


def unit(feature: Tensor, *, dim: int) -> Tensor:
    """Normalise to unit length, in float32 at least."""
    return F.normalize(feature.to(torch.promote_types(feature.dtype, torch.float32)), dim=dim)


def check_temperature(temperature: float) -> None:
    """Check that a temperature is above 0.

    Raises:
        ValueError: If it is not.
    """
    if not 0 < temperature < float('inf'):
        raise ValueError(f'temperature is {temperature}; it must be above 0, and finite.')


def mean_of_counted(total: Tensor, count: Tensor, *, least: float) -> Tensor:
    """A mean over what counts; where nothing does, it is NaN, and the gradients are 0.

    Args:
        total: Sum over what counts, a scalar.
        count: How much counts, a scalar.
        least: Smallest count but 0.
    """
    return torch.where(count > 0, total / count.clamp(min=least), torch.nan)
