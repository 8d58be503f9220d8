"""The tables of a region: locations, their dates and their events, and what follows from them alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_noisy.regions.band_statistics import BandStatistics
from geo_noisy.regions.files.captures import Content
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.exclusions import Exclusion
from geo_noisy.regions.noise.events import Events, Method
from geo_noisy.regions.ragged import row_of_flat
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.windows.antimeridian import unwrapped
from geo_noisy.regions.windows.grid import WGS84
from geo_noisy.regions.windows.locations import Locations

Ints = NDArray[np.int64]
_NO_POSITIONS = 'location, earlier and later date must be positions in the index'


@dataclass(frozen=True, eq=False)
class RegionTables:
    """Locations x dates. What reads them takes these tables; :class:`~geo_noisy.pairs.PairIndex` puts it together.

    Attributes:
        size_px: Side of the windows in pixels.
        stride_px: Distance of neighbouring windows in pixels.
        sites: Grids: one row a place whose files overlap, see
            :class:`~geo_noisy.regions.windows.grid.PlacedFiles`.
        files: Captures on these grids.
        locations: Windows, [n].
        offsets: Where the dates of each location start, [n + 1].
        dates: File of each date, sorted by time within a location, [d].
        events: What changed where and when; None while noise is unknown.
        noise_method: How the share of a window is measured.
        rules: Which dates make a pair, and when it is noisy.
        statistics: Means and deviations of the bands, from the training split.
        excluded: What was left out on the way, and why.
        content: What the captures hold, bands and masks by name, and how their files are read.
        doubts: What was assumed on the way, or looks odd.
        estimate: How unlike every two dates of a location look to an encoder, against what is usual (see
            :mod:`geo_noisy.audit.estimate`), beside the flags and never in their place; NaN where they share no
            ground with data. Flat, see :mod:`geo_noisy.regions.pair_estimates`; None where none was made.
    """

    size_px: int
    stride_px: int
    sites: pd.DataFrame
    files: pd.DataFrame
    locations: Locations
    offsets: Ints
    dates: NDArray[np.int32]
    events: Events | None = None
    noise_method: Method = 'area'
    rules: PairRules = field(default_factory=PairRules)
    statistics: BandStatistics | None = None
    excluded: tuple[Exclusion, ...] = ()
    content: Content = field(default_factory=Content)
    doubts: tuple[Doubt, ...] = ()
    estimate: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Number of locations."""
        return len(self.locations)

    @cached_property
    def times(self) -> Ints:
        """Time of each date in seconds since 1970 (UTC), shape [d]."""
        return self.files['time'].to_numpy(dtype=np.int64)[self.dates]

    def location_of_dates(self) -> Ints:
        """Location of each date, shape [d]."""
        return row_of_flat(self.offsets)

    def pair_times(self, rows: Ints) -> Ints:
        """Times of both dates of pairs ``(location, earlier, later)`` in seconds, shape [n, 2].

        Raises:
            IndexError: If a location or a date lies outside the index.
        """
        location, dates = rows[:, 0], rows[:, 1:]
        if len(rows) and (rows.min() < 0 or location.max() >= len(self)):
            raise IndexError(f'{_NO_POSITIONS}: it has {len(self)} locations.')
        first = self.offsets[location]
        if (dates >= (self.offsets[location + 1] - first)[:, None]).any():
            raise IndexError(f'{_NO_POSITIONS}: a location has fewer dates than asked for.')
        return np.asarray(self.times[first[:, None] + dates])

    def corners(self, rows: Ints | None = None) -> NDArray[np.float64]:
        """Upper left corners (x, y) in the CRS of each location's site, of all or of some locations; shape [n, 2]."""
        chosen = self.locations if rows is None else self.locations.take(rows)
        x0, y0, res_x, res_y = (self._of_site(name, chosen) for name in ('x0', 'y0', 'res_x', 'res_y'))
        return np.column_stack([x0 + chosen.col * res_x, y0 - chosen.row * res_y])

    def windows(self, rows: Ints | None = None) -> NDArray[np.object_]:
        """Windows as boxes in the CRS of each location's site, of all or of some locations; shape [n]."""
        chosen = self.locations if rows is None else self.locations.take(rows)
        left, top = self.corners(rows).T
        width, height = (self.size_px * self._of_site(name, chosen) for name in ('res_x', 'res_y'))
        return np.asarray(shapely.box(left, top - height, left + width, top))

    def windows_in(self, crs: str) -> NDArray[np.object_]:
        """Windows of all locations in one CRS, shape [n]."""
        boxes = self.windows()
        for rows, name in self.by_crs():
            if name != crs:
                boxes[rows] = gpd.GeoSeries(boxes[rows], crs=name).to_crs(crs).to_numpy()
        return unwrapped(boxes) if crs == WGS84 else boxes

    @property
    def crs(self) -> str:
        """The CRS that all sites share, else longitude and latitude."""
        names = self.sites['crs'].unique()
        return str(names[0]) if len(names) == 1 else WGS84

    def by_crs(self) -> Iterator[tuple[Ints, str]]:
        """Locations of each CRS."""
        names, number = np.unique(self.sites['crs'].to_numpy(dtype=str), return_inverse=True)
        for position, name in enumerate(names):
            yield np.flatnonzero(number[self.locations.site] == position), str(name)

    def _of_site(self, column: str, locations: Locations) -> NDArray[np.float64]:
        """A column of ``sites`` for each of some locations."""
        return self._site_columns[column][locations.site]

    @cached_property
    def _site_columns(self) -> dict[str, NDArray[np.float64]]:
        return {name: self.sites[name].to_numpy(dtype=np.float64) for name in ('x0', 'y0', 'res_x', 'res_y')}
