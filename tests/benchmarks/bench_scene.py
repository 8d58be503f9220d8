"""A scene of 20,000 x 20,000 px, embedded and segmented: memory, and kills that leave no trace.

    python -m tests.benchmarks.bench_scene FOLDER [--side 20000]

Writes the scene, runs each work unbroken, then again with three kills, and compares the files byte by byte. Prints the
peak of memory of the processes that did the work.
"""

import argparse
import filecmp
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from geo_noisy.main import main
from tests.inference.killed import parts_in, run_killed
from tests.inference.scenes import texture, write_probe, write_weights

_BLOCK_PX = 512


def write_scene(path: Path, side: int) -> None:
    """Two bands of bytes, block by block, each block another part of one texture."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    ground, rng = texture(2048, 2048), np.random.default_rng(0)
    options = {'driver': 'GTiff', 'count': 2, 'dtype': 'uint8', 'tiled': True, 'blockxsize': _BLOCK_PX, 'nodata': 0}
    options |= {'blockysize': _BLOCK_PX, 'crs': 'EPSG:32633', 'transform': from_origin(400_000, 5_300_000, 1, 1)}
    with rasterio.open(path, 'w', height=side, width=side, **options) as file:
        for row in range(0, side, _BLOCK_PX):
            for col in range(0, side, _BLOCK_PX):
                top, left = rng.integers(0, 2048 - _BLOCK_PX, 2)
                high, wide = min(_BLOCK_PX, side - row), min(_BLOCK_PX, side - col)
                file.write(ground[:, top : top + high, left : left + wide], window=Window(col, row, wide, high))


def measure(name: str, words: list[str], folder: Path) -> None:
    """Run a command unbroken and with kills, and compare."""

    def _work(output: Path) -> Callable[[], None]:
        def _run() -> None:
            assert main([*words, '-o', str(output), '--no-progress']) == 0

        return _run

    start, whole, broken = time.perf_counter(), folder / f'{name}_whole', folder / f'{name}_killed'
    peak = run_killed(_work(whole), lambda: parts_in(whole), kills=())
    print(f'{name}: unbroken, {time.perf_counter() - start:.0f} s, peak {peak:.2f} GiB', flush=True)
    tiles = 100
    peak = run_killed(_work(broken), lambda: parts_in(broken), kills=(tiles // 10, tiles // 2, tiles - 5))
    names = [path.name for path in whole.iterdir()]
    _, different, missing = filecmp.cmpfiles(whole, broken, names, shallow=False)
    print(f'{name}: killed three times, peak {peak:.2f} GiB, files that differ: {[*different, *missing]}', flush=True)


def run() -> None:
    """Read the words of the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--side', type=int, default=20_000)
    chosen = parser.parse_args()
    image = chosen.folder / 'image' / 'scene_20200101.tif'
    write_scene(image, chosen.side)
    weights, probe = write_weights(chosen.folder / 'last.ckpt'), write_probe(chosen.folder / 'probe.ckpt')
    measure(
        'embedded', ['embed', str(image), '--by', 'cell', '--weights', str(weights), '--tile-px', '2048'], chosen.folder
    )
    words = ['segment', str(image), '--checkpoint', str(probe), '--no-probabilities', '--tile-px', '2048']
    measure('segmented', words, chosen.folder)


if __name__ == '__main__':
    run()
