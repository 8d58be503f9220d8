import pytest

from geo_noisy.datamodules import RegionSegmentationDataModule
from geo_noisy.main import main
from geo_noisy.regions import RegionLabels
from tests.data.labels import outlines, truth, write_region
from tests.data.regions import write_raster

NAMES = ('water', 'forest', 'town')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('region')
    index = write_region(folder, truth())
    write_raster(folder / 'labels.tif', truth()[None])
    outlines(truth(), NAMES).to_file(folder / 'labels.gpkg')
    index.select().write(folder / 'pairs.parquet')
    return folder


def module(folder, *, files='labels.tif', **options):
    labels = RegionLabels(str(folder / files), classes=NAMES)
    return RegionSegmentationDataModule(str(folder / 'pairs.parquet'), labels, **options)


def test_splits_of_the_index(folder):
    data = module(folder)
    data.setup('fit')
    data.setup('test')
    assert [len(part) for part in (data.train_dataset, data.val_dataset, data.test_dataset)] == [8, 4, 4]
    assert data.class_names() == NAMES
    assert data.class_counts().sum() == 8 * 32 * 32
    batch = next(iter(data.val_dataloader()))
    assert batch['image'].shape == (4, 3, 32, 32)
    assert batch['mask'].shape == (4, 32, 32)


def test_options_act(folder):
    index = module(folder).region
    data = module(folder, scale=510.0, bands=[3, 1], date='earliest', label_fraction=0.25, batch_size=1, seed=3)
    data.setup('fit')
    assert len(data.train_dataset) == 2
    assert data.val_dataset.date_of(0) == '2020-06-01'
    means, stds = data.band_statistics()
    assert means == pytest.approx([index.statistics.mean[band] / 510 for band in (2, 0)])
    assert stds == pytest.approx([index.statistics.std[band] / 510 for band in (2, 0)])
    assert data.class_counts().sum() == 2 * 32 * 32
    left, bottom, right, top = index.index.total_bounds
    half = module(folder, roi=(left, bottom, (left + right) / 2, top))
    assert len(half.region) == 8
    assert len(module(folder, toi=('2020-01-01', '2021-12-31')).region.times) == 2 * 16
    assert module(folder, predict_split='val', months=[6]).predict_split == 'val'


def test_splits_where_the_index_has_none(folder, tmp_path):
    from geo_noisy.pairs import build_index, scan_rasters

    build_index(scan_rasters([str(folder / 'images')]), size_px=32).write(tmp_path / 'plain.parquet')
    labels = RegionLabels(str(folder / 'labels.tif'))
    options = {'shares': (0.25, 0.25, 0.5), 'block_px': 64}
    data = RegionSegmentationDataModule(str(tmp_path / 'plain.parquet'), labels, split_seed=1, **options)
    data.setup('test')
    assert len(data.test_dataset) == 8
    assert data.region.statistics is not None


WORDS = [
    '--config=small.yaml',
    '--trainer.max_epochs=1',
    '--trainer.logger=false',
    '--model.init_args.model=tu-test_resnet',
]


@pytest.fixture
def workplace(folder, tmp_path, monkeypatch):
    from pathlib import Path

    import yaml

    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load((Path(__file__).parents[2] / 'configs' / 'regions' / 'probe.yaml').read_text())
    config['data']['init_args'] |= {
        'index': str(folder / 'pairs.parquet'),
        'labels': {'files': str(folder / 'labels.gpkg'), 'class_column': 'cover'},
    }
    (tmp_path / 'small.yaml').write_text(yaml.safe_dump(config))
    return tmp_path


def test_classes_of_model_and_labels_have_to_agree(workplace, capsys):
    assert main(['fit', *WORDS, '--model.init_args.classes=[water, forest, town]']) == 2
    told = capsys.readouterr().err
    assert 'model.init_args.classes are [water, forest, town], but the labels have [forest, town, water]' in told


def test_damage_of_a_region_is_scored_officially(workplace, folder, capsys):
    names = ['background', 'no-damage', 'minor-damage', 'major-damage', 'destroyed']
    frame = outlines(truth(), ('no-damage', 'minor-damage', 'destroyed'))
    frame.to_file(workplace / 'damage.gpkg')
    words = [*WORDS, '--model=geo_noisy.tasks.DamageProbe', f'--model.init_args.classes=[{", ".join(names)}]']
    words += [
        f'--data.init_args.labels.files={workplace / "damage.gpkg"}',
        '--data.init_args.labels.background=background',
    ]
    words += [f'--data.init_args.labels.classes=[{", ".join(names)}]']
    assert main(['test', *words]) == 0
    assert 'test_xview2_score' in capsys.readouterr().out


def test_an_unknown_option_of_labels_is_told(workplace, capsys):
    assert main(['fit', *WORDS, '--data.init_args.labels.clases=[a]']) == 2
    assert 'clases' in capsys.readouterr().err
