"""Tile pairs per second with one worker: ours from PNG, ours from the tile cache, and TorchGeo's xBD with a crop.

    python tests/benchmarks/bench_xbd.py ../shared/data/xbd

The three take turns, so that all meet the same machine. TorchGeo needs target PNGs, which are drawn into a temporary
folder from the labels. Files are in the page cache: what is measured is work, not the disk.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from torchgeo.datasets import xBD

from geo_noisy.datasets import XBDPairs
from geo_noisy.datasets.xbd.labels import read_label
from geo_noisy.datasets.xbd.masks import draw_codes

TILE_PX = 512
TILES = 4


def torchgeo_root(root: Path, folder: Path) -> Path:
    """A tree that TorchGeo's xBD reads: links to the images, and target PNGs."""
    for split in ('train', 'test'):
        (folder / split / 'targets').mkdir(parents=True)
        (folder / split / 'images').symlink_to((root / split / 'images').resolve())
        for path in sorted((root / split / 'labels').glob('*.json')):
            codes = draw_codes(read_label(path, post='_post_' in path.stem))
            codes[codes == 5] = 1
            Image.fromarray(codes).save(folder / split / 'targets' / f'{path.stem}_target.png')
    return folder


def torchgeo_tile(dataset: xBD, row: int) -> dict[str, torch.Tensor]:
    """One tile pair: read the whole image pair, then cut."""
    sample = dataset[row // TILES]
    top, left = (TILE_PX * place for place in divmod(row % TILES, 2))
    window = (..., slice(top, top + TILE_PX), slice(left, left + TILE_PX))
    return {key: value[window].clone() for key, value in sample.items()}


def milliseconds(read: Callable[[int], object], rows: int) -> float:
    """Time for a tile pair, over all rows in order."""
    start = time.perf_counter()
    for row in range(rows):
        read(row)
    return 1000 * (time.perf_counter() - start) / rows


def main() -> None:
    """Print the best and the median of several rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('root', type=Path)
    parser.add_argument('--rounds', type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = xBD(torchgeo_root(arguments.root, folder / 'torchgeo'), 'test', checksum=False)
        options = {'split': 'test', 'cache_dir': folder / 'index', 'progress': False}
        cached = XBDPairs(arguments.root, tile_cache=folder / 'tiles', **options)
        rows = len(cached)
        milliseconds(cached.__getitem__, rows)  # fills the cache
        times: dict[str, list[float]] = {'TorchGeo xBD, then crop': [], 'ours, cold': [], 'ours, cached': []}
        for _ in range(arguments.rounds):
            times['TorchGeo xBD, then crop'].append(milliseconds(lambda row: torchgeo_tile(theirs, row), rows))
            cold = XBDPairs(arguments.root, **options)  # a fresh one each round: nothing is decoded yet
            times['ours, cold'].append(milliseconds(cold.__getitem__, rows))
            times['ours, cached'].append(milliseconds(cached.__getitem__, rows))
    reference = sorted(times['TorchGeo xBD, then crop'])[arguments.rounds // 2]
    print(f'{rows} tile pairs of {TILE_PX} px in order, one worker, {arguments.rounds} rounds')
    for label, values in times.items():
        median = sorted(values)[len(values) // 2]
        print(
            f'{label:26s} {median:7.2f} ms a tile pair (best {min(values):.2f}) '
            f'{1000 / median:7.1f} tile pairs/s {reference / median:6.1f} x'
        )


if __name__ == '__main__':
    main()
