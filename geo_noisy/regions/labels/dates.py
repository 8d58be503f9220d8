"""Which image of a window its labels are shown with."""

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.dates.read import seconds
from geo_noisy.regions.ragged import row_of_flat
from geo_noisy.regions.tables import RegionTables


def chosen_dates(tables: RegionTables, date: str) -> NDArray[np.int64]:
    """Location and position among its dates of each chosen image, [n, 2].

    Args:
        tables: The windows.
        date: ``latest``, ``earliest``, ``all``, or a date: the image nearest to it, the earlier of two as near.

    Raises:
        ValueError: If it is none of these.
    """
    location = row_of_flat(tables.offsets)
    position = np.arange(len(location)) - tables.offsets[location]
    rows = np.column_stack([location, position]).astype(np.int64)
    if date == 'all':
        return rows
    if date in ('latest', 'earliest'):
        chosen = tables.offsets[1:] - 1 if date == 'latest' else tables.offsets[:-1]
        return rows[chosen]
    where = "date (one of 'latest', 'earliest', 'all', or a day)"
    distance = np.abs(tables.times - seconds(date, where=where, checked=True))
    order = np.lexsort((position, distance, location))
    return rows[order[tables.offsets[:-1]]]
