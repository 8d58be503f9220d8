"""Training and probing on images at addresses: the commands that a user runs, nothing on disk but the index."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from geo_noisy.datasets import RegionSegmentation
from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.regions import RegionLabels
from tests.audit.test_how_to import ROOT, fit
from tests.data.regions import polygons, square, write_raster
from tests.data.servers import RangeServer
from tests.inference.scenes import texture

SMALL = ['--trainer.max_epochs=1', '--trainer.logger=false', '--model.init_args.model=tu-test_resnet']


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Path]:
    """Windows of two dates at addresses, without statistics, so that these are read there, too."""
    (tmp_path / 'served').mkdir()
    for seed, day in enumerate(('20200101', '20210101')):
        write_raster(tmp_path / 'served' / f'image_{day}.tif', texture(256, 256, seed=seed))
    server = RangeServer(tmp_path / 'served')
    images = [f'{server.address}/image_{day}.tif' for day in ('20200101', '20210101')]
    words = ['--size-px', '32', '--split', '0.6', '0.4', '0', '--block-px', '64', '--statistics', '0', '-o']
    assert main(['index', *images, *words, str(tmp_path / 'far.parquet')]) == 0
    yield tmp_path / 'far.parquet'
    server.close()


def test_pretraining_reads_addresses(index: Path, tmp_path: Path) -> None:
    fit([
        'fit', '--config', str(ROOT / 'configs' / 'regions' / 'naip.yaml'), f'--data.init_args.index={index}', *SMALL,
        '--data.init_args.remote=true', '--data.init_args.length=32', '--data.init_args.val_length=8',
        '--data.init_args.batch_size=8', '--data.init_args.num_workers=1', '--model.init_args.in_channels=2',
        '--model.init_args.queue_size=16', f'--trainer.default_root_dir={tmp_path / "run"}',
    ])  # fmt: skip
    assert list((tmp_path / 'run').rglob('last.ckpt'))


def test_labelled_windows_at_addresses(index: Path) -> None:
    labels = RegionLabels(polygons(square(0, 0, 128), kind=['wood']), class_column='kind', background='open')  # type: ignore[arg-type]  # a frame serves
    with pytest.raises(InputError, match='remote=True'):
        RegionSegmentation(index, labels, progress=False)
    windows = RegionSegmentation(index, labels, progress=False, remote=True)
    sample = windows[0]
    assert sample['image'].shape == (2, 32, 32)
    assert sample['image'].min() >= 1
    assert sample['mask'].unique().tolist() in ([0], [1], [0, 1])
