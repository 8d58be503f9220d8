"""Exported encoders load in other libraries with equal features; the card and the command say what does not."""

import math
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import load_file
from torchgeo.models import get_model

from geo_noisy import load_encoder
from geo_noisy.export import export_encoder
from geo_noisy.main import main
from geo_noisy.models import build_encoder
from geo_noisy.tasks import MomentumContrast
from tests.data.hub import Hub
from tests.data.vts import pairs_datamodule, trainer


def random_checkpoint(path: Path, *, model: str, in_channels: int = 4, output_stride: int = 32) -> Path:
    """A file as a task leaves it, with batch norm statistics that are not those of a new network."""
    torch.manual_seed(0)
    encoder = build_encoder(model, in_channels=in_channels, output_stride=output_stride)
    for layer in encoder.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    state = {f'model.{name}': value for name, value in encoder.state_dict().items()}
    state |= {
        'band_mean': torch.tensor([0.3, 0.4, 0.5, 0.6])[:in_channels],
        'band_std': torch.full((in_channels,), 0.2),
    }
    settings = {'model': model, 'in_channels': in_channels, 'output_stride': output_stride}
    torch.save({'state_dict': state, 'hyper_parameters': settings}, path)
    return path


def images(channels: int = 4) -> torch.Tensor:
    return torch.rand(3, channels, 96, 64, generator=torch.Generator().manual_seed(1))


def same(found: torch.Tensor, expected: torch.Tensor) -> bool:
    return bool((found - expected).abs().max() <= 1e-4 * expected.abs().max())


@torch.no_grad()
def test_resnet_in_torch_smp_timm_and_torchgeo(tmp_path: Path) -> None:
    checkpoint, folder = random_checkpoint(tmp_path / 'last.ckpt', model='resnet18'), tmp_path / 'out'
    trips = {trip.library: trip for trip in export_encoder(checkpoint, output=folder)}
    assert all(trip.holds for trip in trips.values())
    encoder, image = load_encoder(checkpoint), images()
    expected, plain = encoder(image), (image - encoder.band_mean) / encoder.band_std
    again = load_encoder(folder)
    assert same(again(image), expected)
    assert again.digest == encoder.digest
    assert again.digest != load_encoder(random_checkpoint(tmp_path / 'x.ckpt', model='resnet34')).digest
    by_smp = smp.encoders.get_encoder('resnet18', in_channels=4, weights=None)
    by_smp.load_state_dict(load_file(folder / 'model.safetensors'))
    assert same(by_smp.eval()(plain)[-1], expected)
    by_timm = timm.create_model(f'local-dir:{folder}', pretrained=True).eval()
    assert same(by_timm.forward_features(plain), expected)
    assert by_timm.pretrained_cfg['mean'] == pytest.approx([0.3, 0.4, 0.5, 0.6])
    by_torchgeo = get_model('resnet18', in_chans=4, num_classes=0)
    by_torchgeo.load_state_dict(load_file(folder / 'model.safetensors'))
    assert same(by_torchgeo.eval().forward_features(plain), expected)


@torch.no_grad()
def test_graphs_for_any_size(tmp_path: Path) -> None:
    checkpoint = random_checkpoint(tmp_path / 'last.ckpt', model='tu-test_resnet')
    assert main(['export', str(checkpoint), '--output', str(tmp_path / 'out'), '--graphs', 'onnx', 'pt2']) == 0
    image = images()
    expected = load_encoder(checkpoint)(image)
    assert same(torch.export.load(tmp_path / 'out' / 'encoder.pt2').module()(image), expected)
    session = onnxruntime.InferenceSession(tmp_path / 'out' / 'encoder.onnx')
    (found,) = session.run(None, {'image': image.numpy()})
    assert same(torch.from_numpy(np.asarray(found)), expected)
    assert same(load_encoder(tmp_path / 'out' / 'model.safetensors')(image), expected)


@pytest.mark.parametrize(
    ('model', 'stride', 'why'),
    [
        ('tu-convnext_atto', 32, 'otherwise'),
        ('efficientnet-b0', 32, 'timm has no efficientnet-b0'),
        ('resnet18', 16, 'dilation of output stride 16'),
    ],
)
def test_what_timm_cannot_load_is_told(
    model: str, stride: int, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = random_checkpoint(tmp_path / 'last.ckpt', model=model, output_stride=stride)
    assert main(['export', str(checkpoint), '--output', str(tmp_path / 'out')]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith('timm:')]
    card = (tmp_path / 'out' / 'README.md').read_text()
    assert why in line
    assert why in card
    assert 'segmentation-models-pytorch**: equal' in card


def test_the_card_says_what_a_checkpoint_keeps(tmp_path: Path) -> None:
    run = trainer(tmp_path, limit_train_batches=1, limit_val_batches=1)
    run.fit(MomentumContrast(model='tu-test_resnet', queue_size=8), pairs_datamodule(rate=0.25))
    run.save_checkpoint(tmp_path / 'last.ckpt')
    pd.DataFrame({'score': ['macro-F1'], 'value': [0.651], 'low': [0.612], 'high': [0.69]}).to_csv(tmp_path / 's.csv')
    words = ['--data', 'stone and rust', '--data-license', 'CC0-1.0', '--weights-license', 'mit', '--scores']
    out = ['--output', str(tmp_path / 'out')]
    assert main(['export', str(tmp_path / 'last.ckpt'), *out, *words, str(tmp_path / 's.csv')]) == 0
    card = (tmp_path / 'out' / 'README.md').read_text()
    for told in (
        'license: mit', 'divided by 255', '`VTSPairs`', '32 clean, 32 noisy, 0 unknown, 50.0% of the known ones noisy',
        'rate: 0.25 (draw)', 'stone and rust', 'CC0-1.0', '| macro-F1 | 0.651 | 0.612 to 0.69 |',
    ):  # fmt: skip
        assert told in card
    assert load_encoder(tmp_path / 'out').images['policy']['rate'] == 0.25


def test_nothing_else_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = random_checkpoint(tmp_path / 'last.ckpt', model='tu-test_resnet')
    (tmp_path / 'work').mkdir()
    (tmp_path / 'work' / 'thesis.txt').touch()
    assert main(['export', str(checkpoint), '--output', str(tmp_path / 'work')]) == 2
    assert 'no earlier export' in capsys.readouterr().err
    for _ in range(2):
        assert main(['export', str(checkpoint), '--output', str(tmp_path / 'out')]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {'last.ckpt', 'work', 'out'}


def test_wrong_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = random_checkpoint(tmp_path / 'last.ckpt', model='tu-test_resnet')
    out = ['--output', str(tmp_path / 'out')]
    assert main(['export', str(tmp_path / 'gone.ckpt'), *out]) == 2
    assert main(['export', str(checkpoint), *out, '--no-private']) == 2
    assert '--push' in capsys.readouterr().err
    pd.DataFrame({'score': ['f1']}).to_csv(tmp_path / 's.csv')
    assert main(['export', str(checkpoint), *out, '--scores', str(tmp_path / 's.csv')]) == 1
    assert 'lack the column value' in capsys.readouterr().err


def test_a_folder_is_pushed_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = random_checkpoint(tmp_path / 'last.ckpt', model='tu-test_resnet')
    hub, out = Hub(token='hf_right'), tmp_path / 'out'
    monkeypatch.setattr('huggingface_hub.constants.ENDPOINT', hub.address)
    words = ['export', str(checkpoint), '--output', str(out)]
    assert main(words) == 0
    assert hub.repositories == {}  # never unasked
    monkeypatch.setenv('HF_TOKEN', 'hf_right')
    assert main([*words, '--push', 'user/encoder']) == 0
    assert f'Pushed:  {hub.address}/user/encoder' in capsys.readouterr().out
    pushed = hub.repositories['user/encoder']
    assert {name: pushed[name] for name in pushed if name != '.gitattributes'} == {
        path.name: path.read_bytes() for path in out.iterdir()
    }
    assert hub.private == {'user/encoder': True}
    assert main([*words, '--push', 'user/open', '--no-private']) == 0
    assert hub.private['user/open'] is False
    monkeypatch.setenv('HF_TOKEN', 'hf_wrong')
    assert main([*words, '--push', 'user/encoder']) == 1
    assert 'could not be pushed to user/encoder' in capsys.readouterr().err
    hub.close()
    assert main([*words, '--push', 'user/encoder']) == 1
    assert 'could not be pushed to user/encoder' in capsys.readouterr().err


def test_a_name_that_no_hub_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder stays and the hub's words are told."""
    checkpoint = random_checkpoint(tmp_path / 'last.ckpt', model='tu-test_resnet')
    assert main(['export', str(checkpoint), '--output', str(tmp_path / 'out'), '--push', 'no name at all']) == 1
    assert 'was written, but could not be pushed' in capsys.readouterr().err
    assert not math.isnan(load_encoder(tmp_path / 'out').band_mean.sum())
