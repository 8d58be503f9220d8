"""Images that are not in [0, 1] where they should be, and batches that are not of pairs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, Subset

from geo_noisy.datamodules import PairDataModule, TemporalPairsDataModule
from geo_noisy.datamodules.base import Scale
from geo_noisy.pairs import build_index, scan_rasters
from geo_noisy.tasks import DenseContrast, MomentumContrast, SegmentationProbe
from tests.data.regions import write_raster
from tests.data.vts import pairs_datamodule, segmentation_datamodule, trainer


@pytest.fixture(scope='module')
def reflectances(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of two dates of reflectances times 10000."""
    folder = tmp_path_factory.mktemp('region')
    rng = np.random.default_rng(0)
    (folder / 'images').mkdir()
    for date in ('20200101', '20210101'):
        pixels = rng.integers(500, 3000, (3, 96, 96), dtype=np.uint16)
        write_raster(folder / 'images' / f'image_{date}.tif', pixels)
    build_index(scan_rasters([folder / 'images']), size_px=16).write(folder / 'pairs.parquet')
    return folder / 'pairs.parquet'


def region(index: Path, **changes: Any) -> TemporalPairsDataModule:
    return TemporalPairsDataModule(
        str(index), **{'batch_size': 4, 'block_px': 32, 'shares': (0.5, 0.5, 0.0), **changes}
    )


def moco(**changes: Any) -> MomentumContrast:
    return MomentumContrast(**{'queue_size': 4, 'output_stride': 8, **changes})


def test_reflectances_at_255(reflectances: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'bands of the training split are \[6\..*data\.init_args\.scale \(now 255\)'):
        trainer(tmp_path).fit(moco(), region(reflectances))
    trainer(tmp_path).fit(moco(), region(reflectances, scale=10_000))


def test_reflectances_at_255_where_a_checkpoint_gives_the_statistics(reflectances: Path, tmp_path: Path) -> None:
    model = moco(band_mean=[0.17] * 3, band_std=[0.07] * 3)
    with pytest.raises(ValueError, match=r'bands of the first batch are .*data\.init_args\.scale \(now 255\)'):
        trainer(tmp_path).fit(model, region(reflectances))


@pytest.mark.parametrize(('scale', 'message'), [(200_000.0, 'next to 0'), (3500.0, 'far from the')])
def test_other_scales_are_told(scale: float, message: str, reflectances: Path, tmp_path: Path) -> None:
    model = moco(band_mean=[0.17] * 3, band_std=[0.05] * 3)
    with pytest.warns(UserWarning, match=rf'{message}.*data\.init_args\.scale \(now {scale:g}\)'):
        trainer(tmp_path).fit(model, region(reflectances, scale=scale))


@pytest.mark.parametrize('cache', [None, 'memory'])
def test_probe(cache: Any, tmp_path: Path) -> None:
    data = segmentation_datamodule()
    data.aug = Scale(2.0)
    model = SegmentationProbe(
        classes=('a', 'b', 'c'), cache_features=cache, band_mean=[0.4] * 3, band_std=[0.2] * 3, output_stride=16
    )
    with pytest.raises(ValueError, match=r'saturate.*data\.init_args\.scale \(now 2\)'):
        trainer(tmp_path).fit(model, data)


@pytest.mark.parametrize(
    'take', [lambda batch: moco().pair_loss(batch, train=True), lambda batch: DenseContrast().directions(batch)]
)
def test_all_missing_keys_are_named_at_once(take: Any, tmp_path: Path) -> None:
    batch = {'image': torch.rand(4, 2, 3, 32, 32), 'noisy': torch.zeros(4)}
    with pytest.raises(ValueError, match=r'lacks exposure, place, draw of .* holds image, noisy\. .*pair_sample'):
        take(batch)


def test_stacked_dates_are_no_batch_of_pairs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'image of the batch is \[8, 6, 32, 32\].*stack_dates'):
        trainer(tmp_path).fit(moco(), pairs_datamodule(stack_dates=True))


@pytest.mark.parametrize('wrap', [lambda data: Subset(data, [0, 1]), lambda data: ConcatDataset([data, data])])
def test_parts_of_pair_datasets(wrap: Any) -> None:
    class Parts(PairDataModule):
        def build_dataset(self, split: str) -> Any:
            data = pairs_datamodule()
            return wrap(data.build_dataset(split))

    data = Parts(Subset, batch_size=2)
    data.setup('fit')
    with pytest.raises(TypeError, match=r'has no pairs\(\).*PairIndex\.select'):
        data.train_dataloader()
