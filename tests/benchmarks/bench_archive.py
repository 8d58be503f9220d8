"""Files at addresses, each answer 20 ms late: headers by threads beside one by one, cold pairs beside TorchGeo.

Run: python -m tests.benchmarks.bench_archive [--headers 10000] [--pairs 128] [--threads 16]
"""

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from torchgeo.datasets import RasterDataset

from geo_noisy.datasets import TemporalPairs
from geo_noisy.pairs import PairIndex, PairKey
from geo_noisy.regions import Remote, build_index, scan_rasters
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.file_scan import scan_captures
from tests.data.archive import ORIGIN, write_cog
from tests.data.servers import RangeServer

DELAY_S = 0.02
ONE_BY_ONE = 400  # headers
DAYS, BATCH = ('20200101', '20210101'), 16


def headers(folder: Path, number: int, *, threads: int) -> float:
    """Headers per second, from a slow server at an address of which GDAL keeps nothing yet."""
    server = RangeServer(folder)
    server.delay_s = DELAY_S
    with Remote(threads=threads).applied():
        start = time.perf_counter()
        scan_captures([Capture((f'{server.address}/copy_{k}.tif',), k) for k in range(number)])
        spent = time.perf_counter() - start
    server.close()
    return number / spent


def write_places(folder: Path, places: int) -> None:
    """Two dates of places apart, a file each of 512 px in tiles of 128 px."""
    rng = np.random.default_rng(0)
    for place in range(places):
        corner = ORIGIN[0] + place * 5_200, ORIGIN[1]
        for day in DAYS:
            pixels = rng.integers(1, 9000, (512, 512)).astype(np.uint16)
            write_cog(folder / f'p{place:04d}_{day}.tif', pixels, corner=corner)


def ours(folder: Path, places: int, *, threads: int, workers: int) -> float:
    """Pairs per second: a window of each place, of files that were never opened."""
    index = _index(folder, places)
    with _served(folder) as address:
        index.files['paths'] = [(f'{address}/{Path(paths[0]).name}',) for paths in index.files['paths']]
        pairs = TemporalPairs(index, fill=0.0, remote=Remote(threads=threads))
        corners = np.unique(index.locations.site, return_index=True)[1]
        keys = [PairKey(int(location), 0, 1) for location in corners]
        return _per_second(DataLoader(pairs, sampler=keys, batch_size=BATCH, num_workers=workers), places)


def torchgeo(folder: Path, places: int, *, workers: int) -> float:
    """The same windows by TorchGeo's RasterDataset of the same addresses."""
    with _served(folder) as address:
        dates = [_dated(day)([f'{address}/p{place:04d}_{day}.tif' for place in range(places)]) for day in DAYS]
    with _served(folder) as elsewhere:  # what was found out when they were listed is not known of these
        for dataset in dates:
            dataset.index['filepath'] = dataset.index['filepath'].str.replace(address, elsewhere)
        return _per_second(DataLoader(_Both(dates, places), batch_size=BATCH, num_workers=workers), places)


class _Both(Dataset[dict[str, Any]]):
    """The upper left 128 px of each place at both dates."""

    def __init__(self, dates: list[RasterDataset], places: int) -> None:
        self.dates, self.places = dates, places

    def __len__(self) -> int:
        return self.places

    def __getitem__(self, place: int) -> dict[str, Any]:
        left, top = ORIGIN[0] + place * 5_200, ORIGIN[1]
        ground = slice(left, left + 1280), slice(top - 1280, top)
        return {'image': torch.stack([dataset[ground]['image'] for dataset in self.dates])}


def _dated(day: str) -> type[RasterDataset]:
    return type(f'Day{day}', (RasterDataset,), {'filename_regex': r'p\d+_(?P<date>\d{8})', 'date_format': '%Y%m%d'})


def _index(folder: Path, places: int) -> PairIndex:
    files = [str(folder / f'p{place:04d}_{day}.tif') for place in range(places) for day in DAYS]
    return build_index(scan_rasters(files), size_px=128, footprint='bounds')


def _per_second(loader: Any, places: int) -> float:
    start = time.perf_counter()
    assert sum(len(batch['image']) for batch in loader) == places
    return places / (time.perf_counter() - start)


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = RangeServer(folder)
    server.delay_s = DELAY_S
    yield server.address
    server.close()


def measure_pairs(places: int, *, threads: int) -> None:
    """Measure and print cold pairs."""
    with tempfile.TemporaryDirectory() as name:
        write_places(Path(name), places)
        for workers in (1, 4):
            slow = torchgeo(Path(name), places, workers=workers)
            fast = ours(Path(name), places, threads=threads, workers=workers)
            print(
                f'cold pairs/s, {workers} workers: {slow:.1f} by RasterDataset, {fast:.1f} by TemporalPairs '
                f'({fast / slow:.1f} times)',
                flush=True,
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--headers', type=int, default=10_000)
    parser.add_argument('--pairs', type=int, default=128)
    parser.add_argument('--threads', type=int, default=16)
    asked = parser.parse_args()
    measure_pairs(asked.pairs, threads=asked.threads)
    if asked.headers == 0:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cog(folder / 'small.tif', np.random.default_rng(0).integers(1, 9000, (64, 64)).astype(np.uint16))
        for k in range(asked.headers):
            os.symlink(folder / 'small.tif', folder / f'copy_{k}.tif')
        slow = headers(folder, min(asked.headers, ONE_BY_ONE), threads=1)
        fast = headers(folder, asked.headers, threads=asked.threads)
        print(f'headers/s: {slow:.0f} one by one, {fast:.0f} by {asked.threads} threads ({fast / slow:.1f} times)')


if __name__ == '__main__':
    main()
