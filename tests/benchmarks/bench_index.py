"""How long it takes to index many windows against many polygons, and how much memory.

Run: python tests/benchmarks/bench_index.py [--windows 1000000] [--polygons 100000]
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_noisy.pairs import FileScan, Limits, PairIndex, build_index, change_polygons
from geo_noisy.regions.dates.read import seconds

CRS = 'EPSG:32633'


def table(windows: int, *, size_px: int, dates: int) -> FileScan:
    """Headers of files that cover a square of windows at some dates; no file is read."""
    side = int(np.ceil(np.sqrt(windows))) * size_px
    frame = pd.DataFrame(
        {
            'paths': [(f'{date}.tif',) for date in range(dates)],
            'time': [seconds(f'{2018 + date}-06-01') for date in range(dates)],
            'crs': CRS, 'x0': 400_000.0, 'y0': 5_000_000.0, 'res_x': 10.0, 'res_y': 10.0, 'width': side,
            'height': side, 'bands': 4, 'dtype': 'uint8', 'nodata': np.nan, 'masked': False,
            'sensor': '', 'cloud': np.nan, 'layers': [tuple((0, band) for band in range(1, 5))] * dates,
            'masks': [()] * dates, 'scales': [(1.0,) * 4] * dates, 'offsets': [(0.0,) * 4] * dates,
            'stored': [((1, 1, 4, 'uint16', 0.0, 0.0, 1.0, 1.0, True),)] * dates, 'coarser': False,
        }
    )  # fmt: skip
    return FileScan(frame)


def buildings(count: int, *, extent_m: float, seed: int = 0) -> gpd.GeoDataFrame:
    """Rotated boxes of 10 to 200 m, with event dates."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, extent_m, (2, count))
    half = rng.uniform(5, 100, (2, count))
    angle = rng.uniform(0, np.pi, count)
    corners = np.stack([half * np.array(sign)[:, None] for sign in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    turned_x = corners[:, 0] * np.cos(angle) - corners[:, 1] * np.sin(angle)
    turned_y = corners[:, 0] * np.sin(angle) + corners[:, 1] * np.cos(angle)
    rings = np.stack([400_000 + x + turned_x, 5_000_000 - y + turned_y], axis=-1).transpose(1, 0, 2)
    events = pd.to_datetime('2018-01-01') + pd.to_timedelta(rng.integers(0, 5 * 365, count), unit='D')
    return gpd.GeoDataFrame({'event': events}, geometry=shapely.polygons(rings), crs=CRS)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the seconds and the peak memory after a step."""
    start = time.perf_counter()
    yield
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f'{what:<34}{time.perf_counter() - start:7.2f} s   peak {peak_gib:5.2f} GiB')


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--windows', type=int, default=1_000_000)
    parser.add_argument('--polygons', type=int, default=100_000)
    parser.add_argument('--dates', type=int, default=5)
    args = parser.parse_args()
    scan = table(args.windows, size_px=64, dates=args.dates)
    with timed('locations and dates'):
        index = build_index(scan, size_px=64, limits=Limits(footprint='bounds'))
    outlines = buildings(args.polygons, extent_m=float(scan.files['width'].iloc[0]) * 10)
    with timed('noise'):
        index = index.with_noise(change_polygons(outlines, event_column='event'))
    with timed('strata'):
        counts = {name: index.count(name) for name in ('clean', 'noisy', 'unknown')}
    with timed('splits'):
        index = index.with_splits(margin_px=32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'pairs.parquet'
        Path(folder, '0.tif').touch()
        with timed('write'):
            index.write(path)
        print(f'file: {path.stat().st_size / 2**20:.0f} MiB')
        with timed('read'):
            PairIndex.read(path, root=folder)
    print(f'{len(index):,} windows, {len(outlines):,} polygons, {args.dates} dates: {counts}')


if __name__ == '__main__':
    main()
