"""How much of each window a file really fills, and how much of it is cloud."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.engines import each
from geo_noisy.regions.files.remote import carried
from geo_noisy.regions.windows.granules import PlacedCapture
from geo_noisy.regions.windows.lattice import Candidates
from geo_noisy.regions.windows.reader import Box, UnreadableFileError, WindowReader

WINDOWS_AT_ONCE = 16_384


@dataclass(frozen=True)
class Limits:
    """What a window must offer at a date for the date to count.

    Attributes:
        footprint: ``data`` reads the masks of files that have any, and of warped files; ``bounds`` trusts the
            files' bounds.
        max_nodata: Largest share of a window's pixels without data, in [0, 1].
        max_cloud: Largest cloud cover in percent, by the table's column, by the product's masks in each window, and by
            the band that marks clouds; None for no limit.
        cloud_band: Band (from 1) that marks clouds.
        cloud_values: Values of that band that are clouds.
    """

    footprint: Literal['data', 'bounds'] = 'data'
    max_nodata: float = 0.1
    max_cloud: float | None = None
    cloud_band: int | None = None
    cloud_values: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        """Check the arguments once, where they enter."""
        if self.footprint not in ('data', 'bounds'):
            raise ValueError(f"footprint is {self.footprint!r}; choose 'data' or 'bounds'.")
        if not 0 <= self.max_nodata <= 1:
            raise ValueError(f'max_nodata is {self.max_nodata}; the share must lie in [0, 1].')
        if self.footprint == 'bounds' and self.max_nodata != Limits.max_nodata:
            raise ValueError(
                'max_nodata cannot act where footprint is bounds, which looks at no pixels; leave one away.'
            )
        if self.max_cloud is not None and not 0 <= self.max_cloud <= 100:
            raise ValueError(f'max_cloud is {self.max_cloud}; the cover in percent must lie in [0, 100].')
        if self.cloud_band is not None and self.max_cloud is None:
            raise ValueError('cloud_band needs max_cloud, the cover in percent that is still accepted.')
        if self.cloud_band is not None and self.cloud_band < 1:
            raise ValueError(f'cloud_band is {self.cloud_band}; bands count from 1.')
        if self.cloud_band is None and self.cloud_values != (1,):
            raise ValueError('cloud_values are values of the band that marks clouds; give cloud_band, too.')


def refused(
    windows: Candidates, files: pd.DataFrame, captures: Sequence[PlacedCapture], *, size_px: int, limits: Limits
) -> NDArray:
    """The reason why a window's date does not count, or an empty text; shape [n].

    Args:
        windows: Windows and files, sorted by file.
        files: The placed files.
        captures: The captures that they name.
        size_px: Side of a window.
        limits: What is asked for.
    """
    reasons = np.full(len(windows.file), '', dtype=object)
    parts = list(_parts(windows, files, captures, limits))
    measure = carried(partial(_measured, captures=captures, size_px=size_px, limits=limits))
    found = each(measure, parts, what='pixels with data')
    most = 100.0 if limits.max_cloud is None else limits.max_cloud
    for part, shares in zip(parts, found, strict=True):
        if shares is not None:
            reasons[part.rows] = np.where(shares[0] > limits.max_nodata, f'nodata above {limits.max_nodata:g}', '')
            cloudy = shares[1] * 100 > most
            reasons[part.rows] = np.where(cloudy, f'cloud cover above {most:g} %', reasons[part.rows])
    unread = {part.capture for part, shares in zip(parts, found, strict=True) if shares is None}
    reasons[np.isin(windows.file, list(unread))] = 'the file cannot be read'
    return reasons


class _Part(NamedTuple):
    """Whole rows of windows of one capture."""

    capture: int
    rows: NDArray[np.int64]
    """Which windows, [n]."""
    window_col: NDArray[np.int32]
    window_row: NDArray[np.int32]


def _parts(
    windows: Candidates, files: pd.DataFrame, captures: Sequence[PlacedCapture], limits: Limits
) -> Iterator[_Part]:
    """The windows whose pixels are looked at."""
    edges = np.searchsorted(windows.file, np.arange(len(files) + 1))
    for number, capture in enumerate(captures):
        told = any(granule.masked or granule.warped for granule in capture.granules)
        looked = (limits.footprint == 'data' and told) or (
            limits.max_cloud is not None and _tells_cloud(capture, limits)
        )
        if not looked or edges[number] == edges[number + 1]:
            continue
        mine = np.arange(edges[number], edges[number + 1])
        mine = mine[np.argsort(windows.row[mine], kind='stable')]
        starts = np.flatnonzero(np.diff(windows.row[mine])) + 1
        for first in np.split(mine, starts[_crossing(starts, WINDOWS_AT_ONCE)]):
            yield _Part(number, first, windows.col[first], windows.row[first])


def _crossing(starts: NDArray[np.int64], step: int) -> NDArray[np.bool_]:
    """Which of some sorted positions are the first beyond a multiple of a step."""
    return np.asarray(np.diff(starts // step, prepend=0) > 0)


def _measured(
    part: _Part, *, captures: Sequence[PlacedCapture], size_px: int, limits: Limits
) -> NDArray[np.float64] | None:
    """Shares of nodata and of cloud, [2, n]; None where the file cannot be read."""
    reader = WindowReader()
    try:
        return _shares(reader, captures[part.capture], part.window_col, part.window_row, size_px, limits)
    except UnreadableFileError:
        return None
    finally:
        reader.close()


def _tells_cloud(capture: PlacedCapture, limits: Limits) -> bool:
    return limits.cloud_band is not None or any(granule.tells_cloud for granule in capture.granules)


def _shares(
    reader: WindowReader,
    capture: PlacedCapture,
    cols: NDArray[np.int32],
    rows: NDArray[np.int32],
    size_px: int,
    limits: Limits,
) -> NDArray[np.float64]:
    """Shares of nodata and of cloud in each window, shape [2, n]; files are read a row of windows at a time."""
    shares = np.zeros((2, len(cols)))
    by_mask = limits.max_cloud is not None and any(granule.tells_cloud for granule in capture.granules)
    for row in np.unique(rows):
        mine = np.flatnonzero(rows == row)
        first, last = int(cols[mine].min()), int(cols[mine].max()) + size_px
        strip, starts = Box(first, int(row), last - first, size_px), cols[mine] - first
        if limits.footprint == 'data':
            shares[0, mine] = _window_means(~reader.valid(capture, strip), starts, size_px)
        if by_mask:
            shares[1, mine] = _window_means(reader.cloudy(capture, strip), starts, size_px)
        if limits.cloud_band is not None:
            pixels = reader.read(capture, strip)[0]
            if limits.cloud_band > len(pixels):
                path = capture.granules[0].path
                raise ValueError(f'cloud_band is {limits.cloud_band}, but {path} has {len(pixels)} bands.')
            clouds = np.isin(pixels[limits.cloud_band - 1], limits.cloud_values)
            shares[1, mine] = np.maximum(shares[1, mine], _window_means(clouds, starts, size_px))
    return shares


def _window_means(marked: NDArray[np.bool_], starts: NDArray[np.int32], size_px: int) -> NDArray[np.float64]:
    """Share of marked pixels in the windows of one strip [size, width] that start at these columns."""
    sums = np.concatenate([[0], np.cumsum(marked.sum(axis=0, dtype=np.int64))])
    return np.asarray((sums[starts + size_px] - sums[starts]) / size_px**2)
