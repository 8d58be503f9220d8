"""VTS image pairs per second on one core: ours, and a naive peer that measures each pixel's distance to each seed.

    OMP_NUM_THREADS=1 python tests/benchmarks/bench_vts.py

The two take turns, so that both meet the same machine, and the naive peer is checked to make the same images. The
textures are made before: each is drawn or decoded once in a process. The time to draw one is printed apart.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from geo_noisy.datasets import VTSPairs
from geo_noisy.datasets.vts.procedural import FAMILIES, draw_texture

SETTINGS = ((256, 20), (64, 6))


def naive_pair(dataset: VTSPairs, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images of a pair by Euclidean distances, an argmin and fancy indexing."""
    mosaics, size_px = dataset.mosaics, dataset.size_px
    layout = mosaics.layout(number)
    rng = mosaics._rng(1, number)
    crops = [mosaics.textures.crop(rng, kind, size_px=size_px) for kind in range(3)]
    pixels = np.stack(np.mgrid[:size_px, :size_px], axis=-1)
    nearest = np.linalg.norm(pixels[:, :, None] - layout.seeds_px, axis=-1).argmin(-1)
    image = crops[0].copy()
    for cell in range(dataset.cells):
        image[:, nearest == cell] = crops[layout.classes[cell]][:, nearest == cell]
    partner = image.copy()
    for cell in range(dataset.noise_cells):
        partner[:, nearest == cell] = crops[2][:, nearest == cell]
    return image, partner


def fast_pair(dataset: VTSPairs, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images of a pair as the data set makes them."""
    mosaic = dataset.mosaics.make(number, noise_cells=dataset.noise_cells)
    return mosaic.image, mosaic.noisy_image


def per_second(make: Callable[[int], object], count: int) -> float:
    """Pairs made in a second."""
    start = time.perf_counter()
    for number in range(count):
        make(number)
    return count / (time.perf_counter() - start)


def texture_ms(family: str, side_px: int, count: int = 10) -> float:
    """Time to draw a procedural texture."""
    return 1000 / per_second(
        lambda number: draw_texture(np.random.default_rng(number), family=family, side_px=side_px), count
    )


def compare(size_px: int, cells: int, rounds: int) -> str:
    """One line of figures."""
    dataset = VTSPairs(size_px=size_px, cells=cells)
    for number in range(1000):
        dataset.mosaics.make(number, noise_cells=dataset.noise_cells)
    if not np.array_equal(naive_pair(dataset, 0), fast_pair(dataset, 0)):
        raise RuntimeError('the naive peer makes other images')
    makers: tuple[Callable[[VTSPairs, int], object], ...] = (VTSPairs.__getitem__, fast_pair, naive_pair)
    turns = [[per_second(lambda i, m=make: m(dataset, i), 40) for make in makers] for _ in range(rounds)]
    sample, fast, naive = (statistics.median(column) for column in zip(*turns, strict=True))
    start = time.perf_counter()
    images = len(dataset.index)
    index_s = time.perf_counter() - start
    return (
        f'{size_px} px, {cells} cells: {sample:,.0f} samples/s (tensors, mask, noise), {fast:,.0f} pairs/s, '
        f'naive {naive:,.0f} pairs/s ({fast / naive:.1f} x); index of {images:,} images in {index_s:.1f} s'
    )


def main() -> None:
    """Print a line for each setting, and the time to draw a texture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--rounds', type=int, default=9)
    arguments = parser.parse_args()
    for size_px, cells in SETTINGS:
        print(compare(size_px, cells, arguments.rounds))
        side_px = size_px * 3 // 2
        print(
            f'  textures of {side_px} px:', ', '.join(f'{name} {texture_ms(name, side_px):.1f} ms' for name in FAMILIES)
        )


if __name__ == '__main__':
    main()
