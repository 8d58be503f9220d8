"""Means and deviations of the bands over windows of the training split."""

import numpy as np

from geo_noisy.errors import InputError
from geo_noisy.regions.band_statistics import BandMoments, BandStatistics
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows.granules import place_captures
from geo_noisy.regions.windows.locations import UNASSIGNED
from geo_noisy.regions.windows.reader import Box, WindowReader


def measure_bands(index: RegionTables, *, windows: int, seed: int) -> BandStatistics:
    """Measure the bands over windows of the training split, over all locations where no split is assigned.

    Pixels without data do not count.

    Args:
        index: The index.
        windows: Windows to read, each of one random date of a random location.
        seed: Seed of their choice.

    Raises:
        InputError: If none of the windows has valid pixels.
        ValueError: If there are to be none.
    """
    if windows < 1 or seed < 0:
        raise ValueError(
            f'windows is {windows} and seed {seed}; give at least one window (--statistics), and a seed from 0.'
        )
    split = index.locations.split
    pool = np.flatnonzero((split == 0) | (split == UNASSIGNED))
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(pool)[:windows]
    moments = BandMoments()
    captures = place_captures(index.files, index.sites, index.content)
    reader, size = WindowReader(), index.size_px
    for location in chosen:
        file = index.dates[rng.integers(index.offsets[location], index.offsets[location + 1])]
        col, row = int(index.locations.col[location]), int(index.locations.row[location])
        pixels, valid = reader.read(captures[file], Box(col, row, size, size))
        moments.add(pixels[:, valid].astype(np.float64))
    reader.close()
    if moments.pixels == 0:
        raise InputError(f'None of {len(chosen)} windows has valid pixels, so bands have no mean.')
    std = moments.std(least_variance=1e-12)
    return BandStatistics(tuple(moments.mean().tolist()), tuple(std.tolist()), len(chosen))
