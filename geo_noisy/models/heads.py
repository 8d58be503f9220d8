"""Heads on top of an encoder, and the momentum copy of both."""

import copy

from lightly.models.modules import MoCoProjectionHead
from lightly.models.utils import deactivate_requires_grad
from torch import nn
from torchvision.models.segmentation.fcn import FCNHead


def image_projection(channels: int, dim: int = 128) -> nn.Module:
    """Projection of MoCo v2: Linear(C, C), ReLU, Linear(C, dim), without batch norm."""
    head: nn.Module = MoCoProjectionHead(channels, channels, dim, num_layers=2, batch_norm=False)
    return head


def pixel_projection(channels: int, dim: int = 256) -> nn.Sequential:
    """Projection of the dense losses: three 1 x 1 convolutions with ReLU after the first two (Zhao et al. 2021)."""
    return nn.Sequential(
        nn.Conv2d(channels, dim, 1),
        nn.ReLU(),
        nn.Conv2d(dim, dim, 1),
        nn.ReLU(),
        nn.Conv2d(dim, dim, 1),
    )


def segmentation_head(channels: int, classes: int) -> nn.Module:
    """FCN head of torchvision: 3 x 3 convolution to C / 4, batch norm, ReLU, dropout .1, 1 x 1 convolution."""
    head: nn.Module = FCNHead(channels, classes)
    return head


def momentum_copy(module: nn.Module) -> nn.Module:
    """An exact copy that no gradient reaches."""
    twin = copy.deepcopy(module)
    deactivate_requires_grad(twin)
    return twin
