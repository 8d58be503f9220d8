"""Captures with the headers of their files: what is known before it is settled how they are read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geo_noisy.regions.files.bounds import transform_bounds
from geo_noisy.regions.files.captures import Capture, Layer
from geo_noisy.regions.files.headers import Header
from geo_noisy.regions.files.problems import RasterProblemError

_SLACK = 1e-6  # of a pixel, for rounding


@dataclass(frozen=True)
class Described:
    """A capture, its files' headers, and its bands.

    Attributes:
        capture: The capture.
        headers: Headers of its files by path.
        bands: Its bands by name, in order.
        masks: Its masks.
    """

    capture: Capture
    headers: dict[str, Header]
    bands: tuple[Layer, ...]
    masks: tuple[Layer, ...]

    @property
    def first(self) -> Header:
        """Header of the file of the first band."""
        return self.headers[self.bands[0].path]

    @property
    def finest(self) -> Header:
        """Header of the file with the smallest pixels of those with bands; it is the grid of the capture."""
        files = [self.headers[path] for path in dict.fromkeys(band.path for band in self.bands)]
        return min(files, key=lambda header: header.res_x * header.res_y)

    @property
    def flagged(self) -> int:
        """Number of the band that is flagged as alpha, of a file with all bands; 0 for none."""
        header = self.headers[self.capture.paths[0]]
        return header.alpha if len(self.capture.paths) == 1 and header.count > 1 else 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its bands."""
        return tuple(band.name for band in self.bands)

    def with_alpha_as_mask(self, number: int) -> 'Described':
        """Take a band for a mask that is 0 where there is no data."""
        bands = tuple(band for band in self.bands if band.number != number)
        named = tuple(
            Layer(str(k), *band[1:]) if band.name.isdigit() else band for k, band in enumerate(bands, start=1)
        )
        if number == self.flagged:  # GDAL reads it as the file's own mask
            return replace(self, bands=named)
        return replace(self, bands=named, masks=(*self.masks, Layer('alpha', self.capture.paths[0], number)))

    def dtype(self, band: Layer) -> str:
        """Type of a band."""
        return self.headers[band.path].dtypes[band.number - 1]


def describe_capture(capture: Capture, read: Callable[[str], Header]) -> Described:
    """Read the headers of a capture's files.

    Args:
        capture: The capture.
        read: Reads the header of a file.

    Raises:
        RasterProblemError: If a file cannot serve, lacks a band, or covers other ground than the first.
    """
    layers = (*capture.bands, *capture.masks)
    paths = list(dict.fromkeys([*capture.paths, *(layer.path for layer in layers)]))
    headers = {path: read(path) for path in paths}
    first = headers[capture.paths[0]]
    if any(not same_ground(first, header) for header in headers.values() if header is not first):
        raise RasterProblemError('its bands, in files of their own, cover other ground')
    for layer in layers:
        if layer.number > headers[layer.path].count:
            there = headers[layer.path].count
            raise RasterProblemError(f'{layer.name} is band {layer.number} of its file, which has {there}')
    return Described(capture, headers, capture.bands or _own_bands(capture, headers), capture.masks)


def _own_bands(capture: Capture, headers: dict[str, Header]) -> tuple[Layer, ...]:
    """Bands of files that no product names: all of one file, or the first of each of several."""
    if len(capture.paths) > 1:
        return tuple(Layer(str(k), path) for k, path in enumerate(capture.paths, start=1))
    header = headers[capture.paths[0]]
    told = [name for number, name in enumerate(header.names, start=1) if number != header.alpha]
    named = all(told) and len(set(told)) == len(told) and not any(name.isdigit() for name in told)
    names = header.names if named else [''] * header.count
    return tuple(Layer(name or str(k), header.path, k) for k, name in enumerate(names, start=1))


def same_ground(first: Header, other: Header) -> bool:
    """Whether two files have one extent, to a pixel of the coarser, in a CRS that may be spelt in two ways."""
    frame = pd.DataFrame([_grid(first), _grid(other)])
    bounds = transform_bounds(frame, first.crs)
    coarser = np.array([[header.res_x, header.res_y] * 2 for header in (first, other)]).max(axis=0)
    return bool((np.abs(bounds[0] - bounds[1]) <= coarser * (1 + _SLACK)).all())


def _grid(header: Header) -> dict[str, Any]:
    return {name: getattr(header, name) for name in ('crs', 'x0', 'y0', 'res_x', 'res_y', 'width', 'height')}
