"""Labels that lie on other ground than the images."""

from collections.abc import Sequence

import shapely

from geo_noisy.errors import InputError
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows.grid import WGS84


def elsewhere(told: str, bounds: Sequence[float], tables: RegionTables) -> InputError:
    """The error of labels that reach no window, with where both lie.

    Args:
        told: The labels.
        bounds: Left, bottom, right and top of them, in degrees.
        tables: The windows.
    """
    windows = shapely.total_bounds(tables.windows_in(WGS84)).tolist()
    return InputError(
        f'The labels {told} reach none of {len(tables)} windows. Do they lie on the same ground? '
        f'Labels: {_extent(bounds)}; windows: {_extent(windows)}.'
    )


def _extent(bounds: Sequence[float]) -> str:
    left, bottom, right, top = bounds
    return f'longitude {left:.4f} to {right:.4f}, latitude {bottom:.4f} to {top:.4f}'
