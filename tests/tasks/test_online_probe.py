"""The online probe watches, and changes nothing."""

import random
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringModel

from geo_noisy.datamodules import CIFAR10DataModule, RegionSegmentationDataModule, XBDSegmentationDataModule
from geo_noisy.main import main
from geo_noisy.regions import RegionLabels
from geo_noisy.tasks import ClassificationProbe, DenseContrast, MomentumContrast, OnlineProbe, SegmentationProbe
from geo_noisy.tasks.cells import labelled_features, some
from tests.data.cifar10 import write_parquet
from tests.data.labels import outlines, truth, write_region
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer
from tests.data.xbd import write_tree

pytestmark = pytest.mark.filterwarnings('ignore::UserWarning')  # of small queues and small runs

WITHOUT_LABELS = {'effective_rank', 'rank', 'alignment', 'uniformity'}
WITH_LABELS = {'linear_f1', 'knn_f1'}


def task(kind: type = MomentumContrast, **changes: Any) -> Any:
    pl.seed_everything(0, verbose=False)
    small = {'queue_size': 16, 'projection_dim': 8} if kind is MomentumContrast else {}
    return kind(**{'model': 'tu-test_resnet', 'lr': 0.01, **small, **changes})


def probe(**changes: Any) -> OnlineProbe:
    options = {'train_samples': 12, 'val_samples': 8, 'pairs': 12, 'batch_size': 5}
    return OnlineProbe(**{'data': segmentation_datamodule(), **options, **changes})


def fit(
    folder: Path, *callbacks: pl.Callback, kind: type = MomentumContrast, ckpt: str | None = None, **changes: Any
) -> Any:
    model = task(kind)
    run = trainer(folder, callbacks=list(callbacks), **{'max_epochs': 2, **changes})
    run.fit(model, pairs_datamodule(), ckpt_path=ckpt)
    return run


@pytest.mark.parametrize(('kind', 'validate'), [(MomentumContrast, True), (DenseContrast, False)])
def test_training_is_the_same_bit_for_bit(tmp_path: Path, kind: type, validate: bool) -> None:
    limits = {} if validate else {'limit_val_batches': 0}
    watch = probe()
    alone = fit(tmp_path, kind=kind, **limits)
    after = torch.get_rng_state(), random.getstate()
    watched = fit(tmp_path, watch, kind=kind, **limits)
    states = alone.lightning_module.state_dict(), watched.lightning_module.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])  # batch norm statistics, too
    assert torch.equal(after[0], torch.get_rng_state())
    assert after[1] == random.getstate()
    assert [row['epoch'] for row in watch.history] == [0, 1, 2]
    assert [module.training for module in watched.lightning_module.modules()] == [
        module.training for module in alone.lightning_module.modules()
    ]


def test_what_is_measured_logged_and_written(tmp_path: Path) -> None:
    watch = probe()
    run = fit(tmp_path, watch)
    names = WITH_LABELS | WITHOUT_LABELS
    assert all(names <= row.keys() for row in watch.history)
    assert all(np.isfinite([row[name] for name in names]).all() for row in watch.history)
    assert {f'online_{name}' for name in (*names, 'seconds')} <= run.callback_metrics.keys()
    assert float(run.callback_metrics['online_linear_f1']) == pytest.approx(watch.history[-1]['linear_f1'])
    assert [row['step'] for row in watch.history] == [0, 4, 8]
    table = pd.read_csv(tmp_path / 'online_probe.csv')
    assert table['rank'].tolist() == pytest.approx([row['rank'] for row in watch.history])
    assert (tmp_path / 'online_probe.png').read_bytes().startswith(b'\x89PNG')
    assert watch.history[0]['rank'] != watch.history[-1]['rank']
    assert watch.history[0]['linear_f1'] != watch.history[-1]['linear_f1']


def test_every_n_epochs(tmp_path: Path) -> None:
    watch = probe(every_n_epochs=2, data=None)
    run = fit(tmp_path, watch, max_epochs=5, val_check_interval=0.5)
    assert [row['epoch'] for row in watch.history] == [0, 2, 4]
    assert not WITH_LABELS & watch.history[0].keys()
    assert watch.history[1]['step'] == 8  # at the end of an epoch, not at its first validation
    assert 'online_rank' in run.callback_metrics


def test_without_pairs(tmp_path: Path) -> None:
    watch = probe(pairs=0)
    fit(tmp_path, watch, max_epochs=1)
    assert not WITHOUT_LABELS & watch.history[0].keys()


def test_a_resumed_run_goes_on_with_its_history(tmp_path: Path) -> None:
    whole = probe()
    fit(tmp_path / 'whole', whole, max_epochs=2)
    saved = pl.callbacks.ModelCheckpoint(tmp_path, filename='{epoch}', save_top_k=-1)
    fit(tmp_path / 'first', probe(), saved, max_epochs=2, enable_checkpointing=True)
    resumed = probe()
    fit(tmp_path / 'second', resumed, max_epochs=2, ckpt=str(tmp_path / 'epoch=0.ckpt'))
    for row, other in zip(whole.history, resumed.history, strict=True):
        assert {name: value for name, value in row.items() if name != 'seconds'} == {
            name: value for name, value in other.items() if name != 'seconds'
        }
    assert len(pd.read_csv(tmp_path / 'second' / 'online_probe.csv')) == 3


class BeforeTraining(pl.Callback):
    """Lets several probes look at the same random encoder."""

    def __init__(self, *probes: OnlineProbe) -> None:
        self.probes = probes

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for each in self.probes:
            each.on_fit_start(trainer, pl_module)
            each.on_train_start(trainer, pl_module)


def test_numbers_act(tmp_path: Path) -> None:
    numbers = [
        ({'train_samples': 6}, 'linear_f1'),
        ({'val_samples': 3}, 'linear_f1'),
        ({'cells': 5}, 'linear_f1'),
        ({'neighbours': 1}, 'knn_f1'),
        ({'pairs': 6}, 'uniformity'),
        ({'seed': 5}, 'linear_f1'),
    ]
    base, by_one, *others = (probe(**changes) for changes in ({}, {'batch_size': 1}, *(each for each, _ in numbers)))
    fit(tmp_path, BeforeTraining(base, by_one, *others), max_epochs=1, limit_train_batches=1, limit_val_batches=0)
    for other, (changes, name) in zip(others, numbers, strict=True):
        assert other.history[0][name] != base.history[0][name], changes
    assert by_one.history[0]['rank'] == pytest.approx(base.history[0]['rank'], abs=1e-4)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'every_n_epochs': 0}, 'every_n_epochs of OnlineProbe is 0; it must be at least 1'),
        ({'cells': 0}, 'cells of OnlineProbe is 0'),
        ({'pairs': -1}, 'pairs of OnlineProbe is -1; it must be at least 0'),
        ({'data': None, 'pairs': 1}, 'neither data with labels nor pairs'),
    ],
)
def test_bad_numbers(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        probe(**changes)


def test_other_tasks_and_other_bands_are_told(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match='not at BoringModel'):
        probe().on_fit_start(trainer(tmp_path), BoringModel())
    run = trainer(tmp_path, callbacks=[probe()])
    with pytest.raises(ValueError, match='have 3 bands, but the encoder takes 4'):
        run.fit(task(in_channels=4, band_mean=[0.5] * 4, band_std=[0.2] * 4), pairs_datamodule())


def others(kind: str, folder: Path) -> Any:
    if kind == 'xbd':
        write_tree(folder / 'xbd')
        return XBDSegmentationDataModule(folder / 'xbd', cache_dir=folder / 'cache', tile_px=64, progress=False)
    if kind == 'cifar10':
        write_parquet(folder / 'cifar10')
        return CIFAR10DataModule(root=folder / 'cifar10', train_count=16, val_count=8)
    write_region(folder, truth())
    outlines(truth(), ('water', 'forest', 'town')).to_file(folder / 'labels.gpkg')
    labels = RegionLabels(str(folder / 'labels.gpkg'), class_column='cover')
    return RegionSegmentationDataModule(str(folder / 'pairs.parquet'), labels)


@pytest.mark.parametrize(('kind', 'classes'), [('xbd', 5), ('cifar10', 10), ('region', 3)])
def test_other_labels(tmp_path: Path, kind: str, classes: int) -> None:
    watch = probe(data=others(kind, tmp_path), pairs=0)
    fit(tmp_path, watch, max_epochs=1)
    assert watch.classes == classes
    assert [0 <= row[name] <= 1 for row in watch.history for name in WITH_LABELS] == [True] * 4


@pytest.mark.parametrize('kind', [SegmentationProbe, ClassificationProbe])
def test_a_first_look_beside_a_probe(tmp_path: Path, kind: type) -> None:
    """A frozen encoder is measured once, on the data of the run; the probe is the same with it and without."""
    seg = kind is SegmentationProbe
    states = []
    for callbacks in ([], [OnlineProbe(train_samples=12, val_samples=8)]):
        pl.seed_everything(0, verbose=False)
        classes = [str(number) for number in range(3 if seg else 10)]
        model = kind(model='tu-test_resnet', classes=classes, cache_features='memory')
        data = segmentation_datamodule() if seg else others('cifar10', tmp_path)
        trainer(tmp_path, callbacks=callbacks, max_epochs=2).fit(model, data)
        states.append(model.state_dict())
    assert [row['epoch'] for row in callbacks[0].history] == [0]
    assert callbacks[0].history[0].keys() >= WITH_LABELS
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_cells_are_of_the_class_of_most_of_their_pixels() -> None:
    mask = torch.full((1, 4, 4), 255)
    mask[0, :2, :2] = torch.tensor([[1, 1], [2, 1]])
    mask[0, 2:, 2:] = torch.tensor([[0, 255], [255, 255]])
    maps = torch.arange(4.0).view(1, 1, 2, 2)
    features, labels = labelled_features(maps, mask)
    assert features.tolist() == [[0.0], [3.0]]
    assert labels.tolist() == [1, 0]
    features, labels = labelled_features(maps.expand(2, 1, 2, 2), torch.tensor([7, 255]))
    assert (features.tolist(), labels.tolist()) == ([[1.5]], [7])
    features, labels = some(torch.arange(9.0)[:, None], torch.arange(9), most=3, seed=0)
    assert features[:, 0].tolist() == labels.tolist()
    assert len(labels) == 3


def test_from_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    configs = Path(__file__).parents[2] / 'configs'
    words = ['fit', '--config', str(configs / 'vts' / 'moco.yaml'), '--config', str(configs / 'online' / 'vts.yaml')]
    words += ['--trainer.max_epochs=1', '--trainer.limit_train_batches=1', '--trainer.limit_val_batches=1']
    words += ['--trainer.accelerator=cpu', '--trainer.enable_progress_bar=false', '--model.init_args.queue_size=16']
    small = ('size_px=32', 'cells=4', 'train_count=16', 'val_count=8')
    words += [f'--data.init_args.{name}' for name in small]
    words += [
        '--data.init_args.batch_size=8',
        '--data.init_args.num_workers=0',
        '--model.init_args.batch_norm_splits=2',
    ]
    words += ['--model.init_args.model=tu-test_resnet']
    watched = ('train_samples=8', 'val_samples=4', *(f'data.init_args.{name}' for name in small))
    words += [f'--trainer.callbacks.init_args.{name}' for name in watched]
    assert main(words) == 0
    (figure,) = tmp_path.rglob('online_probe.png')
    assert figure.with_name('metrics.csv').exists()
    assert 'online_linear_f1' in figure.with_name('metrics.csv').read_text()
    assert list(tmp_path.rglob('*.ckpt'))  # the callbacks of the first configuration are still there
