"""Pictures of a training show what it does, and change nothing."""

import random
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import IMAGES, EventAccumulator
from torch import Tensor

from geo_noisy.main import main
from geo_noisy.tasks import DenseContrast, MomentumContrast, SegmentationProbe, TrainingPictures
from geo_noisy.tasks.training_figures import draw_curves, draw_neighbours, draw_views, first_of_each
from tests.data.figures import outlined
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer
from tests.test_configs import shrunk

pytestmark = [
    pytest.mark.filterwarnings('ignore::UserWarning'),  # of small queues and small runs
    pytest.mark.filterwarnings("ignore:LightningCLI's args parameter"),
]

VTS = Path(__file__).parents[2] / 'configs' / 'vts'


def task(kind: type = MomentumContrast) -> Any:
    pl.seed_everything(0, verbose=False)
    small = {'queue_size': 16, 'projection_dim': 8} if kind is MomentumContrast else {}
    return kind(model='tu-test_resnet', lr=0.01, **small)


def fit(folder: Path, *callbacks: pl.Callback, kind: type = MomentumContrast, **changes: Any) -> Any:
    ckpt = changes.pop('ckpt', None)
    run = trainer(folder, callbacks=list(callbacks), log_every_n_steps=1, **{'max_epochs': 2, **changes})
    run.fit(task(kind), pairs_datamodule(), ckpt_path=ckpt)
    return run


def written(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob('*.png')}


@pytest.mark.parametrize(('kind', 'validate'), [(MomentumContrast, True), (DenseContrast, False)])
def test_training_is_the_same_bit_for_bit(tmp_path: Path, kind: type, validate: bool) -> None:
    limits = {} if validate else {'limit_val_batches': 0}
    alone = fit(tmp_path, kind=kind, **limits)
    after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    shown = fit(tmp_path, TrainingPictures(every_n_epochs=1), kind=kind, **limits)
    states = alone.lightning_module.state_dict(), shown.lightning_module.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])  # batch norm statistics, too
    assert torch.equal(after[0], torch.get_rng_state())
    assert after[1] == random.getstate()
    assert after[2] == np.random.get_state()[1].tolist()  # noqa: NPY002
    assert written(tmp_path) == {'views.png', 'curves.png', *(f'neighbours_step_{step}.png' for step in (0, 4, 8))}


@pytest.mark.parametrize(
    ('options', 'files'),
    [
        ({'show': []}, set()),
        ({'show': ['views']}, {'views.png'}),
        ({'show': ['curves']}, {'curves.png'}),
        ({'show': ['neighbours']}, {'neighbours_step_0.png', 'neighbours_step_4.png'}),
        ({'show': ['neighbours'], 'limit_val_batches': 0}, {'neighbours_step_0.png', 'neighbours_step_4.png'}),
        ({'fast_dev_run': 1}, set()),
    ],
)
def test_what_is_shown(tmp_path: Path, options: dict[str, Any], files: set[str]) -> None:
    pictures = TrainingPictures(**{name: options.pop(name) for name in ('show',) if name in options})
    fit(tmp_path, pictures, max_epochs=1, **options)
    assert written(tmp_path) == files


def test_curves_are_what_was_logged_and_go_on_after_a_stop(tmp_path: Path) -> None:
    saved = pl.callbacks.ModelCheckpoint(tmp_path, filename='{epoch}', save_top_k=-1)
    whole = TrainingPictures(show=['curves'])
    run = fit(tmp_path / 'whole', whole, saved, enable_checkpointing=True)
    assert [step for step, _ in whole.history['train_loss']] == list(range(1, 9))
    assert [step for step, _ in whole.history['val_rank']] == [4, 8]
    assert whole.history['val_rank'][-1][1] == float(run.callback_metrics['val_rank'])
    resumed = TrainingPictures(show=['curves'])
    fit(tmp_path / 'resumed', resumed, ckpt=str(tmp_path / 'epoch=0.ckpt'))
    assert resumed.history == whole.history
    figure = draw_curves(whole.history)
    assert [axis.get_title() for axis in figure.axes][:2] == ['loss', 'val_spread']
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [8, 2]  # type: ignore[arg-type]


def test_a_run_that_fails_leaves_its_curves(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        fit(tmp_path, TrainingPictures(), Stop())
    assert 'curves.png' in written(tmp_path)


class Stop(pl.Callback):
    """Fails in the second epoch."""

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.current_epoch:
            raise KeyError


def test_rows_pairs_and_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, 'savefig', lambda self, *a, **k: (sizes.append(tiles(self)), save(self, *a, **k)))
    fit(tmp_path, TrainingPictures(rows=2, pairs=4, neighbours=2), max_epochs=1)
    assert sizes == [2 * (2 + 2), 2 * 4, 2 * (2 + 2), 0]
    sizes.clear()
    fit(tmp_path, TrainingPictures(show=['neighbours'], rows=2, pairs=3, neighbours=5), max_epochs=1)
    assert sizes == [2 * (2 + 2)] * 2  # there are but two others


def tiles(figure: Figure) -> int:
    return sum(len(axis.images) for axis in figure.axes)


def pairs(images: int) -> dict[str, Tensor]:
    image = torch.arange(images * 2).float().view(images, 2, 1, 1, 1).expand(-1, -1, 3, 8, 8)
    return {'image': image, 'place': torch.arange(images) // 2}


def test_neighbours_are_the_nearest_of_other_ground() -> None:
    angle = torch.tensor([[0.0, 0.5], [0.0, 0.1], [0.0, 0.3], [0.0, 0.2]])  # earlier and later date of four pairs
    both = pairs(4) | {'place': torch.tensor([0, 0, 1, 2])}
    figure = draw_neighbours(
        both, torch.stack([angle.cos(), angle.sin()], dim=2), queries=1, neighbours=3, title='Near'
    )
    (axis,) = figure.axes
    shown = [float(image.get_array().mean()) for image in axis.images]  # type: ignore[union-attr]
    assert shown == pytest.approx([value / 7 for value in (0, 1, 7, 5)])  # pair 3, then 2; pair 1 is of the same place
    texts = {text.get_text() for text in axis.texts}
    assert 'its later image\nis number 4 of 4' in texts
    assert {'cosine 0.88', '0.98', '0.96'} <= texts
    assert first_of_each([4, 2, 0, 3, 1], [7, 8, 9, 8, 9], but=7) == [4, 3]


def test_views_stand_in_the_stretch_of_their_pair() -> None:
    change = torch.zeros(1, 8, 8, dtype=torch.uint8)
    change[0, :4] = 1
    image = torch.linspace(0, 1, 128).view(1, 2, 1, 8, 8)
    batch = {
        'image': image, 'change': change, 'noise': torch.tensor([0.5]), 'noisy': torch.tensor([1]),
        'exposure': torch.tensor([False]),
    }  # fmt: skip
    view = {'image': torch.full((1, 1, 4, 4), 0.5), 'change': change[:, ::2, ::2]}
    figure = draw_views(batch, view, view, most=3)
    (axis,) = figure.axes
    assert [round(float(image.get_array().mean()), 2) for image in axis.images][2:] == [0.5, 0.5]  # type: ignore[union-attr]
    assert [round(bottom - top, 2) for _, top, _, bottom in outlined(axis)] == [0.5] * 4
    assert 'noisy\nnoise 0.500' in {text.get_text() for text in axis.texts}


def test_tensorboard_takes_them(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, name='', version='')
    fit(tmp_path, TrainingPictures(), max_epochs=1, logger=logger)
    events = EventAccumulator(str(tmp_path), size_guidance={IMAGES: 0}).Reload()
    assert set(events.Tags()['images']) == {'views', 'neighbours', 'curves'}
    assert [event.step for event in events.Images('neighbours')] == [0, 4]


def test_every_pretraining_has_them_unless_its_config_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ('within_image', 'probe'):
        config = shrunk(yaml.safe_load((VTS / f'{name}.yaml').read_text()))
        config['model']['init_args']['model'] = 'tu-test_resnet'
        (tmp_path / f'{name}.yaml').write_text(yaml.safe_dump(config))
    assert main(['fit', '--config', 'within_image.yaml']) == 0
    assert written(tmp_path) >= {'views.png', 'curves.png', 'neighbours_step_0.png'}
    saved = yaml.safe_load(next(tmp_path.glob('runs/*/version_0/config.yaml')).read_text())
    assert 'geo_noisy.tasks.TrainingPictures' in str(saved['trainer']['callbacks'])
    before = written(tmp_path)
    off = ['--trainer.callbacks+=geo_noisy.tasks.TrainingPictures', '--trainer.callbacks.show=[]']
    assert main(['fit', '--config', 'within_image.yaml', '--trainer.logger.init_args.name=off', *off]) == 0
    assert main(['fit', '--config', 'probe.yaml']) == 0
    assert written(tmp_path) == before
    assert not written(tmp_path / 'runs' / 'off')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'show': ['view']}, "holds 'view'; choose from views, neighbours, curves"),
        ({'rows': 0}, 'rows of TrainingPictures is 0; it must be at least 1'),
        ({'pairs': 1}, 'pairs of TrainingPictures is 1; it must be at least 2'),
        ({'neighbours': 0}, 'neighbours of TrainingPictures is 0'),
        ({'every_n_epochs': 0}, 'every_n_epochs of TrainingPictures is 0'),
    ],
)
def test_wrong_arguments_are_told(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TrainingPictures(**arguments)


def test_a_probe_is_no_pretraining(tmp_path: Path) -> None:
    probe = SegmentationProbe(model='tu-test_resnet', classes=['a', 'b', 'c'])
    with pytest.raises(TypeError, match='shows pretraining on pairs, not SegmentationProbe'):
        trainer(tmp_path, callbacks=[TrainingPictures()]).fit(probe, segmentation_datamodule())
