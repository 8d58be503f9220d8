"""Predictions of any split on disk, and not in memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from geo_noisy.main import main
from geo_noisy.tasks import MomentumContrast, PredictionWriter, SegmentationProbe
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer

CLASSES = ('first', 'second', 'noise')


def read(folder: Path) -> dict[str, np.ndarray]:
    parts = [np.load(path) for path in sorted(folder.glob('*.npz'))]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


@pytest.mark.parametrize(('split', 'count'), [('val', 32), ('train', 64)])
def test_features_of_pairs(split: str, count: int, tmp_path: Path) -> None:
    model, data = MomentumContrast(queue_size=8), pairs_datamodule(predict_split=split)
    kept = trainer(tmp_path).predict(model, data)
    written = trainer(tmp_path, callbacks=[PredictionWriter(str(tmp_path / 'out'))]).predict(model, data)
    assert written is None
    found = read(tmp_path / 'out')
    assert found['features'].shape == (count, 2, 512)
    assert np.array_equal(found['features'], torch.cat(kept).numpy())
    assert len(np.unique(found['place'])) == count // 2
    assert found['time'].shape == (count, 2)


@pytest.mark.parametrize(('split', 'count'), [('train', 24), ('val', 16), ('test', 16)])
def test_probabilities(split: str, count: int, tmp_path: Path) -> None:
    model = SegmentationProbe(classes=CLASSES, output_stride=16)
    data = segmentation_datamodule(predict_split=split)
    trainer(tmp_path, callbacks=[PredictionWriter(str(tmp_path / 'out'))]).predict(model, data)
    found = read(tmp_path / 'out')
    assert found['index'].tolist() == list(range(count))
    image = data.predict_dataset[3]['image'][None] / 255
    expected = model.eval()(image).softmax(dim=1)[0].detach().numpy()
    assert np.allclose(found['probabilities'][3], expected, atol=1e-4)


@pytest.mark.filterwarnings("ignore:LightningCLI's args parameter")
def test_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config: dict[str, Any] = {
        'trainer': {
            'accelerator': 'cpu',
            'logger': False,
            'enable_progress_bar': False,
            'callbacks': [{'class_path': 'geo_noisy.tasks.PredictionWriter', 'init_args': {'folder': 'out'}}],
        },
        'model': {'class_path': 'geo_noisy.tasks.SegmentationProbe', 'init_args': {'classes': list(CLASSES)}},
        'data': {
            'class_path': 'geo_noisy.datamodules.VTSSegmentationDataModule',
            'init_args': {'size_px': 32, 'cells': 4, 'val_count': 8, 'predict_split': 'val'},
        },
    }
    Path('predict.yaml').write_text(yaml.safe_dump(config))
    assert main(['predict', '--config', 'predict.yaml']) == 0
    assert read(tmp_path / 'out')['probabilities'].shape == (8, 3, 32, 32)
