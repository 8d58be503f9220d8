"""How far a network looks, against the arithmetic of its layers."""

import pytest
import torch
from torch import nn

from geo_noisy.inference import Reach, measure_reach
from geo_noisy.models import build_encoder, last_features


@pytest.mark.parametrize(
    ('layers', 'reach'),
    [
        ([nn.Conv2d(1, 4, 1)], 0),
        ([nn.Conv2d(1, 4, 7, padding=3)], 3),
        ([nn.Conv2d(1, 4, 3, padding=2, dilation=2), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1)], 3),
        ([nn.Conv2d(1, 4, 3, padding=1), nn.MaxPool2d(3, 1, padding=1), nn.BatchNorm2d(4)], 2),
    ],
)
def test_layers(layers: list[nn.Module], reach: int) -> None:
    network = nn.Sequential(*layers).eval()
    assert measure_reach(network, channels=1, stride=1) == Reach(reach, exact=True)


def test_resnet18() -> None:
    """Its receptive field is 435 px, around the first pixel of a cell: 217 px before it, 6.8 cells of 32."""
    encoder = build_encoder('resnet18').eval()
    found = measure_reach(lambda image: last_features(encoder, image), channels=3, stride=32)
    assert found == Reach(7 * 32, exact=True)


class _Pooled(nn.Module):
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image - image.mean(dim=(2, 3), keepdim=True)


def test_global_pooling_is_not_exact() -> None:
    assert not measure_reach(_Pooled(), channels=1, stride=1).exact
    encoder = build_encoder('tu-test_efficientnet').eval()
    assert not measure_reach(lambda image: last_features(encoder, image), channels=3, stride=32).exact
