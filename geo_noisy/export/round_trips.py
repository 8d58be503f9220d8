"""Whether other libraries that load an exported folder give the encoder's own features: each is asked, none trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor

from geo_noisy.models.encoder import PretrainedEncoder, load_encoder
from geo_noisy.models.weights import EXPORTED

EQUAL = 1e-4
"""Largest relative difference that counts as equal."""

ONNX, PROGRAM = 'encoder.onnx', 'encoder.pt2'


@dataclass(frozen=True)
class RoundTrip:
    """One way to load the folder.

    Attributes:
        library: What loads it.
        difference: Largest difference of features over the largest feature; NaN where it cannot load them.
        why: Why it cannot, or empty.
        code: Lines that load it; FOLDER stands for the folder.
    """

    library: str
    difference: float
    why: str
    code: str

    @property
    def holds(self) -> bool:
        """Whether features are equal."""
        return self.difference <= EQUAL


def round_trips(encoder: PretrainedEncoder, folder: Path, *, seed: int = 0) -> list[RoundTrip]:
    """Load a folder in every way there is, and compare features of random images.

    Args:
        encoder: The encoder that was exported.
        folder: Where it lies.
        seed: Seed of the images.
    """
    image = torch.rand(2, encoder.in_channels, 128, 96, generator=torch.Generator().manual_seed(seed))
    ways = [_geo_noisy(folder), _smp(encoder, folder), _timm(encoder, folder), _torchgeo(encoder, folder)]
    ways += [_program(folder)] if (folder / PROGRAM).exists() else []
    ways += [_onnx(folder)] if (folder / ONNX).exists() else []
    return [_compared(encoder, image, *way) for way in ways]


Way = tuple[str, str, str, Callable[[Tensor], Tensor] | None]
"""Library, code, why not, and from standardised (or plain) images to features."""


@torch.no_grad()
def _compared(
    encoder: PretrainedEncoder,
    image: Tensor,
    library: str,
    code: str,
    why: str,
    load: Callable[[Tensor], Tensor] | None,
) -> RoundTrip:
    if load is None:
        return RoundTrip(library, float('nan'), why, code)
    expected, found = encoder(image), load(image)
    if found.shape != expected.shape:
        return RoundTrip(library, float('nan'), why or f'its features are {tuple(found.shape[1:])}', code)
    difference = float((found - expected).abs().max() / expected.abs().max())
    if difference > EQUAL:
        why = why or 'its features differ'
    return RoundTrip(library, difference, why if difference > EQUAL else '', code)


def _standardised(encoder: PretrainedEncoder, features: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Other libraries take standardised images."""
    return lambda image: features(encoder.standardise(image))


def _geo_noisy(folder: Path) -> Way:
    code = "from geo_noisy import load_encoder\n\nencoder = load_encoder('FOLDER')  # takes images in [0, 1]"
    return 'geo-noisy', code, '', lambda image: load_encoder(folder)(image)


def _smp(encoder: PretrainedEncoder, folder: Path) -> Way:
    inner = '.model' if encoder.name.startswith('tu-') else ''
    code = (
        'import segmentation_models_pytorch as smp\nfrom safetensors.torch import load_file\n\n'
        f"encoder = smp.encoders.get_encoder('{encoder.name}', in_channels={encoder.in_channels}, weights=None, "
        f"output_stride={encoder.output_stride})\nencoder{inner}.load_state_dict(load_file('FOLDER/{EXPORTED}'))"
    )

    def _features(image: Tensor) -> Tensor:
        built = smp.encoders.get_encoder(
            encoder.name, in_channels=encoder.in_channels, weights=None, output_stride=encoder.output_stride
        )
        network = built.model if inner else built
        network.load_state_dict(load_file(folder / EXPORTED))
        features: Tensor = built.eval()(image)[-1]
        return features

    return 'torch and segmentation-models-pytorch', code, '', _standardised(encoder, _features)


def _timm(encoder: PretrainedEncoder, folder: Path) -> Way:
    code = "import timm\n\nencoder = timm.create_model('local-dir:FOLDER', pretrained=True)  # .forward_features(image)"
    why = '' if (folder / 'config.json').exists() else timm_refusal(encoder)
    if why:
        return 'timm', code, why, None

    def _features(image: Tensor) -> Tensor:
        built: Any = timm.create_model(f'local-dir:{folder.resolve()}', pretrained=True)
        features: Tensor = built.eval().forward_features(image)
        return features

    return 'timm', code, _dilation(encoder), _standardised(encoder, _features)


def _torchgeo(encoder: PretrainedEncoder, folder: Path) -> Way:
    from torchgeo.models import get_model, list_models  # takes seconds to import

    name = encoder.name.removeprefix('tu-')
    code = (
        'from safetensors.torch import load_file\nfrom torchgeo.models import get_model\n\n'
        f"encoder = get_model('{name}', in_chans={encoder.in_channels}, num_classes=0)\n"
        f"encoder.load_state_dict(load_file('FOLDER/{EXPORTED}'))  # .forward_features(image)"
    )
    if name not in list_models():
        return 'TorchGeo', code, f'torchgeo.models has no {name}', None

    def _features(image: Tensor) -> Tensor:
        built: Any = get_model(name, in_chans=encoder.in_channels, num_classes=0)
        built.load_state_dict(load_file(folder / EXPORTED))
        features: Tensor = built.eval().forward_features(image)
        return features

    return 'TorchGeo', code, _dilation(encoder), _standardised(encoder, _features)


def _program(folder: Path) -> Way:
    code = f"import torch\n\nencoder = torch.export.load('FOLDER/{PROGRAM}').module()  # takes images in [0, 1]"

    def _features(image: Tensor) -> Tensor:
        features: Tensor = torch.export.load(folder / PROGRAM).module()(image)
        return features

    return 'torch.export', code, '', _features


def _onnx(folder: Path) -> Way:
    code = (
        f"import onnxruntime\n\nsession = onnxruntime.InferenceSession('FOLDER/{ONNX}')\n"
        "(features,) = session.run(None, {'image': image})  # takes images in [0, 1]"
    )

    def _features(image: Tensor) -> Tensor:
        import onnxruntime  # of the extra onnx

        session = onnxruntime.InferenceSession(folder / ONNX, providers=['CPUExecutionProvider'])
        (features,) = session.run(None, {'image': image.numpy()})
        return torch.from_numpy(np.asarray(features))

    return 'onnxruntime', code, '', _features


def timm_refusal(encoder: PretrainedEncoder) -> str:
    """Why timm cannot load an encoder; empty where it can."""
    name = encoder.name.removeprefix('tu-')
    if not timm.is_model(name):
        return f'timm has no {name}'
    there = timm.create_model(name, num_classes=0, in_chans=encoder.in_channels).state_dict().keys()
    here = {
        key.removeprefix('model.') if encoder.name.startswith('tu-') else key for key in encoder.encoder.state_dict()
    }
    if there != here:
        return f'timm calls the parts of {name} otherwise, or has more of them ({len(there ^ here)} names differ)'
    return ''


def _dilation(encoder: PretrainedEncoder) -> str:
    if encoder.output_stride == 32:
        return ''
    return f'the weights load, but without the dilation of output stride {encoder.output_stride}: other features'
