"""Grids of seconds for tests."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SWEEPS = sorted((ROOT / 'configs' / 'sweeps').glob('*.yaml'))
SMOKE = ROOT / 'configs' / 'sweeps' / 'smoke.yaml'
TWO_LOSSES = Path(__file__).with_name('two_losses.yaml')


def tiny_grid(folder: Path, **changes: Any) -> Path:
    """A grid of two losses, cut down to seconds."""
    grid = yaml.safe_load(TWO_LOSSES.read_text())
    grid['seeds'] = [0, 1]
    grid['shared'] |= {'data.init_args.train_count': 32, 'data.init_args.val_count': 16, 'trainer.max_epochs': 1}
    grid['shared'] |= {'data.init_args.size_px': 16, 'data.init_args.batch_size': 8}
    grid['shared'] |= {'model.init_args.model': 'tu-test_resnet'}
    grid['pretrain']['moco']['model']['init_args']['queue_size'] = 16
    grid['probe']['data']['init_args']['test_count'] = 16
    grid |= changes
    path = folder / 'grid.yaml'
    path.write_text(yaml.safe_dump(grid))
    return path
