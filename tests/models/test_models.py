"""Encoders, split batch norm and the key queue."""

import hashlib
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file
from segmentation_models_pytorch.encoders import encoders
from torch import nn
from torchvision.models import Weights, WeightsEnum

from geo_noisy.models import (
    KeyQueue,
    SplitBatchNorm2d,
    build_encoder,
    image_projection,
    last_features,
    momentum_copy,
    pixel_projection,
    segmentation_head,
)
from geo_noisy.tasks import MomentumContrast


class TestEncoder:
    @pytest.mark.parametrize(('stride', 'side'), [(32, 2), (16, 4), (8, 8)])
    def test_output_stride(self, stride: int, side: int) -> None:
        encoder = build_encoder('resnet18', output_stride=stride).eval()
        assert last_features(encoder, torch.zeros(1, 3, 64, 64)).shape == (1, 512, side, side)

    def test_name(self) -> None:
        assert build_encoder('resnet34').out_channels[-1] == 512
        assert len(list(build_encoder('resnet34').layer3)) > len(list(build_encoder('resnet18').layer3))

    def test_channels(self) -> None:
        assert last_features(build_encoder('resnet18', in_channels=13).eval(), torch.zeros(1, 13, 32, 32)).ndim == 4

    def test_unknown_name(self) -> None:
        with pytest.raises(ValueError, match="'resnet19'"):
            build_encoder('resnet19')

    def test_no_imagenet_weights(self) -> None:
        with pytest.raises(ValueError, match=r"resnext101_32x4d has no ImageNet weights \(only \['ssl', 'swsl'\]\)"):
            build_encoder('resnext101_32x4d', weights=True)

    def test_unknown_weights(self) -> None:
        with pytest.raises(FileNotFoundError, match=r'nowhere\.ckpt'):
            build_encoder('resnet18', weights='nowhere.ckpt')

    def test_checkpoint_of_another_shape(self, tmp_path: Path) -> None:
        path = tmp_path / 'four-bands.ckpt'
        state = {f'model.{key}': value for key, value in build_encoder('resnet18', in_channels=4).state_dict().items()}
        torch.save({'hyper_parameters': {'model': 'resnet18'}, 'state_dict': state}, path)
        with pytest.raises(ValueError, match=r'four-bands\.ckpt .* is \(64, 4, 7, 7\) there .* Set in_channels to 4'):
            build_encoder('resnet18', weights=str(path))
        assert torch.equal(
            build_encoder('resnet18', in_channels=4, weights=str(path)).conv1.weight, state['model.conv1.weight']
        )

    def test_checkpoint_of_another_network(self, tmp_path: Path) -> None:
        path = tmp_path / 'other.ckpt'
        state = {f'model.{key}': value for key, value in build_encoder('resnet34').state_dict().items()}
        torch.save({'hyper_parameters': {'model': 'resnet34'}, 'state_dict': state}, path)
        with pytest.raises(ValueError, match=r"unknown here.* trained with 'resnet34': set model to that"):
            build_encoder('resnet18', weights=str(path))

    def test_checkpoint_of_a_timm_encoder(self, tmp_path: Path) -> None:
        task = MomentumContrast('tu-test_resnet', queue_size=4)
        torch.save({'hyper_parameters': dict(task.hparams), 'state_dict': task.state_dict()}, tmp_path / 'timm.ckpt')
        encoder = build_encoder('tu-test_resnet', weights=str(tmp_path / 'timm.ckpt'))
        expected = task.model.state_dict()
        assert all(torch.equal(expected[key], value) for key, value in encoder.state_dict().items())

    def test_torchgeo_weight(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A weight as TorchGeo's are, downloaded (from a file) and checked by its hash."""
        state = build_encoder('resnet18').state_dict() | {'fc.weight': torch.zeros(2, 512), 'fc.bias': torch.zeros(2)}
        torch.save(state, tmp_path / 'weight.pth')
        digest = hashlib.sha256((tmp_path / 'weight.pth').read_bytes()).hexdigest()[:8]
        path = (tmp_path / 'weight.pth').rename(tmp_path / f'weight-{digest}.pth')

        class Local(WeightsEnum):
            W = Weights(url=path.as_uri(), transforms=None, meta={})

        monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
        encoder = build_encoder('resnet18', weights=Local.W)
        assert all(torch.equal(state[key], value) for key, value in encoder.state_dict().items())

    def test_imagenet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Weights as segmentation-models-pytorch keeps them, in a cache that holds ours."""
        settings = encoders['resnet18']['pretrained_settings']['imagenet']
        folder = tmp_path / f'models--{settings["repo_id"].replace("/", "--")}' / 'snapshots' / settings['revision']
        folder.mkdir(parents=True)
        (folder / 'config.json').write_text('{}')
        state = build_encoder('resnet18').state_dict()
        save_file(state, folder / 'model.safetensors')
        monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path))
        encoder = build_encoder('resnet18', weights=True)
        assert all(torch.equal(state[key], value) for key, value in encoder.state_dict().items())
        assert not torch.equal(build_encoder('resnet18', weights=False).conv1.weight, state['conv1.weight'])


class TestSplitBatchNorm:
    def test_each_part_is_normalised_on_its_own(self) -> None:
        layer = nn.Sequential(nn.BatchNorm2d(3))
        plain = nn.BatchNorm2d(3)
        SplitBatchNorm2d.replace_in(layer, 4)
        image = torch.randn(8, 3, 5, 5) * torch.arange(1, 9).view(8, 1, 1, 1)
        expected = torch.cat([plain(part) for part in image.chunk(4)])
        assert torch.allclose(layer(image), expected, atol=1e-6)
        assert not torch.allclose(layer(image), plain(image), atol=1e-2)

    def test_state_is_that_of_plain_batch_norm(self) -> None:
        encoder = build_encoder('resnet18')
        before = {key: value.shape for key, value in encoder.state_dict().items()}
        SplitBatchNorm2d.replace_in(encoder, 8)
        assert {key: value.shape for key, value in encoder.state_dict().items()} == before

    def test_running_statistics_are_the_mean_over_the_parts(self) -> None:
        layer = nn.Sequential(nn.BatchNorm2d(2, momentum=1.0))
        SplitBatchNorm2d.replace_in(layer, 2)
        image = torch.randn(4, 2, 3, 3)
        layer(image)
        assert torch.allclose(layer[0].running_mean, image.mean(dim=(0, 2, 3)), atol=1e-6)
        assert layer[0].num_batches_tracked == 1

    def test_eval_uses_running_statistics(self) -> None:
        layer = nn.Sequential(nn.BatchNorm2d(2))
        SplitBatchNorm2d.replace_in(layer, 2)
        assert torch.allclose(layer.eval()(torch.ones(3, 2, 1, 1)), torch.ones(3, 2, 1, 1), atol=1e-4)

    def test_uneven_batch(self) -> None:
        layer = nn.Sequential(nn.BatchNorm2d(2))
        SplitBatchNorm2d.replace_in(layer, 4)
        with pytest.raises(ValueError, match='batch of 6 cannot be split into 4'):
            layer(torch.ones(6, 2, 2, 2))

    def test_below_one(self) -> None:
        with pytest.raises(ValueError, match='batch_norm_splits is 0'):
            SplitBatchNorm2d.replace_in(nn.BatchNorm2d(2), 0)


class TestKeyQueue:
    def test_first_in_first_out_with_uneven_batches(self) -> None:
        queue = KeyQueue(5, 2)
        for start in range(0, 9, 3):
            places = torch.arange(start, start + 3)
            queue.enqueue(places[:, None].float().expand(3, 2), places)
        assert sorted(queue.places.tolist()) == [4, 5, 6, 7, 8]
        assert torch.equal(queue.features[:, 0].long(), queue.places)
        assert queue.pointer == 4

    def test_filled_only_after_a_whole_turn(self) -> None:
        queue = KeyQueue(4, 2)
        queue.enqueue(torch.ones(3, 2), torch.arange(3))
        assert not queue.filled
        queue.enqueue(torch.ones(3, 2), torch.arange(3))
        assert queue.filled

    def test_starts_with_unit_vectors_of_no_place(self) -> None:
        queue = KeyQueue(6, 3)
        assert torch.allclose(queue.features.norm(dim=1), torch.ones(6))
        assert not queue.same_place(torch.tensor([-1, 0])).any()

    def test_same_place(self) -> None:
        queue = KeyQueue(3, 2)
        queue.enqueue(torch.ones(2, 2), torch.tensor([7, 9]))
        assert queue.same_place(torch.tensor([9, 7])).tolist() == [[False, True, False], [True, False, False]]

    def test_state_is_in_the_checkpoint(self) -> None:
        assert {'features', 'places', 'pointer', 'seen'} == KeyQueue(3, 2).state_dict().keys()

    @pytest.mark.parametrize('size', [0, -1])
    def test_size(self, size: int) -> None:
        with pytest.raises(ValueError, match=f'queue_size is {size}'):
            KeyQueue(size, 2)

    def test_batch_larger_than_the_queue(self) -> None:
        with pytest.raises(ValueError, match='batch of 4 keys does not fit a queue of 3'):
            KeyQueue(3, 2).enqueue(torch.ones(4, 2), torch.arange(4))


def test_heads() -> None:
    assert image_projection(8, 4)(torch.zeros(2, 8)).shape == (2, 4)
    assert not [m for m in image_projection(8).modules() if isinstance(m, nn.BatchNorm1d)]
    assert pixel_projection(8, 6)(torch.zeros(2, 8, 3, 3)).shape == (2, 6, 3, 3)
    names = {norm: [type(layer).__name__ for layer in pixel_projection(8, norm=norm)] for norm in ('batch', 'none')}
    assert names['none'] == ['Conv2d', 'ReLU', 'Conv2d', 'ReLU', 'Conv2d']
    assert names['batch'] == ['Conv2d', 'BatchNorm2d', 'ReLU', 'Conv2d', 'BatchNorm2d', 'ReLU', 'Conv2d']
    with pytest.raises(ValueError, match="head_norm is 'layer'"):
        pixel_projection(8, norm='layer')
    assert segmentation_head(16, 5)[0].out_channels == 4


def test_pixel_projection_keeps_cells_apart() -> None:
    """The mean cosine of cells after the head: batch norm lowers it, He's start raises it less than torch's."""
    torch.manual_seed(0)
    features = torch.randn(8, 512, 4, 4).relu()
    flat = [
        nn.functional.normalize(head(features).flatten(2), dim=1)
        for head in (
            pixel_projection(512),
            pixel_projection(512, norm='none'),
            nn.Sequential(nn.Conv2d(512, 256, 1), nn.ReLU(), nn.Conv2d(256, 256, 1), nn.ReLU(), nn.Conv2d(256, 256, 1)),
        )
    ]
    cosines = [(each.mT @ each).mean().item() for each in flat]
    assert cosines[0] < 0.5 < cosines[1] < cosines[2]


def test_momentum_copy_is_exact_and_frozen() -> None:
    layer = nn.Linear(3, 2)
    twin = momentum_copy(layer)
    assert torch.equal(twin.weight, layer.weight)
    assert twin.weight.data_ptr() != layer.weight.data_ptr()
    assert not any(parameter.requires_grad for parameter in twin.parameters())
