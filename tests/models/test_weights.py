"""Encoders out of the files that people have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightly.models
import pytest
import segmentation_models_pytorch as smp
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from geo_noisy import load_encoder
from geo_noisy.errors import InputError
from geo_noisy.models import build_encoder, read_weights
from geo_noisy.models.heads import momentum_copy


class LightlyMoCo(nn.Module):
    """As in lightly's examples: a ResNet without its classifier in an ``nn.Sequential``, and its momentum copy."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(*list(torchvision.models.resnet18().children())[:-1])
        self.projection_head = lightly.models.modules.MoCoProjectionHead(512, 512, 128)
        self.backbone_momentum = momentum_copy(self.backbone)
        with torch.no_grad():
            self.backbone_momentum[0].weight.zero_()


def torchvision_network(path: Path) -> torch.Tensor:
    network = torchvision.models.resnet18()
    torch.save(network.state_dict(), path)
    return network.layer4[1].conv2.weight


def torchvision_in_parallel(path: Path) -> torch.Tensor:
    network = nn.DataParallel(torchvision.models.resnet18())
    torch.save({'epoch': 3, 'model': network.state_dict()}, path)
    return network.module.layer4[1].conv2.weight


def timm_network(path: Path) -> torch.Tensor:
    network = timm.create_model('resnet18')
    save_file(network.state_dict(), path.with_suffix('.safetensors'))
    path.with_suffix('.safetensors').rename(path)
    return network.layer4[1].conv2.weight


def smp_network(path: Path) -> torch.Tensor:
    network = smp.Unet('resnet18', encoder_weights=None)
    torch.save(network.state_dict(), path)
    return network.encoder.layer4[1].conv2.weight


def lightly_network(path: Path) -> torch.Tensor:
    network = LightlyMoCo()
    torch.save({'state_dict': network.state_dict()}, path)
    return network.backbone[7][1].conv2.weight


@pytest.mark.parametrize(
    ('write', 'name'),
    [
        (torchvision_network, 'a.pth'),
        (torchvision_in_parallel, 'a.pth'),
        (timm_network, 'a.safetensors'),
        (smp_network, 'a.pth'),
        (lightly_network, 'a.ckpt'),
    ],
)
def test_foreign_layouts(write: Callable[[Path], torch.Tensor], name: str, tmp_path: Path) -> None:
    last = write(tmp_path / name)
    encoder = load_encoder(tmp_path / name, model='resnet18')
    assert torch.equal(encoder.encoder.layer4[1].conv2.weight, last)
    assert encoder.encoder.conv1.weight.abs().sum() > 0
    assert encoder(torch.rand(1, 3, 64, 64)).shape == (1, encoder.channels, 2, 2)


def test_timm_under_its_name_in_our_encoders(tmp_path: Path) -> None:
    network = timm.create_model('test_resnet')
    torch.save(network.state_dict(), tmp_path / 'a.pth')
    encoder = load_encoder(tmp_path / 'a.pth', model='tu-test_resnet')
    expected = network.state_dict()
    assert all(
        torch.equal(expected[key.removeprefix('model.')], value) for key, value in encoder.encoder.state_dict().items()
    )


def test_bands_come_from_the_first_convolution(tmp_path: Path) -> None:
    torch.save(build_encoder('resnet18', in_channels=13).state_dict(), tmp_path / 'a.pth')
    assert load_encoder(tmp_path / 'a.pth', model='resnet18').in_channels == 13


def test_a_file_that_does_not_say_its_network(tmp_path: Path) -> None:
    torchvision_network(tmp_path / 'a.pth')
    with pytest.raises(ValueError, match="do not say which network they hold: give it, as model='resnet18'"):
        load_encoder(tmp_path / 'a.pth')


def test_another_kind_of_network(tmp_path: Path) -> None:
    torch.save(torchvision.models.alexnet().state_dict(), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth hold no resnet18: .* such as classifier.* Set model to the network'):
        build_encoder('resnet18', weights=tmp_path / 'a.pth')


def cut(path: Path) -> None:
    torch.save({'a': torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize(
    ('write', 'message'),
    [
        (lambda path: path.touch(), 'is an empty file: copy or download it again'),
        (
            lambda path: path.write_text('<!doctype html>\n<html>'),
            "it is a text file that starts with '<!doctype html>",
        ),
        (lambda path: path.write_text('hello'), "it is a text file that starts with 'hello'"),
        (cut, 'the end of the file is missing'),
        (lambda path: path.write_bytes(b'\x89PNG\0\0\xff'), 'it is cut, or no checkpoint'),
        (lambda path: torch.save({'state_dict': nn.Linear(1, 1)}, path), 'it holds Python objects beside tensors'),
        (lambda path: torch.save(torch.zeros(3), path), 'hold a Tensor, not tensors by name'),
    ],
)
def test_files_that_hold_no_weights(write: Callable[[Path], Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / 'weights.ckpt'
    write(path)
    with pytest.raises(InputError, match=rf'weights\.ckpt.*{message}'):
        read_weights(path)
