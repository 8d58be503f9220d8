"""Indexing a folder of files with masks beside one process that opens each and checks the same, by wall time."""

import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import rasterio

from geo_noisy.main import main
from tests.benchmarks.rows import Comparison
from tests.data.regions import CRS, write_raster

FILES, SIDE_PX = 1000, 64


def comparisons() -> Iterator[Comparison]:
    """A thousand files of ten dates, a tenth of each without data."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / 'images'
        folder.mkdir()
        pixels = np.random.default_rng(0).integers(1, 255, (3, SIDE_PX, SIDE_PX), dtype=np.uint8)
        pixels[:, :20, :20] = 0
        for number in range(FILES):
            place, date = divmod(number, 10)
            corner = (place % 10 * SIDE_PX, place // 10 * SIDE_PX)
            write_raster(folder / f'p{place:03d}_{2010 + date}0601.tif', pixels, offset_px=corner, nodata=0)
        yield Comparison(
            'geo-noisy index, wall time', f'{FILES} files with masks', 'rasterio, one process', 1.5,
            partial(_ours, folder), partial(_one_by_one, folder), rounds=3,
        )  # fmt: skip


def _ours(folder: Path) -> float:
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        words = ['index', str(folder), '--size-px', '64', '--output', str(folder.parent / 'pairs.parquet')]
        assert main([*words, '--statistics', '0']) == 0
    return time.perf_counter() - start


def _one_by_one(folder: Path) -> float:
    """Header and mask of each file: what an index has to know, without building it."""
    start = time.perf_counter()
    for path in sorted(folder.iterdir()):
        with rasterio.open(path) as file:
            assert (file.crs.to_string(), file.count) == (CRS, 3)
            _ = file.transform, file.tags(), file.dtypes, file.nodatavals, file.scales, file.offsets, file.descriptions
            _ = file.colorinterp, file.mask_flag_enums
            assert file.dataset_mask().any()
    return time.perf_counter() - start
