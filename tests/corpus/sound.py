"""Sound inputs of every kind, small, made once; cells get a copy and damage it."""

import contextlib
import io
import os
import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import yaml

from geo_noisy.main import main
from geo_noisy.pairs import build_index, change_polygons, scan_rasters
from tests.data.regions import polygons, square, write_raster
from tests.data.textures import write_textures
from tests.data.xbd import write_pair
from tests.experiments.rows import table

DATES = ('20200601', '20210601', '20220601')
TRAINER = {
    'default_root_dir': 'runs',
    'max_epochs': 1, 'limit_train_batches': 2, 'limit_val_batches': 1, 'accelerator': 'cpu', 'logger': False,
    'enable_progress_bar': False, 'enable_model_summary': False, 'num_sanity_val_steps': 0,
    'callbacks': [
        {
            'class_path': 'geo_noisy.tasks.BestCheckpoint',
            'init_args': {'dirpath': 'runs', 'monitor': 'val_loss', 'save_last': True},
        }
    ],
}  # fmt: skip
VIEWS = {'class_path': 'geo_noisy.transforms.MoCoViews'}


def config(task: str, data: str, model: dict[str, Any], **data_arguments: Any) -> dict[str, Any]:
    """A config of seconds."""
    return {
        'seed_everything': 0,
        'trainer': TRAINER,
        'model': {'class_path': f'geo_noisy.tasks.{task}', 'init_args': {'model': 'tu-test_resnet'} | model},
        'data': {
            'class_path': f'geo_noisy.datamodules.{data}',
            'init_args': {'batch_size': 4, 'num_workers': 0} | data_arguments,
        },
    }


MOCO = {'in_channels': 3, 'queue_size': 8, 'projection_dim': 8, 'views': VIEWS}
PROBE = {'classes': ['layered', 'veined', 'matted'], 'output_stride': 8}
TEXTURES = {'size_px': 32, 'cells': 4, 'train_count': 16, 'val_count': 8}
CONFIGS = {
    'region.yaml': config('MomentumContrast', 'TemporalPairsDataModule', MOCO, index='pairs.parquet', val_length=8),
    'vts.yaml': config('DenseContrast', 'VTSPairsDataModule', {'loss': 'within', 'output_stride': 8, 'views': VIEWS}, **TEXTURES),
    'probe.yaml': config('SegmentationProbe', 'VTSSegmentationDataModule', PROBE, **TEXTURES, test_count=8),
    'xbd.yaml': config(
        'MomentumContrast', 'XBDPairsDataModule', MOCO, root='xbd', folders=['train'], cache_dir='cache', tile_px=64,
        progress=False,
    ),
}  # fmt: skip


def make_sound(folder: Path) -> Path:
    """Make every input in a folder, which is then moved so that an index finds its images beside itself alone."""
    making = folder / 'making'
    making.mkdir(parents=True)
    with contextlib.chdir(making), contextlib.redirect_stdout(io.StringIO()), mock.patch.dict(os.environ):
        _region()
        for number in range(2):
            write_pair(Path('xbd'), 'alpha-flood', number)
        write_textures(Path('dtd'), pictures=5)
        for name, content in CONFIGS.items():
            Path(name).write_text(yaml.safe_dump(content))
        Path('grid.yaml').write_text(yaml.safe_dump(grid()))
        os.mkdir('results')
        table().to_parquet('results/results.parquet')
        if main(['fit', '--config', 'vts.yaml']):
            raise RuntimeError('The sound config did not train.')
        shutil.move('runs/last.ckpt', 'last.ckpt')
        shutil.rmtree('runs')
    return making.rename(folder / 'sound')


def grid() -> dict[str, Any]:
    """A grid of two cells."""
    stage = {'trainer': {name: value for name, value in TRAINER.items() if name not in ('logger', 'callbacks')}}
    keep = {'class_path': 'geo_noisy.tasks.BestCheckpoint', 'init_args': {'save_last': True}}
    parts = {name: {key: content[key] for key in ('model', 'data')} for name, content in CONFIGS.items()}
    moco = stage['trainer'] | {'callbacks': [keep | {'init_args': {'monitor': 'val_loss', 'save_last': True}}]}
    probe = stage['trainer'] | {'callbacks': [keep | {'init_args': {'monitor': 'val_f1_macro', 'mode': 'max'}}]}
    return {
        'seeds': [0],
        'pretrain': {'within': parts['vts.yaml'] | {'trainer': moco}},
        'probe': parts['probe.yaml'] | {'trainer': probe},
        'cells': [{'name': 'random', 'pretrain': None}, {'name': 'within', 'pretrain': 'within'}],
        'compare': [['within', 'random']],
    }


def _region() -> None:
    os.mkdir('images')
    for seed, date in enumerate(DATES):
        pixels = np.random.default_rng(seed).integers(1, 160, (3, 64, 64), dtype=np.uint8)
        write_raster(Path('images', f'image_{date}.tif'), pixels)
    frame = polygons(square(0, 0, 16), square(32, 32, 8), event=['2020-12-01', '2021-12-01'], kind=['fire', 'flood'])
    frame.to_file('changes.gpkg', layer='changes')
    items = {
        'path': [f'images/image_{date}.tif' for date in DATES],
        'datetime': ['2020-06-01', '2021-06-01', '2022-06-01'],
    }
    pd.DataFrame(items | {'cloud': [1.0, 2.0, 50.0], 'sensor': ['a', 'a', 'b']}).to_csv('items.csv', index=False)
    index = build_index(scan_rasters('images'), size_px=16).with_noise(
        change_polygons('changes.gpkg', event_column='event')
    )
    index.with_splits(shares=(0.6, 0.2, 0.2), block_px=16).with_statistics(windows=8).write('pairs.parquet')
