"""An encoder with its band statistics as a graph that needs none of its code: ONNX and torch.export."""

from pathlib import Path

import torch
from torch import Tensor

from geo_noisy.models.encoder import PretrainedEncoder

_CELLS = (2, 64)  # fewest and most cells along a side of the image


def export_program(encoder: PretrainedEncoder) -> torch.export.ExportedProgram:
    """The graph of an encoder, for any batch of images [B, C, H, W] in [0, 1] whose sides divide by its stride."""
    stride = encoder.output_stride
    batch = torch.export.Dim('batch', min=1, max=1024)
    height, width = (torch.export.Dim(name, min=_CELLS[0], max=_CELLS[1]) for name in ('rows', 'cols'))
    shapes = {'image': {0: batch, 2: max(stride, 32) * height, 3: max(stride, 32) * width}}
    return torch.export.export(encoder, (example_image(encoder),), dynamic_shapes=shapes)


def example_image(encoder: PretrainedEncoder) -> Tensor:
    """Two grey images, of four and three cells of 32 px."""
    return torch.full((2, encoder.in_channels, 128, 96), 0.5)


def write_onnx(encoder: PretrainedEncoder, path: Path) -> None:
    """Write an encoder as ONNX, from ``image`` to ``features``.

    Raises:
        ModuleNotFoundError: If the packages of the extra ``onnx`` are not installed.
    """
    torch.onnx.export(
        encoder,
        (example_image(encoder),),
        path,
        dynamo=True,
        input_names=['image'],
        output_names=['features'],
        dynamic_shapes=({0: 'batch', 2: 'height', 3: 'width'},),
        external_data=False,
        verbose=False,
    )
