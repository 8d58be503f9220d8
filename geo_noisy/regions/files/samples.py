"""A few pixels of a few files: what values look like where no header says what they mean."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from geo_noisy.regions.files.captures import Layer
from geo_noisy.regions.files.opening import open_raster
from geo_noisy.regions.files.problems import RasterProblemError

_WHOLE_PX = 256  # files up to this side are read whole
_PATCH_PX, _PATCHES = 48, 4  # of others, a square of this side in each of 4 x 4 places, the corners among them
MOST_FILES = 64
_MASK_SHARE, _MOSTLY = 0.99, 0.5


class Sample(NamedTuple):
    """Pixels of a capture."""

    values: NDArray[Any]
    """Of each band, [C, n]."""
    border: NDArray[np.bool_]
    """Which lie at the border of the file, [n]."""

    @property
    def border_value(self) -> float:
        """The most common value at the border of the first band; NaN where there is none."""
        values, counts = np.unique(self.values[0][self.border], return_counts=True)
        return float(values[counts.argmax()]) if len(values) else float('nan')

    def without(self, values: Sequence[float]) -> 'Sample':
        """The pixels that are none of some values in all bands."""
        kept = ~np.isin(self.values, [value for value in values if not np.isnan(value)]).all(axis=0)
        return Sample(self.values[:, kept], self.border[kept])

    def share_of(self, value: float) -> float:
        """Share of the pixels that have a value in all bands, in [0, 1]."""
        return float((self.values == value).all(axis=0).mean())

    def looks_like_mask(self, band: int) -> bool:
        """Whether a band (from 1) holds no other values than 0 and 255, as masks do."""
        values = self.values[band - 1]
        return bool(np.isin(values, (0, 255)).mean() >= _MASK_SHARE)

    def looks_like_feathered_mask(self, band: int) -> bool:
        """Whether a band (from 1) is a mask, perhaps with soft edges: no picture has 255 in most pixels above 0."""
        shown = self.values[band - 1][self.values[band - 1] > 0]
        return self.looks_like_mask(band) or (len(shown) > 0 and bool((shown == 255).mean() > _MOSTLY))


def sample_layers(layers: Sequence[Layer]) -> Sample | None:
    """Read a sample of some layers of one capture; None where a file is damaged, or the files' sizes differ."""
    numbers: dict[str, list[int]] = {}
    for layer in layers:
        numbers.setdefault(layer.path, []).append(layer.number)
    parts = []
    try:
        for path, bands in numbers.items():
            with open_raster(path) as file:
                parts.append(_read(file, bands))
    except (RasterioIOError, RasterProblemError):
        return None
    if len({part.values.shape[1] for part in parts}) > 1:
        return parts[0]
    return Sample(np.concatenate([part.values for part in parts]), parts[0].border)


def evenly[T](items: Sequence[T], most: int = MOST_FILES) -> list[T]:
    """Some of many, from the first to the last."""
    if len(items) <= most:
        return list(items)
    return [items[position] for position in np.linspace(0, len(items) - 1, most).round().astype(int)]


def _read(file: Any, bands: Sequence[int]) -> Sample:
    values, border = [], []
    for window in _windows(file.width, file.height):
        pixels = file.read(list(bands), window=window)
        rows = np.arange(window.row_off, window.row_off + window.height)
        cols = np.arange(window.col_off, window.col_off + window.width)
        edge_row, edge_col = (rows == 0) | (rows == file.height - 1), (cols == 0) | (cols == file.width - 1)
        border.append((edge_row[:, None] | edge_col[None]).ravel())
        values.append(pixels.reshape(len(pixels), -1))
    return Sample(np.concatenate(values, axis=1), np.concatenate(border))


def _windows(width: int, height: int) -> list[Window]:
    if max(width, height) <= _WHOLE_PX:
        return [Window(0, 0, width, height)]
    across, down = (min(_PATCH_PX, size) for size in (width, height))
    cols = np.unique(np.linspace(0, width - across, _PATCHES).astype(int)).tolist()
    rows = np.unique(np.linspace(0, height - down, _PATCHES).astype(int)).tolist()
    return [Window(col, row, across, down) for row in rows for col in cols]
