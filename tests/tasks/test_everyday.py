"""Options that people set every day, and data that is not as ours: they work, or one line says why not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch.tuner import Tuner
from torch.utils.data import Dataset

from geo_noisy.datamodules import LabelledDataModule
from geo_noisy.tasks import ClassificationProbe, DenseContrast, MomentumContrast, SegmentationProbe
from geo_noisy.tasks.features import target_dtype
from geo_noisy.transforms import RandomAffine, Views
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer

CLASSES = ('first', 'second', 'noise')
TASKS = {
    'moco': lambda: MomentumContrast(queue_size=16),
    'within': lambda: DenseContrast(output_stride=8),
    'cross': lambda: DenseContrast(output_stride=8, loss='cross'),
}


@pytest.mark.parametrize('name', TASKS)
def test_bf16_true(name: str, tmp_path: Path) -> None:
    model = TASKS[name]()
    run = trainer(tmp_path, precision='bf16-true')
    run.fit(model, pairs_datamodule())
    assert model.model.conv1.weight.dtype == torch.bfloat16
    assert torch.isfinite(run.callback_metrics['val_loss'])


def test_finding_a_learning_rate(tmp_path: Path) -> None:
    model = TASKS['moco']()
    run = trainer(tmp_path, enable_checkpointing=True, max_epochs=100)
    found = Tuner(run).lr_find(model, datamodule=pairs_datamodule(), num_training=30, early_stop_threshold=None)
    assert found.suggestion() == model.hparams['lr'] != 0.03


@pytest.mark.parametrize('name', ['moco', 'within'])
def test_pretraining_has_no_test(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='Pretraining has no test: measure it with `validate`'):
        trainer(tmp_path).test(TASKS[name](), pairs_datamodule())


class Tiles(Dataset[Any]):
    """Eight images of 32 px whose masks, or labels, hold one value each."""

    def __init__(self, values: list[int], key: str = 'mask') -> None:
        self.values, self.key = values, key

    def class_counts(self) -> np.ndarray:
        return np.ones(300, dtype=np.int64)

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        value = torch.tensor(self.values[index % len(self.values)])
        image = torch.full((3, 32, 32), float(index)) + torch.arange(32.0)
        return {'image': image, self.key: value.expand(32, 32).clone() if self.key == 'mask' else value}


class TilesDataModule(LabelledDataModule):
    def __init__(self, values: list[int], key: str = 'mask', **options: Any) -> None:
        super().__init__(Tiles, batch_size=4, **options)
        self.values, self.key = values, key

    def build_dataset(self, split: str) -> Tiles:
        return Tiles(self.values, self.key)


def probe(cache: Any, *, classes: int = 3, kind: Any = SegmentationProbe, **changes: Any) -> SegmentationProbe:
    names = [f'class {number}' for number in range(classes)]
    options = {'output_stride': 16, 'class_weights': None, 'cache_features': cache, 'classes': names}
    return kind(**{**options, **changes})


@pytest.mark.parametrize('cache', [None, 'memory'])
class TestTargets:
    def test_below_zero_is_an_error(self, cache: Any, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r'Targets hold \[-1\], but there are 3 classes.* ignore_index is 255'):
            trainer(tmp_path).fit(probe(cache), TilesDataModule([0, 1, -1, 2]))

    def test_below_zero_may_be_ignored(self, cache: Any, tmp_path: Path) -> None:
        run = trainer(tmp_path)
        model = probe(cache, ignore_index=-1)
        run.fit(model, TilesDataModule([0, 1, -1, 2], label_fraction=0.99))
        run.test(model, TilesDataModule([0, 1, -1, 2]), verbose=False)
        assert model.test_outcomes.sum() == 6 * 32 * 32

    @pytest.mark.parametrize(('kind', 'key'), [(SegmentationProbe, 'mask'), (ClassificationProbe, 'label')])
    def test_more_than_255_classes(self, kind: Any, key: str, cache: Any, tmp_path: Path) -> None:
        model = probe(cache, classes=300, kind=kind, ignore_index=-1)
        trainer(tmp_path).test(model, TilesDataModule([7, 255, 256, 299], key), verbose=False)
        counts = model.test_outcomes.sum(dim=(0, 2))
        assert counts.nonzero().flatten().tolist() == [7, 255, 256, 299]

    def test_an_ignored_class_weighs_nothing(self, cache: Any, tmp_path: Path) -> None:
        model = probe(cache, ignore_index=0, classes=300, class_weights='inverse-frequency')
        trainer(tmp_path).fit(model, TilesDataModule([0, 1, 2]))
        assert model.loss_weights[0] == 0
        assert model.loss_weights[1] == 299

    def test_one_cell_in_a_batch(self, cache: Any, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match='one image of 32 x 32 px, one cell at output_stride 32'):
            trainer(tmp_path).fit(probe(cache, output_stride=32), segmentation_datamodule(batch_size=1))


def test_outside_of_a_view_is_ignored(tmp_path: Path) -> None:
    model = probe(None, views=Views([RandomAffine(shift=0.9)]), ignore_index=-1)
    run = trainer(tmp_path)
    run.fit(model, TilesDataModule([0, 1, 2]))
    assert torch.isfinite(run.callback_metrics['train_loss'])


@pytest.mark.parametrize(
    ('classes', 'ignore_index', 'expected'),
    [(3, 255, np.uint8), (256, 255, np.uint8), (3, -1, np.int16), (300, 255, np.int16), (40_000, -1, np.int32)],
)
def test_type_of_kept_targets(classes: int, ignore_index: int, expected: Any) -> None:
    assert target_dtype(classes, ignore_index) is expected


def test_one_cell_in_a_batch_of_pairs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='one image of 32 x 32 px'):
        trainer(tmp_path).fit(TASKS['moco'](), pairs_datamodule(batch_size=1))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'lr': 0}, 'lr is 0; give a number from'),
        ({'lr': -1.0}, 'lr is -1.0'),
        ({'lr': float('nan')}, 'lr is nan'),
        ({'weight_decay': -0.1}, 'weight_decay is -0.1'),
        ({'projection_dim': 0}, 'projection_dim is 0; give a number from 1'),
        ({'warmup_steps': -1}, 'warmup_steps is -1'),
        ({'output_stride': 7}, 'output_stride is 7; choose one of 8, 16, 32'),
    ],
)
def test_numbers_out_of_range_are_told(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MomentumContrast(**{'queue_size': 16, **arguments})


@pytest.mark.parametrize('arguments', [{'batch_size': 0}, {'eval_batch_size': -2}, {'seed': -1}])
def test_numbers_of_data_out_of_range_are_told(arguments: dict[str, Any]) -> None:
    (name,) = arguments
    with pytest.raises(ValueError, match=f'{name} is '):
        pairs_datamodule(**arguments)
