"""Several files of one look in types of their own: values beside a quality band, or beside a picture for the eye."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from geo_noisy.regions.files.described import Described


def without_renderings(described: Sequence[Described]) -> tuple[list[Described], list[tuple[str, str]]]:
    """Of captures of one time, sensor and extent, those of the type that most captures have, of equal ones the widest.

    Args:
        described: Captures of no known product.

    Returns:
        The captures that are kept, and (reason, example) of each other.
    """
    looks: dict[Hashable, set[str]] = defaultdict(set)
    for capture in described:
        looks[_look(capture)].add(_dtype(capture))
    usual = Counter(map(_dtype, described))
    kept, left = [], []
    for capture in described:
        dtype = max(looks[_look(capture)], key=lambda name: (usual[name], np.dtype(name).itemsize, name))
        if _dtype(capture) == dtype:
            kept.append(capture)
        else:
            reason = f'of {_dtype(capture)} beside a file of {dtype} of the same look; index it apart'
            left.append((reason, capture.first.path))
    return kept, left


def _look(capture: Described) -> Hashable:
    grid, told = capture.finest, capture.capture
    corners = grid.x0, grid.y0, grid.x0 + grid.width * grid.res_x, grid.y0 - grid.height * grid.res_y
    return told.time, told.sensor, grid.crs, tuple(round(corner, 3) for corner in corners)


def _dtype(capture: Described) -> str:
    return capture.dtype(capture.bands[0])
