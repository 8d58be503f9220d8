"""One row a location, as geopandas shows it."""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.pair_noise import noise_of_pairs
from geo_noisy.regions.runs import Runs
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows.locations import SPLITS

_SPLIT_NAMES = dict(enumerate(SPLITS)) | {-1: 'margin', -2: ''}


def location_frame(index: RegionTables, strata: dict[str, Runs]) -> gpd.GeoDataFrame:
    """One row a location; see :attr:`PairIndex.index`.

    Args:
        index: The locations and their dates.
        strata: Runs of the pairs of each stratum.
    """
    counts = {name: runs.counts(len(index)) for name, runs in strata.items()}
    times = np.split(from_seconds(index.times).to_numpy(), index.offsets[1:-1])
    columns = {
        'site': index.locations.site,
        'place': index.locations.place,
        'split': pd.Categorical([_SPLIT_NAMES[code] for code in index.locations.split.tolist()]),
        'dates': times,
        'misalignment_px': misalignment_px(index),
        'pairs': sum(counts.values()),
        'pairs_noisy': counts['noisy'],
        'pairs_unknown': counts['unknown'],
    }
    if np.diff(index.offsets).max() <= 2:
        number = np.arange(len(index))
        rows = np.column_stack([number, np.zeros_like(number), np.diff(index.offsets) - 1])
        columns |= noise_of_pairs(index, rows)._asdict()
        if index.estimate is not None:
            columns['estimate'] = _of_single_pairs(index, index.estimate)
    return gpd.GeoDataFrame(columns, geometry=index.windows_in(index.crs), crs=index.crs)


def _of_single_pairs(index: RegionTables, estimate: NDArray[np.float64]) -> NDArray[np.float64]:
    """The estimate of each location's only pair, [n]; NaN where it has a single date."""
    found = np.full(len(index), np.nan)
    found[np.diff(index.offsets) == 2] = estimate
    return found


def misalignment_px(index: RegionTables) -> NDArray[np.float64]:
    """How far the worst date of each location is moved along x or y by snapping to the grid, in pixels; [n]."""
    return np.maximum.reduceat(index.files['shift_px'].to_numpy()[index.dates], index.offsets[:-1])
