"""Bounds of files, in their own CRS and in others."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.exceptions import ProjError

Bounds = NDArray[np.float64]
"""Rows ``(left, bottom, right, top)``, shape [n, 4]."""


def file_bounds(files: pd.DataFrame) -> Bounds:
    """Bounds of files in their own CRS, shape [n, 4]."""
    x0, y0 = files['x0'].to_numpy(), files['y0'].to_numpy()
    right = x0 + files['res_x'].to_numpy() * files['width'].to_numpy()
    return np.column_stack([x0, y0 - files['res_y'].to_numpy() * files['height'].to_numpy(), right, y0])


def transform_bounds(files: pd.DataFrame, target: str) -> Bounds:
    """Bounds of files in another CRS, shape [n, 4]; infinite where it does not reach, or a file's CRS is local."""
    bounds = file_bounds(files)
    for name in files['crs'].unique():
        rows = np.flatnonzero(files['crs'].to_numpy() == name)
        if name != target:
            try:
                change = Transformer.from_crs(name, target, always_xy=True)
            except ProjError:  # a local CRS has no way to any other
                bounds[rows] = np.inf
                continue
            for row in rows:
                left, bottom, right, top = bounds[row]
                bounds[row] = change.transform_bounds(left, bottom, right, top)
    return bounds
