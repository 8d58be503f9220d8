"""How much of each window a file really fills, and how much of it is cloud."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.regions.windows.lattice import Candidates
from geo_noisy.regions.windows.reader import Grid, PlacedFile, UnreadableFileError, WindowReader


@dataclass(frozen=True)
class Limits:
    """What a window must offer at a date for the date to count.

    Attributes:
        footprint: ``data`` reads the masks of files that have any, and of warped files; ``bounds`` trusts the
            files' bounds.
        max_nodata: Largest share of a window's pixels without data, in [0, 1].
        max_cloud: Largest cloud cover in percent, by the table's column and by the mask band; None for no limit.
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
        if self.max_cloud is not None and not 0 <= self.max_cloud <= 100:
            raise ValueError(f'max_cloud is {self.max_cloud}; the cover in percent must lie in [0, 100].')
        if self.cloud_band is not None and self.max_cloud is None:
            raise ValueError('cloud_band needs max_cloud, the cover in percent that is still accepted.')


def refused(windows: Candidates, files: pd.DataFrame, sites: pd.DataFrame, *, size_px: int, limits: Limits) -> NDArray:
    """The reason why a window's date does not count, or an empty text; shape [n].

    Args:
        windows: Windows and files, sorted by file.
        files: The placed files.
        sites: Their grids.
        size_px: Side of a window.
        limits: What is asked for.
    """
    reasons = np.full(len(windows.file), '', dtype=object)
    if limits.max_cloud is not None:
        reasons[files['cloud'].to_numpy()[windows.file] > limits.max_cloud] = (
            f'cloud cover above {limits.max_cloud:g} %'
        )
    reader = WindowReader()
    edges = np.searchsorted(windows.file, np.arange(len(files) + 1))
    for number, capture, grid in placed_files(files, sites):
        rows = slice(edges[number], edges[number + 1])
        looked = (limits.footprint == 'data' and (capture.masked or capture.warped)) or limits.cloud_band is not None
        if not looked or rows.start == rows.stop:
            continue
        try:
            shares = _shares(reader, capture, grid, windows.col[rows], windows.row[rows], size_px, limits)
        except UnreadableFileError:
            reasons[rows] = 'the file cannot be read'
            continue
        reasons[rows] = np.where(shares[0] > limits.max_nodata, f'nodata above {limits.max_nodata:g}', reasons[rows])
        most = 100.0 if limits.max_cloud is None else limits.max_cloud
        cloudy = shares[1] * 100 > most
        reasons[rows] = np.where(cloudy, f'cloud cover above {most:g} %', reasons[rows])
    reader.close()
    return reasons


def placed_files(files: pd.DataFrame, sites: pd.DataFrame) -> list[tuple[int, PlacedFile, Grid]]:
    """Number, capture and grid of each file."""
    grids = [Grid(*values) for values in sites[list(Grid._fields)].itertuples(index=False)]
    captures = files[list(PlacedFile._fields)].itertuples(index=False)
    return [
        (number, PlacedFile(*capture), grids[site])
        for number, (capture, site) in enumerate(zip(captures, files['site'], strict=True))
    ]


def _shares(
    reader: WindowReader,
    capture: PlacedFile,
    grid: Grid,
    cols: NDArray[np.int32],
    rows: NDArray[np.int32],
    size_px: int,
    limits: Limits,
) -> NDArray[np.float64]:
    """Shares of nodata and of cloud in each window, shape [2, n]; the file is read a row of windows at a time."""
    shares = np.zeros((2, len(cols)))
    for row in np.unique(rows):
        mine = np.flatnonzero(rows == row)
        first, last = int(cols[mine].min()), int(cols[mine].max()) + size_px
        place = {'col': first, 'row': int(row), 'width_px': last - first, 'height_px': size_px}
        if limits.footprint == 'data':
            shares[0, mine] = _window_means(~reader.valid(capture, grid, **place), cols[mine] - first, size_px)
        if limits.cloud_band is not None:
            pixels = reader.read(capture, grid, **place)[0]
            if limits.cloud_band > len(pixels):
                raise ValueError(f'cloud_band is {limits.cloud_band}, but {capture.paths[0]} has {len(pixels)} bands.')
            clouds = np.isin(pixels[limits.cloud_band - 1], limits.cloud_values)
            shares[1, mine] = _window_means(clouds, cols[mine] - first, size_px)
    return shares


def _window_means(marked: NDArray[np.bool_], starts: NDArray[np.int32], size_px: int) -> NDArray[np.float64]:
    """Share of marked pixels in the windows of one strip [size, width] that start at these columns."""
    sums = np.concatenate([[0], np.cumsum(marked.sum(axis=0, dtype=np.int64))])
    return np.asarray((sums[starts + size_px] - sums[starts]) / size_px**2)
