"""Weights and scenes for tests of inference: the smallest encoder, and images of some hundred pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from geo_noisy.models import build_encoder
from geo_noisy.tasks import SegmentationProbe
from tests.data.regions import write_raster

MODEL = 'tu-test_resnet'
MEAN, STD = [0.4, 0.5], [0.2, 0.25]


def write_weights(path: Path, *, model: str = MODEL, **images: Any) -> Path:
    """A checkpoint of an encoder of two bands, trained on bytes."""
    torch.manual_seed(0)
    encoder = build_encoder(model, in_channels=2)
    state = {f'model.{name}': value for name, value in encoder.state_dict().items()}
    state |= {'band_mean': torch.tensor(MEAN).view(-1, 1, 1), 'band_std': torch.tensor(STD).view(-1, 1, 1)}
    settings = {'model': model, 'in_channels': 2, 'output_stride': 32}
    torch.save({'state_dict': state, 'hyper_parameters': settings, 'geo_noisy_images': {'scale': 255.0} | images}, path)
    return path


def write_probe(path: Path) -> Path:
    """A checkpoint of a probe with three classes."""
    torch.manual_seed(0)
    settings = {'model': MODEL, 'in_channels': 2, 'output_stride': 32, 'classes': ['water', 'wood', 'town']}
    probe = SegmentationProbe(**settings, band_mean=MEAN, band_std=STD)
    images = {'scale': 255.0}
    torch.save({'state_dict': probe.state_dict(), 'hyper_parameters': settings, 'geo_noisy_images': images}, path)
    return path


def texture(rows: int, cols: int, *, seed: int = 0) -> np.ndarray:
    """Two smooth bands of bytes, [2, rows, cols], never 0."""
    rng = np.random.default_rng(seed)
    noise = gaussian_filter(rng.normal(size=(2, rows, cols)), (0, 3, 3))
    return np.clip(noise / noise.std() * 40 + 120, 1, 255).astype(np.uint8)


def write_dates(folder: Path, *, rows: int = 300, cols: int = 420, **raster: Any) -> list[Path]:
    """One place at two dates; at the second a square of 96 px has changed."""
    folder.mkdir(exist_ok=True)
    before = texture(rows, cols)
    after = before.copy()
    after[:, 96:192, 96:192] = texture(96, 96, seed=7)[:, ::-1]
    after[0, 96:192, 96:192] = 250
    paths = [folder / 'image_20200101.tif', folder / 'image_20210101.tif']
    for path, pixels in zip(paths, (before, after), strict=True):
        write_raster(path, pixels, **raster)
    return paths
