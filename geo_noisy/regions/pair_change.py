"""Where a window changed between two dates, pixel by pixel."""

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_bounds

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.regions.noise.between_dates import pair_events
from geo_noisy.regions.tables import RegionTables

CHANGED, UNKNOWN = 1, IGNORE_INDEX


def change_of_pair(tables: RegionTables, location: int, earlier: int, later: int) -> NDArray[np.uint8] | None:
    """Draw what changed between two dates of a location.

    A pixel belongs to an event that covers its middle. What may have happened between the dates is unknown, as is all
    that no polygons tell of, but for what surely changed.

    Args:
        tables: Locations, their dates and their events.
        location: Row of the location.
        earlier: Position of the earlier image among its dates.
        later: Position of the later image.

    Returns:
        1 changed, 0 not, 255 unknown, [size_px, size_px]; None where the tables tell of no noise at all.

    Raises:
        IndexError: If the location or a date lies outside the tables.
    """
    row = np.array([[location, earlier, later]])
    times = tables.pair_times(row)
    if tables.events is None:
        return None
    found = pair_events(row, times, tables.events)
    change = np.full((tables.size_px,) * 2, 0 if found.told[0] else UNKNOWN, dtype=np.uint8)
    values = np.where(found.changed, CHANGED, UNKNOWN)
    drawn = found.changed | found.unknown
    if not drawn.any():
        return change
    outlines, values = tables.events.geometry[found.flat[drawn]], values[drawn]
    order = np.argsort(-values)  # what surely changed is drawn last
    grid = from_bounds(*shapely.bounds(tables.windows(row[:, 0])[0]), tables.size_px, tables.size_px)
    shapes = [(outlines[item], int(values[item])) for item in order]
    return np.asarray(rasterio.features.rasterize(shapes, out=change, transform=grid))
