"""A small region of synthetic scenes, and an encoder pretrained on it in half a minute."""

from pathlib import Path
from typing import Any, NamedTuple

import lightning.pytorch as pl
import torch
from torch import Tensor

from geo_noisy.datamodules.temporal import TemporalPairsDataModule
from geo_noisy.datasets.vts.scenes import POLYGONS, Scene, write_scenes
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.regions.build import build_index
from geo_noisy.regions.files.scan import scan_rasters
from geo_noisy.regions.noise.polygons import change_polygons
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.tasks.ground_contrast import GroundContrast
from geo_noisy.tasks.online_probe import frozen, task_features
from geo_noisy.transforms.views import VTSViews

SIZE_PX = 64
BATCH = 16


class ExampleRegion(NamedTuple):
    """Scenes at three dates, half of them with an event, and their pairs."""

    scenes: list[Scene]
    pairs: PairIndex
    polygons: Path


def make_region(folder: Path, *, seed: int) -> ExampleRegion:
    """Write scenes and index them with splits, noise and band statistics."""
    images = folder / 'images'
    scenes = write_scenes(images, scenes=8, seed=seed)
    index = build_index(scan_rasters([images]), size_px=SIZE_PX)
    index = index.with_noise(change_polygons(images / POLYGONS, event_column='event'))
    index = index.with_splits(shares=(0.6, 0.2, 0.2), block_px=2 * SIZE_PX, seed=seed).with_statistics()
    index.write(folder / 'pairs.parquet')
    return ExampleRegion(scenes, index, images / POLYGONS)


def pairs_of(folder: Path, *, seed: int) -> TemporalPairsDataModule:
    """The region's pairs, half of the loads noisy."""
    data = TemporalPairsDataModule(
        index=str(folder / 'pairs.parquet'),
        batch_size=BATCH,
        num_workers=0,
        policy=PairPolicy(rate=0.5, match='draw'),
        seed=seed,
    )
    data.setup('fit')
    return data


def pretrain(data: TemporalPairsDataModule, folder: Path, *, steps: int, seed: int) -> tuple[GroundContrast, Path]:
    """Pretrain by contrast of the same ground, without a label; returns the task and its checkpoint."""
    torch.manual_seed(seed)
    task = GroundContrast(
        model='tu-test_resnet',
        output_stride=8,
        optimizer='adamw',
        lr=0.003,
        warmup_steps=max(1, steps // 8),
        views=VTSViews(size_px=40, crop=(0.3, 0.7)),
    )
    silent: dict[str, Any] = dict.fromkeys(
        ('logger', 'enable_checkpointing', 'enable_model_summary', 'enable_progress_bar'), False
    )
    trainer = pl.Trainer(
        max_steps=steps, accelerator='cpu', default_root_dir=folder, limit_val_batches=0, log_every_n_steps=1, **silent
    )
    trainer.fit(task, datamodule=data)
    path = folder / 'encoder.ckpt'
    trainer.save_checkpoint(path)
    return task, path


def pooled_features(task: GroundContrast, image: Tensor, scale: float) -> Tensor:
    """Pooled features of both dates of pairs [N, 2, C, H, W] in sensor units, [N, 2, D]."""
    with frozen(task):
        maps = task_features(task, image.flatten(0, 1).float() / scale)
    return maps.mean(dim=(2, 3)).view(len(image), 2, -1)
