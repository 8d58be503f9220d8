"""Every YAML file under configs runs: as it is but for sizes and places, through the commands that users run."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from geo_noisy.datasets.vts.scenes import write_scenes
from geo_noisy.main import main
from geo_noisy.pairs import build_index, scan_rasters
from tests.data.cifar10 import write_parquet
from tests.data.regions import write_raster
from tests.data.xbd import write_tree

CONFIGS = Path(__file__).parents[1] / 'configs'
SWEEPS = sorted((CONFIGS / 'sweeps').glob('*.yaml'))
STAGES = sorted((CONFIGS / 'sweeps' / 'stages').glob('*.yaml'))
ADDED = sorted((CONFIGS / 'online').glob('*.yaml'))  # to another configuration, see tests/tasks/test_online_probe.py
RUNS = sorted(set(CONFIGS.rglob('*.yaml')) - {*SWEEPS, *STAGES, *ADDED})

SMALL: dict[str, dict[str, Any]] = {
    'VTSPairsDataModule': {'size_px': 64, 'cells': 4, 'train_count': 16, 'val_count': 8},
    'VTSSegmentationDataModule': {'size_px': 32, 'cells': 4, 'train_count': 16, 'val_count': 8, 'test_count': 8},
    'XBDPairsDataModule': {'root': 'xbd', 'cache_dir': 'cache', 'tile_px': 64},
    'XBDSegmentationDataModule': {'root': 'xbd', 'cache_dir': 'cache', 'tile_px': 64},
    'CIFAR10PairsDataModule': {'root': 'cifar10', 'train_count': 16, 'val_count': 8},
    'CIFAR10DataModule': {'root': 'cifar10', 'train_count': 16, 'val_count': 8, 'test_count': 8},
    'RegionSegmentationDataModule': {'index': 'region/pairs.parquet'},
    'TemporalPairsDataModule': {'index': 'region.parquet', 'length': 16, 'val_length': 8},
}
TRAINER = {'max_epochs': 1, 'limit_train_batches': 2, 'limit_val_batches': 1, 'limit_test_batches': 1}


def shrunk(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration made small."""
    data, model = config['data'], config['model']
    data['init_args'] |= SMALL[data['class_path'].rsplit('.', 1)[1]] | {'batch_size': 8, 'num_workers': 0}
    if data['class_path'].endswith('XBDSegmentationDataModule'):
        model['init_args']['cache_features'] = None  # or whole splits would be encoded
    if model['class_path'].endswith('MomentumContrast'):
        model['init_args'] |= {'queue_size': 16, 'batch_norm_splits': 2}
    config['trainer'] = config.get('trainer', {}) | TRAINER | {'accelerator': 'cpu', 'enable_progress_bar': False}
    return config


def make_data(config: dict[str, Any], folder: Path) -> None:
    """Write what the shrunk configuration reads."""
    kind = config['data']['class_path'].rsplit('.', 1)[1]
    if kind.startswith('XBD') and not (folder / 'xbd').exists():
        write_tree(folder / 'xbd')
    elif kind.startswith('CIFAR10') and not (folder / 'cifar10').exists():
        write_parquet(folder / 'cifar10')
    elif kind.startswith('RegionSegmentation') and not (folder / 'region').exists():
        write_scenes(folder / 'region' / 'images', scenes=12, dates=2, size_px=64, cells=8, noisy_share=1.0)
        index = build_index(scan_rasters([str(folder / 'region' / 'images')]), size_px=32)
        index = index.with_splits(shares=(0.5, 0.25, 0.25), block_px=64).with_statistics(windows=8)
        index.write(folder / 'region' / 'pairs.parquet')
    elif kind.startswith('TemporalPairs'):
        shape = (config['model']['init_args']['in_channels'], 128, 128)
        brightest = int(0.6 * config['data']['init_args'].get('scale', 255))
        for seed, date in enumerate(('20200601', '20210601', '20220601')):
            pixels = np.random.default_rng(seed).integers(1, brightest, shape, dtype=np.uint16)
            write_raster(folder / f'image_{date}.tif', pixels)
        index = build_index(scan_rasters([str(folder)]), size_px=16)
        index = index.with_splits(shares=(0.6, 0.4, 0.0), block_px=32).with_statistics(windows=8)
        index.write(folder / 'region.parquet')


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def name(path: Path) -> str:
    return str(path.relative_to(CONFIGS))


@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter")  # pytest has arguments too
@pytest.mark.parametrize('path', RUNS, ids=name)
def test_configuration_runs(path: Path, workplace: Path) -> None:
    config = shrunk(yaml.safe_load(path.read_text()))
    make_data(config, workplace)
    (workplace / 'small.yaml').write_text(yaml.safe_dump(config))
    assert main(['fit', '--config', 'small.yaml']) == 0
    checkpoints = list(workplace.rglob('*.ckpt'))
    assert len(checkpoints) == (1 if path.stem == 'probe' else 2)  # the best one, and where training can go on the last
    assert list(workplace.rglob('config.yaml'))
    if path.stem == 'probe':
        assert main(['test', '--config', 'small.yaml']) == 0
        logged = ''.join(table.read_text() for table in workplace.rglob('metrics.csv'))
        assert 'test_f1_macro' in logged
        assert ('test_xview2_score' in logged) == (path.parent.name == 'xbd')


def first_of_each_stage(grid: dict[str, Any]) -> list[dict[str, Any]]:
    """One cell for each pretraining stage, and one without, at the first value of each axis."""
    cells: dict[str | None, dict[str, Any]] = {}
    for cell in grid['cells']:
        axes = {key: values[:1] for key, values in cell.get('axes', {}).items()}
        seeds = {'seeds': grid['seeds'][:1]}
        if not cell.get('optional'):
            cells.setdefault(cell['pretrain'], cell | seeds | ({'axes': axes} if axes else {}))
    return list(cells.values())


@pytest.mark.parametrize('path', SWEEPS, ids=name)
def test_sweep_runs_each_of_its_stages(path: Path, workplace: Path) -> None:
    grid = yaml.safe_load(path.read_text())
    grid['pretrain'] = {key: shrunk(stage(path, value)) for key, value in grid['pretrain'].items()}
    grid['probe'] = shrunk(stage(path, grid['probe']))
    for config in (*grid['pretrain'].values(), grid['probe']):
        make_data(config, workplace)
    sizes = {key for key in grid['shared'] if key.startswith('data.') or key.endswith('max_epochs')}
    grid['shared'] = {key: value for key, value in grid['shared'].items() if key not in sizes}
    grid['shared'] |= {'model.init_args.model': 'tu-test_resnet', 'trainer.logger': False}
    grid |= {'cells': first_of_each_stage(grid), 'compare': [], 'primary': [], 'pieces': [1]}
    (workplace / 'grid.yaml').write_text(yaml.safe_dump(grid))
    assert main(['sweep', 'grid.yaml', '--output', 'runs']) == 0
    rows = pd.read_csv(workplace / 'runs' / 'results.csv')
    assert len(rows) == len(grid['cells'])
    assert rows['error'].isna().all()


def stage(path: Path, value: str | dict[str, Any]) -> dict[str, Any]:
    """A stage of a grid, wherever it stands."""
    return yaml.safe_load((path.parent / value).read_text()) if isinstance(value, str) else dict(value)


@pytest.mark.parametrize('path', [*RUNS, *SWEEPS, *ADDED], ids=name)
def test_configuration_says_what_it_costs_and_shows(path: Path) -> None:
    words = ['Costs:', 'Shows:', 'Run:']
    words += ['From the paper', 'Chosen by us'] if path.parent.name in ('vts', 'xbd') else []
    head = path.read_text().split('\nseed')[0].split('\ntrainer')[0]
    assert [word for word in words if word not in head] == []


def test_every_stage_file_belongs_to_a_sweep() -> None:
    grids = [yaml.safe_load(path.read_text()) for path in SWEEPS]
    named = {value for grid in grids for value in (*grid['pretrain'].values(), grid['probe']) if isinstance(value, str)}
    assert {f'stages/{path.name}' for path in STAGES} <= named
