"""Draws per second of PairSampler, beside TorchGeo's own random samplers.

Run: python tests/benchmarks/bench_sampler.py [--torchgeo 1000 10000 100000]
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from torchgeo.datasets import GeoDataset
from torchgeo.samplers import RandomPatchSampler, RandomTimestampSampler

sys.path.insert(0, str(Path(__file__).parents[2]))

from geo_noisy.pairs import PairPolicy
from geo_noisy.samplers import PairSampler
from tests.data.regions import random_index

TILE_PX = 96


class Tiles(GeoDataset):
    """TorchGeo's view of the same: touching tiles of 96 px at three dates, without files."""

    def __init__(self, locations: int, *, dates: int = 3) -> None:
        """Lay out the tiles."""
        side = int(np.ceil(np.sqrt(locations)))
        number = np.arange(locations)
        x, y = number % side * float(TILE_PX), number // side * float(TILE_PX)
        boxes = np.tile(shapely.box(x, y, x + TILE_PX, y + TILE_PX), dates)
        times = [pd.Timestamp(f'{2000 + date}-06-01') for date in range(dates)]
        lefts = pd.DatetimeIndex(np.repeat(times, locations))
        spans = pd.IntervalIndex.from_arrays(lefts, lefts + pd.Timedelta(days=1), closed='both', name='datetime')
        self.index = gpd.GeoDataFrame({'filepath': ''}, index=spans, geometry=boxes, crs='EPSG:32633')
        self._res = (1.0, 1.0)

    def __getitem__(self, index: object) -> dict:
        """Nothing is read."""
        return {}


def rate(keys: Iterator[object], *, budget_s: float, most: int) -> tuple[float, float]:
    """Draws per second after the first, and seconds to the first."""
    start = time.perf_counter()
    next(keys)
    first = time.perf_counter() - start
    start, drawn = time.perf_counter(), 0
    while drawn < most and time.perf_counter() - start < budget_s:
        chunk = len(list(itertools.islice(keys, 1000)))
        drawn += chunk
        if chunk < 1000:
            break
    return drawn / (time.perf_counter() - start), first


def torchgeo_rate(locations: int, *, draws: int) -> tuple[float, float]:
    """Draws per second of ``RandomPatchSampler @ RandomTimestampSampler``, all included, and seconds to build it."""
    dataset = Tiles(locations)
    start = time.perf_counter()
    space = RandomPatchSampler(dataset, size=64, length=draws, generator=0)
    sampler = space @ RandomTimestampSampler(dataset, generator=0)
    built = time.perf_counter() - start
    start = time.perf_counter()
    drawn = len(list(itertools.islice(iter(sampler), draws)))
    return drawn / (time.perf_counter() - start), built


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--torchgeo', type=int, nargs='*', default=[1_000, 10_000, 100_000])
    args = parser.parse_args()
    policies = {
        'every pair': PairPolicy(),
        'undersample .25': PairPolicy(rate=0.25),
        'draw .5': PairPolicy(rate=0.5, match='draw'),
    }
    print('PairSampler                        locations   draws/s   first key (s)   strata, once (s)')
    for locations in (1_000, 100_000, 1_000_000):
        index = random_index(locations)
        start = time.perf_counter()
        index.count('clean')
        strata = time.perf_counter() - start
        for name, policy in policies.items():
            sampler = PairSampler(index, policy=policy, length=1_000_000)
            speed, first = rate(iter(sampler), budget_s=3, most=500_000)
            print(f'{name:<32}{locations:>12,}{speed:>10,.0f}{first:>16.3f}{strata:>19.2f}')
        weighted = PairSampler(index, length=1_000_000, weights=np.ones(locations))
        speed, first = rate(iter(weighted), budget_s=3, most=500_000)
        print(f'{"weights":<32}{locations:>12,}{speed:>10,.0f}{first:>16.3f}{strata:>19.2f}')
    for locations in args.torchgeo:
        speed, built = torchgeo_rate(locations, draws=500)
        print(f'{"TorchGeo random @ random":<32}{locations:>12,}{speed:>10,.0f}   (built in {built:.1f} s)')


if __name__ == '__main__':
    main()
