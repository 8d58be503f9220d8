"""Encoders from segmentation-models-pytorch, from random, ImageNet, TorchGeo, other or our own weights."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum

from geo_noisy.models.weights import StoredWeights, read_weights

_STRIDES = (8, 16, 32)


def build_encoder(
    name: str = 'resnet18',
    *,
    in_channels: int = 3,
    weights: StoredWeights | WeightsEnum | str | os.PathLike[str] | bool | None = None,
    output_stride: int = 32,
) -> nn.Module:
    """Build an encoder whose last feature map is ``encoder(image)[-1]``.

    Args:
        name: Name of an encoder of segmentation-models-pytorch.
        in_channels: Number of bands.
        weights: Path of a checkpoint or a file of tensors (see :func:`read_weights`) or what was read from it, a
            TorchGeo weight or its name, True for ImageNet, False or None for random weights.
        output_stride: Image side over feature map side: 32, 16 or 8; below 32 the last stages are dilated.

    Returns:
        The encoder; its features have ``encoder.out_channels[-1]`` channels.

    Raises:
        ValueError: If the name is unknown, it has no ImageNet weights, or the weights are not of this encoder.
        FileNotFoundError: If the weights are neither a file nor a TorchGeo weight.
    """
    if output_stride not in _STRIDES:
        raise ValueError(f'output_stride is {output_stride}; choose one of {", ".join(map(str, _STRIDES))}.')
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
    if weights is not None and not isinstance(weights, bool):
        stored = weights if isinstance(weights, StoredWeights) else read_weights(weights)
        encoder.load_state_dict(stored.encoder_state(encoder.state_dict(), network=name))
    return encoder


class PretrainedEncoder(nn.Module):
    """An encoder with the statistics of its bands: from images in [0, 1] to its last feature map.

    Attributes:
        encoder: The encoder of segmentation-models-pytorch.
        name: Its name.
        in_channels: Number of bands.
        output_stride: Image side over feature map side.
        band_mean: Mean of each band in [0, 1] units, [C, 1, 1]; None where the file does not say it.
        band_std: Standard deviation of each band, likewise.
        images: What the images of the training were, as far as the file says it: ``scale`` (sensor value that became
            1), ``bands`` and more, see :meth:`GeoNoisyDataModule.describe`.
    """

    band_mean: Tensor | None
    band_std: Tensor | None

    def __init__(
        self,
        encoder: nn.Module,
        *,
        name: str,
        in_channels: int,
        output_stride: int,
        statistics: tuple[Sequence[float], Sequence[float]] | None = None,
        images: Mapping[str, Any] | None = None,
    ) -> None:
        """Initialise a new PretrainedEncoder.

        Args:
            encoder: An encoder of :func:`build_encoder`.
            name: Its name.
            in_channels: Number of bands.
            output_stride: Image side over feature map side.
            statistics: Mean and standard deviation of each band, in [0, 1] units.
            images: What the images of the training were.
        """
        super().__init__()
        self.images = dict(images or {})
        self.encoder, self.name, self.in_channels, self.output_stride = encoder, name, in_channels, output_stride
        mean, std = (torch.tensor(list(values)).view(-1, 1, 1) for values in statistics) if statistics else (None, None)
        self.register_buffer('band_mean', mean)
        self.register_buffer('band_std', std)

    @property
    def channels(self) -> int:
        """Channels of the feature map."""
        return int(cast(Sequence[int], self.encoder.out_channels)[-1])

    @property
    def digest(self) -> str:
        """Fingerprint of weights and band statistics, 16 digits; the same for a checkpoint and its export."""
        found = hashlib.sha256(f'{self.name.removeprefix("tu-")} {self.output_stride}'.encode())
        for name, value in sorted(self.state_dict().items()):
            found.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
        return found.hexdigest()[:16]

    @property
    def statistics(self) -> tuple[list[float], list[float]] | None:
        """Mean and standard deviation of each band in [0, 1] units, where known."""
        if self.band_mean is None or self.band_std is None:
            return None
        return self.band_mean.flatten().tolist(), self.band_std.flatten().tolist()

    def standardise(self, image: Tensor) -> Tensor:
        """Standardise images [B, C, H, W] where the statistics of their bands are known."""
        if self.band_mean is None or self.band_std is None:
            return image
        return (image - self.band_mean) / self.band_std

    def forward(self, image: Tensor) -> Tensor:
        """Features [B, D, H / stride, W / stride] of images [B, C, H, W] in [0, 1]; see :meth:`standardise`."""
        return last_features(self.encoder, self.standardise(image))


def load_encoder(
    path: str | os.PathLike[str],
    *,
    model: str | None = None,
    in_channels: int | None = None,
    output_stride: int | None = None,
) -> PretrainedEncoder:
    """Load an encoder with its band statistics, in eval mode.

    Args:
        path: A checkpoint, a file of tensors (see :func:`read_weights`) or a folder of ``geo-noisy export``, or the
            name of a TorchGeo weight.
        model: Name of the encoder; as the file says it, by default.
        in_channels: Number of bands; as in the file, by default.
        output_stride: Image side over feature map side: 32, 16 or 8; as in the file, else 32.

    Raises:
        ValueError: If the file does not say which network it holds and ``model`` does not either, or it holds another.
        FileNotFoundError: If there is no such file or TorchGeo weight.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile(suffix='.pth') as file:
        ...     torch.save(build_encoder('resnet18').state_dict(), file.name)
        ...     encoder = load_encoder(file.name, model='resnet18')
        >>> encoder(torch.rand(1, 3, 64, 64)).shape
        torch.Size([1, 512, 2, 2])
    """
    stored = read_weights(path)
    name = model or stored.network
    if name is None:
        raise ValueError(f"weights {stored.source} do not say which network they hold: give it, as model='resnet18'.")
    stride = int(stored.settings.get('output_stride') or 32) if output_stride is None else output_stride
    bands = in_channels or _bands(stored, name)
    encoder = build_encoder(name, in_channels=bands, weights=stored, output_stride=stride)
    loaded = PretrainedEncoder(
        encoder,
        name=name,
        in_channels=bands,
        output_stride=stride,
        statistics=stored.statistics,
        images=stored.images,
    )
    return loaded.eval()


def _bands(stored: StoredWeights, name: str) -> int:
    """Number of bands: of the file's settings, else of its first convolution."""
    if stored.settings.get('in_channels'):
        return int(stored.settings['in_channels'])
    state = stored.layout(build_encoder(name).state_dict())
    return next((value.shape[1] for value in state.values() if value.ndim == 4), 3)


def last_features(encoder: nn.Module, image: Tensor) -> Tensor:
    """Last feature map of an encoder: [B, C, H, W] to [B, D, H / stride, W / stride]."""
    features: Tensor = encoder(image)[-1]
    return features
