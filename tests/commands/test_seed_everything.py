"""``--seed_everything`` alone moves all that is random about a run: weights, order, views and roles."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from geo_noisy.main import main
from tests.test_configs import CONFIGS, shrunk


def checkpoint(folder: Path, *options: str) -> dict[str, Any]:
    """What one step of the shipped configuration leaves."""
    config = shrunk(yaml.safe_load((CONFIGS / 'vts' / 'within_image.yaml').read_text()))
    config['trainer'] |= {'limit_train_batches': 1, 'logger': False, 'default_root_dir': str(folder)}
    folder.mkdir()
    (folder / 'config.yaml').write_text(yaml.safe_dump(config))
    assert main(['fit', '--config', str(folder / 'config.yaml'), *options]) == 0
    state: dict[str, Any] = torch.load(next(folder.rglob('last.ckpt')), weights_only=True)
    return state


@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter")
def test_weights_and_data_follow(tmp_path: Path) -> None:
    first = checkpoint(tmp_path / 'a')
    runs = {
        'again': checkpoint(tmp_path / 'b'),
        'other': checkpoint(tmp_path / 'c', '--seed_everything=5'),
        'pinned': checkpoint(tmp_path / 'd', '--seed_everything=5', '--data.init_args.seed=0'),
    }
    name = 'VTSPairsDataModule'
    seeds = {run: state[name]['settings']['seed'] for run, state in (runs | {'first': first}).items()}
    assert seeds == {'first': 0, 'again': 0, 'other': 5, 'pinned': 0}
    weight = next(key for key in first['state_dict'] if key.endswith('conv1.weight'))
    same = {run: torch.equal(state['state_dict'][weight], first['state_dict'][weight]) for run, state in runs.items()}
    assert same == {'again': True, 'other': False, 'pinned': False}
