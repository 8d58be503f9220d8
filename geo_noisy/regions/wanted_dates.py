"""Which dates of an index are asked for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.dates.read import from_seconds, period
from geo_noisy.regions.tables import RegionTables


def wanted_dates(
    index: RegionTables,
    *,
    toi: tuple[object, object] | None,
    months: Sequence[int] | None,
    sensors: Sequence[str] | None,
) -> NDArray[np.bool_]:
    """Which dates lie in a time of interest, in some months, and come from some sensors; shape [d].

    Raises:
        ValueError: If a month is none, or a sensor is not in the index.
    """
    kept = np.ones(len(index.times), dtype=bool)
    if toi is not None:
        start, stop = period(toi)
        kept &= (index.times >= start) & (index.times <= stop)
    if months is not None:
        if not months or not set(months) <= set(range(1, 13)):
            raise ValueError(f'months are {list(months)}; give some, from 1 to 12.')
        kept &= np.isin(from_seconds(index.times).month, list(months))
    if sensors is not None:
        there = index.files['sensor'].unique().tolist()
        missing = set(sensors) - set(there)
        if missing:
            raise ValueError(f'No file comes from sensor {", ".join(sorted(missing))}; there are {there}.')
        kept &= index.files['sensor'].isin(list(sensors)).to_numpy()[index.dates]
    return kept
