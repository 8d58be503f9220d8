"""A pair of a region's windows, beside plain rasterio and beside TorchGeo's slices of the same files."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
import torch
from rasterio.windows import Window
from torch import Tensor
from torchgeo.datasets import RasterDataset

from geo_noisy.datasets import TemporalPairs
from geo_noisy.pairs import PairKey
from geo_noisy.regions import build_index, change_polygons, scan_rasters
from tests.benchmarks.rows import Comparison
from tests.data.regions import CRS, ORIGIN, polygons, square, write_series

SIDE_PX, RES, WINDOWS = 2048, 10.0, 64
DAYS = ('20200101', '20210101')
Corner = tuple[int, int]


def comparisons() -> Iterator[Comparison]:
    """Small and large windows, 64 at a time, in random order; ours with noise from 500 polygons."""
    with tempfile.TemporaryDirectory() as name:
        folder = write_series(Path(name) / 'images', DAYS, size_px=SIDE_PX, bands=3)
        for size_px in (48, 256):
            yield from _of_size(folder, size_px)


def _of_size(folder: Path, size_px: int) -> Iterator[Comparison]:
    rng = np.random.default_rng(0)
    squares = [square(*corner, 12, res=RES) for corner in rng.uniform(0, SIDE_PX - 20, (500, 2))]
    index = build_index(scan_rasters(folder), size_px=size_px)
    index = index.with_noise(change_polygons(polygons(*squares, event=['2020-06-01'] * 500), event_column='event'))
    chosen = rng.permutation(len(index))[:WINDOWS].tolist()
    corners = [(int(index.locations.col[number]), int(index.locations.row[number])) for number in chosen]
    paths = sorted(folder.iterdir())
    ours = partial(_ours, TemporalPairs(index, fill=0.0), chosen)
    plain = partial(_windows, [rasterio.open(path) for path in paths], corners, size_px)
    slices = partial(_slices, [_dated(path) for path in paths], corners, size_px)
    size = f'{WINDOWS} windows of {size_px} px'
    for peer, wanted, theirs in (('rasterio windows alone', 0.77, plain), ('TorchGeo RasterDataset', 5, slices)):
        yield Comparison('region pairs', size, peer, wanted, ours, theirs, partial(_equal, ours, theirs))


def _ours(pairs: TemporalPairs, numbers: list[int]) -> list[Tensor]:
    return [pairs[PairKey(number, 0, 1)]['image'] for number in numbers]


def _windows(files: list[rasterio.DatasetReader], corners: list[Corner], size_px: int) -> list[Tensor]:
    return [
        torch.from_numpy(np.stack([file.read(window=Window(*corner, size_px, size_px)) for file in files])).float()
        for corner in corners
    ]


def _slices(dates: list[RasterDataset], corners: list[Corner], size_px: int) -> list[Tensor]:
    return [torch.stack([date[_ground(corner, size_px)]['image'] for date in dates]) for corner in corners]


def _ground(corner: Corner, size_px: int) -> tuple[slice, slice]:
    left, top = ORIGIN[0] + corner[0] * RES, ORIGIN[1] - corner[1] * RES
    return slice(left, left + size_px * RES), slice(top - size_px * RES, top)


def _dated(path: Path) -> RasterDataset:
    day = path.stem.rpartition('_')[2]
    kind = type(f'Day{day}', (RasterDataset,), {'filename_regex': r'.*_(?P<date>\d{8})', 'date_format': '%Y%m%d'})
    dataset: RasterDataset = kind(str(path), crs=CRS, res=RES)
    return dataset


def _equal(ours: Callable[[], list[Tensor]], theirs: Callable[[], list[Tensor]]) -> str:
    if not all(map(torch.equal, ours(), theirs())):
        raise AssertionError('the pixels differ')
    return 'all pixels'
