"""From pixels of a scene to what an encoder or a probe makes of them, as in training."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from geo_noisy.errors import InputError
from geo_noisy.inference.reach import Reach, measure_reach
from geo_noisy.inference.scenes import Scene
from geo_noisy.regions.windows.reader import Box, WindowReader
from geo_noisy.tasks.scale import check_scale

Pixels = tuple[NDArray[Any], NDArray[np.bool_]]
"""Pixels [C, H, W], and which of them hold data, [H, W]."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A network that is ready to run over scenes.

    Attributes:
        function: From images [B, C, H, W] in [0, 1] to maps.
        stride: Pixels that sides of images divide by.
        cell_px: Pixels of a cell of the maps.
        channels: Bands of an image.
        scale: Sensor value that becomes 1.
        fill: Value, in [0, 1] units, of pixels without data: each band's mean, as in training.
        deviation: Deviation of each band.
        known: Whether mean and deviation are of the training data.
        reach: How far it looks.
        digest: Fingerprint of its weights.
        device: Where it runs.
    """

    function: Callable[[Tensor], Tensor]
    stride: int
    cell_px: int
    channels: int
    scale: float
    fill: Tensor
    deviation: Tensor
    known: bool
    reach: Reach
    digest: str
    device: torch.device

    def images(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> Tensor:
        """Images [1, C, H, W] in [0, 1] of pixels [C, H, W], with the fill where there is no data."""
        scaled = torch.from_numpy(pixels.astype(np.float32)) / self.scale
        return torch.where(torch.from_numpy(valid), scaled, self.fill.view(-1, 1, 1))[None]

    @torch.inference_mode()
    def run(self, images: Tensor) -> Tensor:
        """Maps [B, D, h, w] of images, on the CPU."""
        image = images.to(self.device).contiguous(memory_format=torch.channels_last)
        return self.function(image).float().cpu()

    @property
    def features(self) -> int:
        """Channels of the maps."""
        grey = self.fill.view(1, -1, 1, 1).expand(1, -1, 2 * self.stride, 2 * self.stride)
        return int(self.run(grey).shape[1])

    def check(self, images: Tensor, valid: NDArray[np.bool_]) -> None:
        """Check once that sensor values were scaled as in training, see :func:`~geo_noisy.tasks.scale.check_scale`."""
        if valid.any():
            shown = images[:, :, torch.from_numpy(valid)][..., None]
            check_scale(shown, self.fill, self.deviation, known=self.known, scale=self.scale, option='--scale')


def prepare(
    network: nn.Module,
    function: Callable[[Tensor], Tensor],
    *,
    stride: int,
    cell_px: int,
    channels: int,
    scale: float | None,
    statistics: tuple[list[float], list[float]] | None,
    digest: str,
    device: str = 'auto',
) -> Prepared:
    """Make a network ready: measure how far it looks, and settle what pixels are divided by.

    Args:
        network: What is moved to the device.
        function: From images in [0, 1] to maps.
        stride: Pixels that sides of images divide by.
        cell_px: Pixels of a cell of the maps.
        channels: Bands of an image.
        scale: Sensor value that becomes 1.
        statistics: Mean and deviation of each band in [0, 1] units, where known.
        digest: Fingerprint of the weights.
        device: ``cpu``, ``cuda`` or another of torch; ``auto`` takes a GPU where there is one.

    Raises:
        InputError: If nothing tells the scale.
        ValueError: If the scale is not positive, or there is no such device.
    """
    if scale is None:
        raise InputError(
            'The weights do not say which sensor value was 1 in training: give it with --scale (255 for bytes, '
            '10000 for Sentinel-2).'
        )
    if not 0 < scale < math.inf:
        raise ValueError(f'scale is {scale}; it must be a positive number.')
    chosen = _device(device)
    network.eval()
    reach = measure_reach(function, channels=channels, stride=stride)
    network.to(chosen).to(memory_format=torch.channels_last)
    mean, std = statistics or ([0.0] * channels, [1.0] * channels)
    return Prepared(
        function=function,
        stride=stride,
        cell_px=cell_px,
        channels=channels,
        scale=float(scale),
        fill=torch.tensor(mean),
        deviation=torch.tensor(std),
        known=statistics is not None,
        reach=reach,
        digest=digest,
        device=chosen,
    )


def read_box(reader: WindowReader, scene: Scene, box: Box, bands: int) -> Pixels:
    """Pixels [C, H, W] of a box, and which hold data; what lies outside of the scene holds none."""
    inside = box.within(scene.whole)
    pixels = np.zeros((bands, box.height_px, box.width_px), dtype=np.float32)
    valid = np.zeros((box.height_px, box.width_px), dtype=bool)
    if inside.width_px > 0 and inside.height_px > 0 and reader.covers(scene.capture, inside):
        rows, cols = box.slices(inside)
        pixels[:, rows, cols], valid[rows, cols] = reader.read(scene.capture, inside)
    return pixels, valid


def cells_with_data(valid: NDArray[np.bool_], cell_px: int, *, max_nodata: float) -> NDArray[np.bool_]:
    """Cells [h, w] of whose pixels [H, W] at most a share lacks data."""
    share = F.avg_pool2d(torch.from_numpy(~valid)[None, None].float(), cell_px)[0, 0].numpy()
    return np.asarray(share <= max_nodata)


def check_share(value: float, name: str) -> None:
    """Check a share.

    Raises:
        ValueError: If it does not lie in [0, 1].
    """
    if not 0 <= value <= 1:
        raise ValueError(f'{name} is {value}; it must lie between 0 and 1.')


def _device(name: str) -> torch.device:
    if name == 'auto':
        return torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # what torch raises of names and of hardware
        reason = str(error).splitlines()[0]
        raise ValueError(
            f'device is {name!r}, which cannot be used here ({reason[:90]}): give cpu, or cuda.'
        ) from error
