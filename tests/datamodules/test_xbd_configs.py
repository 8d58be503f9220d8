"""Every configuration of xBD runs: a step of training, and for the probe a test."""

from pathlib import Path

import pytest
import yaml

from geo_noisy.main import main
from tests.data.xbd import write_tree

CONFIGS = Path(__file__).parents[2] / 'configs' / 'xbd'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp('xbd'))


def small(name, root, folder):
    """A configuration of ours, made small: the same file but for sizes and places."""
    config = yaml.safe_load((CONFIGS / f'{name}.yaml').read_text())
    config['data']['init_args'] |= {
        'root': str(root),
        'cache_dir': str(folder / 'cache'),
        'tile_px': 64,
        'batch_size': 4,
        'eval_batch_size': 4,
        'num_workers': 0,
    }
    limits = {'limit_train_batches': 2, 'limit_val_batches': 1, 'limit_test_batches': 2}
    config['trainer'] |= {'max_epochs': 1, 'accelerator': 'cpu', 'enable_progress_bar': False, **limits}
    config['trainer']['logger']['init_args']['save_dir'] = str(folder / 'runs')
    if name == 'moco':
        config['model']['init_args'] |= {'queue_size': 8, 'batch_norm_splits': 2}
    if name == 'probe':
        config['model']['init_args']['cache_features'] = None
    path = folder / f'{name}.yaml'
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.mark.filterwarnings('ignore')  # Lightning's advice on loaders and loggers
@pytest.mark.parametrize('name', ['moco', 'within_image', 'cross_image', 'probe'])
def test_configuration_runs(name, root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = small(name, root, tmp_path)
    assert main(['fit', '--config', str(path)]) == 0
    assert list(tmp_path.glob('runs/**/*.ckpt'))
    if name == 'probe':
        assert main(['test', '--config', str(path)]) == 0
        logged = '\n'.join(table.read_text() for table in tmp_path.glob('runs/**/metrics.csv'))
        assert 'test_xview2_score' in logged
        assert 'test_f1_macro_buildings' in logged


def test_there_are_no_others():
    names = {path.stem for path in CONFIGS.glob('*.yaml')}
    assert names == {'moco', 'within_image', 'cross_image', 'probe'}


@pytest.mark.parametrize('name', ['moco', 'within_image', 'cross_image', 'probe'])
def test_configuration_says_what_it_costs_and_shows(name):
    lines = (CONFIGS / f'{name}.yaml').read_text().split('seed_everything')[0]
    assert all(word in lines for word in ('Costs:', 'Shows:', 'Run:', 'Paper:', 'From the paper', 'Chosen by us'))
