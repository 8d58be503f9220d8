"""Embedding a scene beside the encoder alone on tiles of the same size and number."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch

from geo_noisy.main import main
from geo_noisy.models import build_encoder
from geo_noisy.models.encoder import last_features
from tests.benchmarks.rows import Comparison
from tests.data.regions import write_raster
from tests.inference.scenes import texture, write_weights

SIDE_PX, TILE_PX = 4096, 512


def comparisons() -> Iterator[Comparison]:
    """By windows, which need no halo, so that both encode the same pixels."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = write_raster(folder / 'scene_20200101.tif', texture(SIDE_PX, SIDE_PX))
        weights = write_weights(folder / 'last.ckpt', model='resnet18')
        encoder = build_encoder('resnet18', in_channels=2).eval().to(memory_format=torch.channels_last)
        tiles = torch.rand(4, 2, TILE_PX, TILE_PX).contiguous(memory_format=torch.channels_last)
        yield Comparison(
            'embedding a scene', f'{SIDE_PX} px, windows of {TILE_PX} px', 'the encoder alone', 0.85,
            partial(_embed, image, weights, folder / 'out.parquet'),
            partial(_encode, encoder, tiles, (SIDE_PX // TILE_PX) ** 2 // 4), rounds=3,
        )  # fmt: skip


def _embed(image: Path, weights: Path, output: Path) -> None:
    output.unlink(missing_ok=True)
    words = ['embed', str(image), '--weights', str(weights), '--by', 'window', '--size-px', str(TILE_PX)]
    assert main([*words, '--output', str(output), '--no-progress']) == 0


@torch.no_grad()
def _encode(encoder: torch.nn.Module, tiles: torch.Tensor, batches: int) -> None:
    for _ in range(batches):
        last_features(encoder, tiles).mean(dim=(2, 3))
