"""Heads on top of an encoder, and the momentum copy of both."""

import copy
from typing import Literal

from lightly.models.modules import MoCoProjectionHead
from lightly.models.utils import deactivate_requires_grad
from torch import nn
from torchvision.models.segmentation.fcn import FCNHead

HeadNorm = Literal['batch', 'none']


def image_projection(channels: int, dim: int = 128) -> nn.Module:
    """Projection of MoCo v2: Linear(C, C), ReLU, Linear(C, dim), without batch norm."""
    head: nn.Module = MoCoProjectionHead(channels, channels, dim, num_layers=2, batch_norm=False)
    return head


def pixel_projection(channels: int, dim: int = 256, *, norm: HeadNorm = 'batch') -> nn.Sequential:
    """Projection of the dense losses: three 1 x 1 convolutions with ReLU after the first two (Zhao et al. 2021).

    The paper's text has no batch norm, its released code does. Weights start as He et al. 2015 have it, biases at 0:
    as torch starts them, the head maps all cells to nearly one point, and the loss stays there for long.

    Args:
        channels: Channels of the features.
        dim: Channels of the projection, and between.
        norm: ``batch`` norm before each ReLU, or ``none``.

    Raises:
        ValueError: If the norm is unknown.
    """
    if norm not in ('batch', 'none'):
        raise ValueError(f"head_norm is {norm!r}; choose 'batch' or 'none'.")
    layers: list[nn.Module] = []
    for inputs in (channels, dim):
        layers.append(nn.Conv2d(inputs, dim, 1, bias=norm == 'none'))
        layers += [nn.BatchNorm2d(dim)] if norm == 'batch' else []
        layers.append(nn.ReLU())
    head = nn.Sequential(*layers, nn.Conv2d(dim, dim, 1))
    for layer in head:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return head


def segmentation_head(channels: int, classes: int) -> nn.Module:
    """FCN head of torchvision: 3 x 3 convolution to C / 4, batch norm, ReLU, dropout .1, 1 x 1 convolution."""
    head: nn.Module = FCNHead(channels, classes)
    return head


def momentum_copy(module: nn.Module) -> nn.Module:
    """An exact copy that no gradient reaches."""
    twin = copy.deepcopy(module)
    deactivate_requires_grad(twin)
    return twin
