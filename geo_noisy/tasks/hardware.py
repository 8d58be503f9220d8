"""What suits the processor: the order of images in memory, and optimisers in one pass over the weights."""

import lightning.pytorch as pl
import torch
from torch import Tensor

_SMALL_PX = 112
"""Side from which float32 convolutions are faster on a CPU where the bands of a pixel lie together, see
docs/decisions/speed.md."""


def channels_last_pays(image: Tensor) -> bool:
    """Whether the bands of a pixel should lie together in memory, for images [..., C, H, W] in the precision of now.

    A rule, and no measurement: two runs on one machine must be equal bit for bit.
    """
    plain = image.device.type == 'cpu' and image.dtype == torch.float32 and not torch.is_autocast_enabled('cpu')
    return not plain or image.shape[-1] >= _SMALL_PX


def fused_pays(trainer: pl.Trainer) -> bool:
    """Whether an optimiser should update all weights in one pass: on a CPU it takes a quarter to a half of the time.

    Not with mixed precision, where Lightning refuses to clip the gradients of such an optimiser.
    """
    return trainer.strategy.root_device.type == 'cpu' and str(trainer.precision).endswith('-true')
