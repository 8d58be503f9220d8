"""Headers at addresses, each answer 20 ms late: by threads, beside one by one.

Run: python -m tests.benchmarks.bench_archive [--headers 10000] [--threads 16]
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from geo_noisy.regions import Remote
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.file_scan import scan_captures
from tests.data.archive import write_cog
from tests.data.servers import RangeServer

DELAY_S = 0.02


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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--headers', type=int, default=10_000)
    parser.add_argument('--threads', type=int, default=16)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_cog(folder / 'small.tif', np.random.default_rng(0).integers(1, 9000, (64, 64)).astype(np.uint16))
        for k in range(asked.headers):
            os.symlink(folder / 'small.tif', folder / f'copy_{k}.tif')
        slow, fast = (headers(folder, asked.headers, threads=threads) for threads in (1, asked.threads))
        print(f'headers/s: {slow:.0f} one by one, {fast:.0f} by {asked.threads} threads ({fast / slow:.1f} times)')


if __name__ == '__main__':
    main()
