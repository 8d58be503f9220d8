"""PairIndex: locations and their dates, and the pairs that they make."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_noisy.pairs import frame, stratify
from geo_noisy.pairs.blocks import assign_blocks, check_filled
from geo_noisy.pairs.exclusion import Exclusion, tally
from geo_noisy.pairs.flags import pair_events, pair_flags, pair_noises
from geo_noisy.pairs.locations import MARGIN, SPLITS, UNASSIGNED, Locations
from geo_noisy.pairs.noise import Events, Method
from geo_noisy.pairs.polygons import ChangePolygons
from geo_noisy.pairs.ragged import keep_flat, row_of_flat, take_rows
from geo_noisy.pairs.rules import PairRules
from geo_noisy.pairs.runs import Runs
from geo_noisy.pairs.statistics import BandStatistics, band_statistics

Ints = NDArray[np.int64]
_NO_POSITIONS = 'location, earlier and later date must be positions in the index'


@dataclass(frozen=True, eq=False)
class PairIndex:
    """Locations x dates, and the pairs they make. One row a location; pairs are named by rank, never stored.

    Build one with :func:`~geo_noisy.pairs.build.build_index` or read one with :meth:`read`. It is a pair source: a
    :class:`~geo_noisy.samplers.PairSampler` draws from it. Every method that changes something returns a new index.

    Attributes:
        size_px: Side of the windows in pixels.
        stride_px: Distance of neighbouring windows in pixels.
        sites: Grids: one row a place whose files overlap, see :class:`~geo_noisy.pairs.grid.PlacedFiles`.
        files: Captures on these grids.
        locations: Windows, [n].
        offsets: Where the dates of each location start, [n + 1].
        dates: File of each date, sorted by time within a location, [d].
        events: What changed where and when; None while noise is unknown.
        noise_method: How the share of a window is measured.
        rules: Which dates make a pair, and when it is noisy.
        statistics: Means and deviations of the bands, from the training split.
        excluded: What was left out on the way, and why.
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

    def __len__(self) -> int:
        """Number of locations."""
        return len(self.locations)

    @property
    def coupled(self) -> bool:
        """Clean and noisy pairs of one rank do not lie at the same location."""
        return False

    @cached_property
    def times(self) -> Ints:
        """Time of each date in seconds since 1970 (UTC), shape [d]."""
        return self.files['time'].to_numpy(dtype=np.int64)[self.dates]

    @cached_property
    def strata(self) -> dict[str, Runs]:
        """Pairs of each stratum: clean, noisy and unknown. Worked out on first use."""
        return stratify.strata(self)

    def count(self, stratum: str) -> int:
        """Number of pairs in ``'clean'``, ``'noisy'`` or ``'unknown'``."""
        return self.strata[stratum].count()

    def keys(self, stratum: str, ranks: Ints) -> Ints:
        """Rows ``(location, earlier, later)``, shape [n, 3], of the pairs with these ranks in a stratum."""
        return self.strata[stratum].keys(ranks)

    def spans(self, stratum: str) -> tuple[Ints, Ints]:
        """Locations [m] that have pairs in a stratum, and where their ranks start [m + 1]."""
        return self.strata[stratum].spans()

    def pair_times(self, rows: Ints) -> Ints:
        """Times of both dates of pairs ``(location, earlier, later)`` in seconds, shape [n, 2].

        Raises:
            IndexError: If a location or a date lies outside the index.
        """
        location, dates = rows[:, 0], rows[:, 1:]
        if len(rows) and (rows.min() < 0 or location.max() >= len(self)):
            raise IndexError(f'{_NO_POSITIONS}: it has {len(self)} locations.')
        if (dates >= np.diff(self.offsets)[location][:, None]).any():
            raise IndexError(f'{_NO_POSITIONS}: a location has fewer dates than asked for.')
        return np.asarray(self.times[self.offsets[location][:, None] + dates])

    def pair_noise(self, location: int, earlier: int, later: int) -> float:
        """Share of the window that changed between two dates; NaN where unknown."""
        return float(self.noises(np.array([[location, earlier, later]]))[0])

    def pair_noisy(self, location: int, earlier: int, later: int) -> int:
        """1 noisy, 0 clean, -1 unknown."""
        return int(self.flags(np.array([[location, earlier, later]]))[0])

    def noises(self, rows: Ints) -> NDArray[np.float64]:
        """Noise of pairs ``(location, earlier, later)``; NaN where unknown; shape [n]."""
        events = self._known_events()
        found = pair_events(rows, self.pair_times(rows), events)
        return pair_noises(found, events, self.windows(rows[:, 0]), method=self.noise_method, size_px=self.size_px)

    def flags(self, rows: Ints) -> NDArray[np.int8]:
        """1 noisy, 0 clean, -1 unknown, for pairs ``(location, earlier, later)``; shape [n]."""
        events = self._known_events()
        found = pair_events(rows, self.pair_times(rows), events)
        windows = self.windows(rows[:, 0])
        return pair_flags(
            found, events, windows, min_noise=self.rules.min_noise, method=self.noise_method, size_px=self.size_px
        )

    def corners(self) -> NDArray[np.float64]:
        """Upper left corners (x, y) in the CRS of each location's site, shape [n, 2]."""
        return frame.corners(self.locations, self.sites)

    def windows(self, rows: Ints | None = None) -> NDArray[np.object_]:
        """Windows as boxes in the CRS of each location's site, of all or of some locations; shape [n]."""
        chosen = self.locations if rows is None else self.locations.take(rows)
        return frame.windows(chosen, self.sites, size_px=self.size_px)

    @property
    def crs(self) -> str:
        """CRS of ``index``: that of all sites if they share one, else longitude and latitude."""
        return frame.shared_crs(self.sites)

    @cached_property
    def index(self) -> gpd.GeoDataFrame:
        """One row a location: window, site, place, split, dates, misalignment, and how many of its pairs are noisy.

        Where no location has more than two dates, also ``noise`` and ``noisy`` of its pair.
        """
        return frame.index_frame(self)

    def with_noise(self, polygons: ChangePolygons, *, method: Method = 'area') -> 'PairIndex':
        """Tell noise by polygons of change.

        Args:
            polygons: What changed, and when.
            method: Measure shares by ``area``, or by ``raster`` (pixels whose middle is covered).

        Raises:
            ValueError: If no polygon lies on the images' ground, or there are no event dates and a location has
                more than two dates.
        """
        events, problems = frame.locate_events(self, polygons, method=method)
        excluded = (*self.excluded, *polygons.excluded, *problems)
        return replace(self, events=events, noise_method=method, excluded=excluded)

    def with_rules(self, rules: PairRules) -> 'PairIndex':
        """Choose which dates make a pair, and when it is noisy."""
        return replace(self, rules=rules)

    def with_splits(
        self,
        *,
        shares: Sequence[float] = (0.7, 0.15, 0.15),
        block_px: int | None = None,
        margin_px: int = 0,
        seed: int = 0,
    ) -> 'PairIndex':
        """Assign train, validation and test by blocks of ground.

        Args:
            shares: Shares of the locations, for train, validation and test.
            block_px: Side of a block; eight windows by default.
            margin_px: Smallest distance of windows of two splits.
            seed: Seed of the choice of blocks.

        Raises:
            ValueError: If there are too few blocks for the splits, or a split ends empty.
        """
        block_px = block_px or 8 * self.size_px
        split = assign_blocks(
            self.locations, size_px=self.size_px, block_px=block_px, margin_px=margin_px, shares=shares, seed=seed
        )
        if margin_px:
            split[frame.between_sites(self, split, margin_px=margin_px)] = MARGIN
        check_filled(split, shares, block_px=block_px, margin_px=margin_px)
        return replace(self, locations=replace(self.locations, split=split))

    def with_statistics(self, *, windows: int = 256, seed: int = 0) -> 'PairIndex':
        """Measure means and deviations of the bands on the training split (on all where none is assigned)."""
        return replace(self, statistics=band_statistics(self, windows=windows, seed=seed))

    def split(self, name: Literal['train', 'val', 'test']) -> 'PairIndex':
        """The locations of one split.

        Raises:
            ValueError: If no splits are assigned, or this one is empty.
        """
        if name not in SPLITS:
            raise ValueError(f'split is {name!r}; choose one of {SPLITS}.')
        if (self.locations.split == UNASSIGNED).all():
            raise ValueError('The index has no splits. Assign them with with_splits(), or geo-noisy index --split.')
        return self._take(np.flatnonzero(self.locations.split == SPLITS.index(name)), f'none is in {name}')

    def select(
        self,
        *,
        locations: Ints | NDArray[np.bool_] | None = None,
        roi: shapely.Geometry | None = None,
        toi: tuple[object, object] | None = None,
        months: Sequence[int] | None = None,
        sensors: Sequence[str] | None = None,
    ) -> 'PairIndex':
        """Keep some locations and dates; locations left with a single date go as when the index was built.

        Args:
            locations: Which locations, by number or by flag.
            roi: Region of interest in the CRS of ``index``; windows that lie whole inside stay.
            toi: First and last time of interest.
            months: Months (1 to 12) that dates must lie in.
            sensors: Sensors that dates must come from.

        Raises:
            ValueError: If nothing is left.
        """
        chosen = np.arange(len(self))
        if locations is not None:
            chosen = chosen[np.asarray(locations)]
        if roi is not None:
            chosen = chosen[shapely.contains(roi, frame.boxes_in(self, self.crs)[chosen])]
        found = self._take(chosen, 'no location lies there')
        kept = stratify.wanted_dates(found, toi=toi, months=months, sensors=sensors)
        return found if kept.all() else found._keep_dates(kept)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write to GeoParquet, to read with :meth:`read` or with geopandas."""
        from geo_noisy.pairs.storage import write_index

        write_index(self, path)

    @staticmethod
    def read(path: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None) -> 'PairIndex':
        """Read from GeoParquet.

        Args:
            path: File written by :meth:`write`.
            root: Folder that the images moved to.

        Raises:
            ValueError: If the file is no pair index, or one of another version.
            FileNotFoundError: If the images are not where they were.
        """
        from geo_noisy.pairs.storage import read_index

        return read_index(path, root=root)

    def _known_events(self) -> Events:
        return self.events if self.events is not None else Events.none(len(self), known=False)

    def _take(self, rows: Ints, otherwise: str) -> 'PairIndex':
        if len(rows) == 0:
            raise ValueError(f'Of {len(self)} locations {otherwise}.')
        offsets, flat = take_rows(self.offsets, rows)
        return replace(
            self,
            locations=self.locations.take(rows),
            offsets=offsets,
            dates=self.dates[flat],
            events=None if self.events is None else self.events.take(rows),
        )

    def _keep_dates(self, kept: NDArray[np.bool_]) -> 'PairIndex':
        """Keep some dates, then the locations that can still make a pair; the others are counted."""
        thinned = replace(self, offsets=keep_flat(self.offsets, kept), dates=self.dates[kept])
        left = np.diff(thinned.offsets)
        enough = left >= self.rules.fewest_dates
        gone = [('too few dates are left', str(row)) for row in np.flatnonzero(~enough)]
        found = thinned._take(np.flatnonzero(enough), 'none has enough dates left')
        return replace(found, excluded=(*self.excluded, *tally('location', gone)))

    def location_of_dates(self) -> Ints:
        """Location of each date, shape [d]."""
        return row_of_flat(self.offsets)
