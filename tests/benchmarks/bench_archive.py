"""Headers and cold pairs at addresses, each answer 20 ms late, beside one by one and TorchGeo's RasterDataset.

Run: python -m tests.benchmarks.bench_archive [--headers 10000] [--pairs 64]
"""

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from torchgeo.datasets import RasterDataset

from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.pairs.keys import PairKey
from geo_noisy.regions import PairIndex, Remote, build_index
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.file_scan import scan_captures
from tests.data.archive import write_cog
from tests.data.servers import RangeServer

SIZE_PX, WINDOW_PX, BATCH, DELAY_S = 4096, 64, 16, 0.02
NAMES = ('a_20200101.tif', 'a_20210101.tif')


class Images(RasterDataset):
    """TorchGeo's own data set over the same addresses."""

    filename_glob = '*'


@contextmanager
def served(folder: Path) -> Iterator[RangeServer]:
    """A slow server at an address of which GDAL keeps nothing yet."""
    server = RangeServer(folder)
    server.delay_s = DELAY_S
    yield server
    server.close()


def headers(folder: Path, number: int, *, threads: int) -> float:
    """Headers per second."""
    for k in range(number):
        if not (folder / f'copy_{k}.tif').exists():
            os.symlink(folder / 'small.tif', folder / f'copy_{k}.tif')
    with served(folder) as server, Remote(threads=threads).applied():
        start = time.perf_counter()
        scan_captures([Capture((f'{server.address}/copy_{k}.tif',), k) for k in range(number)])
        return number / (time.perf_counter() - start)


def pairs(folder: Path, index: PairIndex, locations: list[int], *, threads: int) -> tuple[float, int]:
    """Pairs per second, and bytes that were sent."""
    with served(folder) as server:
        index.files['paths'] = [(f'{server.address}/{name}',) for name in NAMES]
        dataset = TemporalPairs(index, fill=0.0, remote=Remote(threads=threads))
        keys = [PairKey(location, 0, 1) for location in locations]
        start = time.perf_counter()
        for first in range(0, len(keys), BATCH):
            dataset.__getitems__(keys[first : first + BATCH])
        return len(keys) / (time.perf_counter() - start), server.sent


def torchgeo(folder: Path, corners: np.ndarray, res: float) -> tuple[float, int]:
    """The same windows at two dates by TorchGeo, which opens files anew for each."""
    with served(folder) as server:
        sets = [Images([f'/vsicurl/{server.address}/{name}']) for name in NAMES]
        server.sent = 0
        start = time.perf_counter()
        for x, y in corners:
            for dataset in sets:
                dataset[x : x + WINDOW_PX * res, y - WINDOW_PX * res : y]
        return len(corners) / (time.perf_counter() - start), server.sent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--headers', type=int, default=10_000)
    parser.add_argument('--pairs', type=int, default=64)
    asked = parser.parse_args()
    warnings.simplefilter('ignore')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        write_cog(folder / 'small.tif', rng.integers(1, 9000, (64, 64)).astype(np.uint16))
        for file in NAMES:
            write_cog(folder / file, rng.integers(1, 9000, (SIZE_PX, SIZE_PX)).astype(np.uint16), block=256)
        index = build_index(
            scan_captures([Capture((str(folder / file),), k * 10**8) for k, file in enumerate(NAMES)]), size_px=64
        )
        locations = rng.permutation(len(index))[: asked.pairs].tolist()
        corners = index.corners()[locations]
        whole = sum((folder / file).stat().st_size for file in NAMES)
        slow, fast = headers(folder, asked.headers, threads=1), headers(folder, asked.headers, threads=16)
        print(f'headers/s: {slow:.0f} one by one, {fast:.0f} by 16 threads ({fast / slow:.1f} times)')
        other, other_sent = torchgeo(folder, corners, 10.0)
        for threads in (1, 8, 16):
            own, sent = pairs(folder, index, locations, threads=threads)
            print(f'cold pairs/s: {own:.1f} by {threads} threads, RasterDataset {other:.1f} ({own / other:.1f} times); '
                  f'{sent:,} of {whole:,} bytes (RasterDataset {other_sent:,})')  # fmt: skip


if __name__ == '__main__':
    main()
