"""Real xBD as a region with labels: from images and building polygons through the commands to the official score."""

from pathlib import Path

import pytest

from geo_noisy.datasets import RegionSegmentation
from geo_noisy.datasets.xbd.labels import CLASSES
from geo_noisy.main import main
from geo_noisy.pairs import PairIndex
from geo_noisy.regions import RegionLabels
from tests.data.xbd_region import write_region, xbd_table

ROOT = Path(__file__).parents[2]


@pytest.mark.shared
@pytest.mark.slow
def test_from_index_to_official_score(tmp_path, shared, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table = xbd_table(shared / 'xbd')
    (tmp_path / 'images').mkdir()
    write_region(tmp_path / 'images', table).to_file('buildings.gpkg')
    words = 'index images --size-px 512 --split 0.5 0.25 0.25 --block-px 1024 --statistics 8 -o xbd.parquet'
    assert main(words.split()) == 0
    unclassified = {'ignored': ['un-classified'], 'background': CLASSES[0], 'classes': list(CLASSES)}
    labels = RegionLabels('buildings.gpkg', class_column='damage', **unclassified)
    counts = RegionSegmentation(PairIndex.read('xbd.parquet'), labels).class_counts()
    names = [f'pixels_{name.replace("-", "_")}' for name in CLASSES]
    true = table[names].sum().to_numpy()
    assert counts.sum() == pytest.approx(true.sum(), rel=1e-6)
    assert counts == pytest.approx(true, rel=0.01)
    named = f'[{", ".join(CLASSES)}]'
    options = [
        '--config', str(ROOT / 'configs' / 'regions' / 'probe.yaml'), '--model=geo_noisy.tasks.DamageProbe',
        f'--model.init_args.classes={named}', '--model.init_args.cache_features=null',
        '--model.init_args.model=tu-test_resnet', '--data.init_args.index=xbd.parquet',
        '--data.init_args.labels.files=buildings.gpkg', '--data.init_args.labels.class_column=damage',
        '--data.init_args.labels.background=background', '--data.init_args.labels.from_column=null',
        f'--data.init_args.labels.classes={named}', '--data.init_args.labels.ignored=[un-classified]',
        '--trainer.limit_train_batches=2', '--trainer.limit_val_batches=1', '--trainer.limit_test_batches=1',
        '--trainer.max_epochs=1', '--trainer.accelerator=cpu', '--data.init_args.batch_size=4',
    ]  # fmt: skip
    assert main(['fit', *options]) == 0
    (checkpoint,) = tmp_path.rglob('*.ckpt')
    assert main(['test', *options, f'--ckpt_path={checkpoint}']) == 0
    assert 'test_xview2_score' in capsys.readouterr().out
