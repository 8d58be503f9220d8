"""TorchGeo's own tasks and command line work with ours."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torchgeo.tasks import BYOL, MoCo, SemanticSegmentation, SimCLR

import geo_noisy
from geo_noisy.main import main
from geo_noisy.tasks import DenseContrast, MomentumContrast
from tests.data.vts import pairs_datamodule, trainer

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize('make', [lambda: MomentumContrast(queue_size=8), lambda: DenseContrast(output_stride=8)])
def test_torchgeo_reads_our_checkpoints(make: Any, tmp_path: Path) -> None:
    task = make()
    run = trainer(tmp_path)
    run.fit(task, pairs_datamodule())
    path = tmp_path / 'ours.ckpt'
    run.save_checkpoint(path)
    theirs = SemanticSegmentation(model='unet', backbone='resnet18', weights=str(path), num_classes=3)
    ours, read = task.model.state_dict(), theirs.model.encoder.state_dict()
    assert ours.keys() == read.keys()
    assert all(torch.equal(ours[key], read[key]) for key in ours)


TASKS = {
    'moco': lambda: MoCo(model='resnet18', version=2, layers=2, size=32, memory_bank_size=16, temperature=0.2),
    'simclr': lambda: SimCLR(model='resnet18', layers=2, size=32, memory_bank_size=0),
    'byol': lambda: BYOL(model='resnet18'),
}


@pytest.mark.filterwarnings('ignore')  # TorchGeo's and timm's own
@pytest.mark.parametrize('name', TASKS)
def test_torchgeo_trains_on_our_pairs_and_we_read_what_it_keeps(name: str, tmp_path: Path) -> None:
    task = TASKS[name]()
    run = trainer(tmp_path, limit_val_batches=0)
    run.fit(task, pairs_datamodule(stack_dates=True))
    assert run.global_step == 4
    assert torch.isfinite(run.callback_metrics['train_loss'])
    run.save_checkpoint(tmp_path / 'theirs.ckpt')
    encoder = geo_noisy.load_encoder(tmp_path / 'theirs.ckpt')
    theirs = task.model.backbone.model if name == 'byol' else task.backbone
    read = encoder.encoder.state_dict()
    assert all(torch.equal(read[key], value) for key, value in theirs.state_dict().items() if key in read)
    assert len(read.keys() & theirs.state_dict().keys()) == len(read)
    assert encoder.band_mean is None


@pytest.mark.filterwarnings('ignore')  # TorchGeo's and timm's own
def test_we_read_a_segmentation_of_torchgeo(tmp_path: Path) -> None:
    theirs = SemanticSegmentation(model='unet', backbone='resnet34', in_channels=4, num_classes=3)
    run = trainer(tmp_path)
    run.strategy.connect(theirs)
    run.save_checkpoint(tmp_path / 'theirs.ckpt')
    encoder = geo_noisy.load_encoder(tmp_path / 'theirs.ckpt')
    assert (encoder.name, encoder.in_channels) == ('resnet34', 4)
    expected = theirs.model.encoder.state_dict()
    assert all(torch.equal(expected[key], value) for key, value in encoder.encoder.state_dict().items())


def small(file: str, folder: Path, stage: str) -> Path:
    """A config of ours, made small: the same file but for sizes."""
    config = yaml.safe_load((ROOT / 'configs' / 'vts' / file).read_text())
    arguments = config['data']['init_args']
    arguments |= {'size_px': 32, 'cells': 4, 'num_workers': 0, 'batch_size': 8}
    counts = {'train_count': 16, 'val_count': 8} | ({'test_count': 8} if stage == 'probe' else {})
    arguments |= counts
    if stage == 'moco':
        config['model']['init_args'] |= {'queue_size': 16, 'batch_norm_splits': 2}
    config['trainer'] |= {'max_epochs': 1, 'accelerator': 'cpu', 'enable_progress_bar': False}
    config['trainer']['logger']['init_args']['save_dir'] = str(folder / 'runs')
    path = folder / file
    path.write_text(yaml.safe_dump(config))
    return path


cli_arguments = pytest.mark.filterwarnings("ignore:LightningCLI's args parameter")  # pytest has arguments too


@cli_arguments
def test_probe_config_runs_and_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = str(small('probe.yaml', tmp_path, 'probe'))
    assert main(['fit', '--config', config]) == 0
    (best,) = tmp_path.rglob('*.ckpt')
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', message='The dirpath has changed')  # each run has a folder of its own
        assert main(['test', '--config', config, f'--ckpt_path={best}']) == 0
        assert main(['validate', '--config', config, f'--ckpt_path={best}']) == 0
        assert main(['predict', '--config', config, f'--ckpt_path={best}']) == 0
    assert 'PredictionWriter' in capsys.readouterr().err


@pytest.mark.slow
def test_torchgeo_runs_our_file_from_another_folder(tmp_path: Path) -> None:
    config = small('moco.yaml', tmp_path, 'moco')
    torchgeo = Path(sys.executable).parent / 'torchgeo'
    (tmp_path / 'elsewhere').mkdir()
    words = [str(torchgeo), 'fit', '--config', str(config)]
    done = subprocess.run(words, cwd=tmp_path / 'elsewhere', capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(tmp_path.rglob('last.ckpt'))
