"""Encoders from segmentation-models-pytorch, from random, ImageNet, TorchGeo or our own weights."""

from collections.abc import Mapping
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum


def build_encoder(
    name: str = 'resnet18',
    *,
    in_channels: int = 3,
    weights: WeightsEnum | str | bool | None = None,
    output_stride: int = 32,
) -> nn.Module:
    """Build an encoder whose last feature map is ``encoder(image)[-1]``.

    Args:
        name: Name of an encoder of segmentation-models-pytorch.
        in_channels: Number of bands.
        weights: Path of a checkpoint of ours or of TorchGeo, a TorchGeo weight or its name, True for ImageNet,
            False or None for random weights.
        output_stride: Image side over feature map side: 32, 16 or 8; below 32 the last stages are dilated.

    Returns:
        The encoder; its features have ``encoder.out_channels[-1]`` channels.

    Raises:
        ValueError: If the name is unknown, it has no ImageNet weights, or the weights are of another shape.
        FileNotFoundError: If the weights are neither a file nor a TorchGeo weight.
    """
    pretrained = True if name.startswith('tu-') else 'imagenet'  # timm's names say which weights they mean
    try:
        encoder: nn.Module = smp.encoders.get_encoder(
            name,
            in_channels=in_channels,
            weights=pretrained if weights is True else None,
            output_stride=output_stride,
        )
    except KeyError as error:
        if name in smp.encoders.encoders:
            known = sorted(smp.encoders.encoders[name]['pretrained_settings'])
            raise ValueError(
                f'weights is True, but {name} has no ImageNet weights (only {known}): choose another model, or give a '
                'checkpoint.'
            ) from error
        raise ValueError(
            f'model is {name!r}: choose an encoder of segmentation-models-pytorch, such as resnet18, or of timm with '
            'tu- before its name.'
        ) from error
    if weights and weights is not True:
        load_encoder(encoder, read_weights(weights), source=str(weights))
    return encoder


def read_weights(weights: WeightsEnum | str) -> dict[str, Tensor]:
    """Read the state of an encoder from a checkpoint, a TorchGeo weight or its name.

    Raises:
        FileNotFoundError: If it is none of these.
    """
    if isinstance(weights, WeightsEnum):
        return dict(weights.get_state_dict(progress=True, check_hash=True, weights_only=True))
    if Path(weights).is_file():
        checkpoint = torch.load(weights, map_location='cpu', weights_only=True)
        if 'model' not in checkpoint.get('hyper_parameters', {}):
            from torchgeo.tasks.utils import extract_backbone  # torchgeo takes seconds to import

            return dict(extract_backbone(weights)[1])
        # TorchGeo drops every `model.` of a name, also the one that the names of timm's encoders start with.
        state = checkpoint['state_dict']
        return {key.removeprefix('model.'): value for key, value in state.items() if key.startswith('model.')}
    from torchgeo.models import get_weight

    try:
        weight = get_weight(weights)
    except (KeyError, ValueError) as error:
        raise FileNotFoundError(
            f'weights is {weights!r}, which is neither a checkpoint file nor the name of a TorchGeo weight such as '
            'ResNet18_Weights.SENTINEL2_ALL_MOCO.'
        ) from error
    return dict(weight.get_state_dict(progress=True, check_hash=True, weights_only=True))


def load_encoder(encoder: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Load a state into an encoder, strictly.

    Args:
        encoder: The encoder to fill.
        state: Tensors by name; a classifier's ``fc`` is left out.
        source: Where the state comes from, for error messages.

    Raises:
        ValueError: If names or shapes differ.
    """
    own = encoder.state_dict()
    state = {key: value for key, value in state.items() if not key.startswith('fc.')}
    missing, unexpected = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    shapes = [
        f'{key} is {tuple(state[key].shape)} there and {tuple(own[key].shape)} here'
        for key in sorted(own.keys() & state.keys())
        if state[key].shape != own[key].shape
    ]
    if missing or unexpected or shapes:
        raise ValueError(
            f'weights {source} do not fit this encoder: {"; ".join(shapes[:3]) or "shapes agree"}; '
            f'{len(missing)} tensors missing there {missing[:3]}, {len(unexpected)} unknown here {unexpected[:3]}. '
            'Use the model, in_channels and output_stride that the weights were trained with.'
        )
    encoder.load_state_dict(state)


def last_features(encoder: nn.Module, image: Tensor) -> Tensor:
    """Last feature map of an encoder: [B, C, H, W] to [B, D, H / stride, W / stride]."""
    features: Tensor = encoder(image)[-1]
    return features
