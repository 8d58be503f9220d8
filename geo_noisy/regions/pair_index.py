"""PairIndex: locations and their dates, and the pairs that they make."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.eligible import of_known_sensor
from geo_noisy.regions.files.doubts import Doubt, refuse_doubts
from geo_noisy.regions.files.exclusions import tally
from geo_noisy.regions.locate_events import locate_events
from geo_noisy.regions.location_frame import location_frame
from geo_noisy.regions.measure_bands import measure_bands
from geo_noisy.regions.noise.events import Method
from geo_noisy.regions.noise.polygons import ChangePolygons
from geo_noisy.regions.pair_change import change_of_pair
from geo_noisy.regions.pair_noise import PairNoise, flags_of_pairs, noise_of_pairs
from geo_noisy.regions.pair_runs import pair_runs
from geo_noisy.regions.ragged import keep_flat, take_rows
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.runs import Runs
from geo_noisy.regions.splits import assign_splits
from geo_noisy.regions.storage import read_fields, write_tables
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.wanted_dates import wanted_dates
from geo_noisy.regions.windows.locations import SPLITS, UNASSIGNED

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairIndex(RegionTables):
    """Locations x dates, and the pairs they make. One row a location; pairs are named by rank, never stored.

    Build one with :func:`~geo_noisy.pairs.build_index` or read one with :meth:`read`. It is a pair source: a
    :class:`~geo_noisy.samplers.PairSampler` draws from it. Every method that changes something returns a new index.
    """

    @property
    def coupled(self) -> bool:
        """Clean and noisy pairs of one rank do not lie at the same location."""
        return False

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands, in their order; numbers from 1 where files of no known product do not name them."""
        return self.content.bands or tuple(str(number + 1) for number in range(int(self.files['bands'].iloc[0])))

    def band_numbers(self, bands: Sequence[int | str] | None) -> tuple[int, ...]:
        """Numbers, from 1, of bands given by name or by number; of all for None.

        Raises:
            ValueError: If there is no such band.
        """
        names = self.bands
        if bands is None:
            return tuple(range(1, len(names) + 1))
        numbers = {name: number for number, name in enumerate(names, start=1)}
        unknown = [band for band in bands if band not in numbers and band not in numbers.values()]
        if unknown:
            named = '' if self.content.bands in ((), tuple(map(str, numbers.values()))) else f' ({", ".join(names)})'
            raise ValueError(f'bands are {list(bands)}; the files have bands 1 to {len(names)}{named}.')
        return tuple(band if isinstance(band, int) else numbers[band] for band in bands)

    @cached_property
    def strata(self) -> dict[str, Runs]:
        """Pairs of each stratum: clean, noisy and unknown. Worked out on first use."""
        return pair_runs(self)

    def count(self, stratum: str) -> int:
        """Number of pairs in ``'clean'``, ``'noisy'`` or ``'unknown'``."""
        return self.strata[stratum].count()

    def keys(self, stratum: str, ranks: Ints) -> Ints:
        """Rows ``(location, earlier, later)``, shape [n, 3], of the pairs with these ranks in a stratum."""
        return self.strata[stratum].keys(ranks)

    def spans(self, stratum: str) -> tuple[Ints, Ints]:
        """Locations [m] that have pairs in a stratum, and where their ranks start [m + 1]."""
        return self.strata[stratum].spans()

    def pair_noise(self, location: int, earlier: int, later: int) -> float:
        """Share of the window that changed between two dates; NaN where unknown."""
        return float(self.noises(np.array([[location, earlier, later]]))[0])

    def pair_noisy(self, location: int, earlier: int, later: int) -> int:
        """1 noisy, 0 clean, -1 unknown."""
        return int(self.flags(np.array([[location, earlier, later]]))[0])

    def pair_change(self, location: int, earlier: int, later: int) -> NDArray[np.uint8] | None:
        """What changed between two dates, [size_px, size_px]: 1 yes, 0 no, 255 unknown; None without any polygons."""
        return change_of_pair(self, location, earlier, later)

    def look_up(self, rows: Ints) -> PairNoise:
        """Noise and flag of pairs ``(location, earlier, later)``, [n, 3], in one go."""
        return noise_of_pairs(self, rows)

    def noises(self, rows: Ints) -> NDArray[np.float64]:
        """Noise of pairs ``(location, earlier, later)``; NaN where unknown; shape [n]."""
        return self.look_up(rows).noise

    def flags(self, rows: Ints) -> NDArray[np.int8]:
        """1 noisy, 0 clean, -1 unknown, for pairs ``(location, earlier, later)``; shape [n]."""
        return flags_of_pairs(self, rows)

    @cached_property
    def index(self) -> gpd.GeoDataFrame:
        """One row a location: window, site, place, split, dates, misalignment, and how many of its pairs are noisy.

        Where no location has more than two dates, also ``noise`` and ``noisy`` of its pair.
        """
        return location_frame(self, self.strata)

    def with_noise(self, polygons: ChangePolygons, *, method: Method = 'area') -> 'PairIndex':
        """Tell noise by polygons of change.

        Args:
            polygons: What changed, and when.
            method: Measure shares by ``area``, or by ``raster`` (pixels whose middle is covered).

        Raises:
            ValueError: If no polygon lies on the images' ground, or there are no event dates and a location has
                more than two dates.
        """
        events, problems = locate_events(self, polygons, method=method)
        excluded = (*self.excluded, *polygons.excluded, *problems)
        return replace(self, events=events, noise_method=method, excluded=excluded)

    @property
    def every_doubt(self) -> tuple[Doubt, ...]:
        """What was assumed or looks odd in the files, and in the noise of the pairs."""
        if self.events is None or self.count('noisy'):
            return self.doubts
        remedy = 'Check the dates (--event-column, --event-date), the classes (--noisy-classes) and the place.'
        return (*self.doubts, Doubt('noise', 'change is told of, and no pair is noisy', remedy))

    def check_pairs(self, *, strict: bool = False) -> None:
        """Make sure that there is a pair.

        Args:
            strict: Make what was assumed or looks odd (Doubts in the audit) an error.

        Raises:
            InputError: If no two dates of any location make one, or doubts are not wanted and there are some.
        """
        if strict:
            refuse_doubts(self.every_doubt)
        if sum(self.count(stratum) for stratum in STRATA) == 0:
            raise InputError(
                f'No two dates of any of {len(self)} locations make a pair under these rules: {self.rules}.'
            )

    def with_rules(self, rules: PairRules) -> 'PairIndex':
        """Choose which dates make a pair, and when it is noisy.

        Raises:
            ValueError: If pairs of one sensor are asked for, and nothing tells the sensor of any file.
        """
        chosen = replace(self, rules=rules)
        if not rules.same_sensor:
            return chosen
        known = of_known_sensor(self.files)
        return chosen if known.all() else chosen._keep_dates(known[self.dates])

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
        block_px = 8 * self.size_px if block_px is None else block_px
        split = assign_splits(self, shares=shares, block_px=block_px, margin_px=margin_px, seed=seed)
        return replace(self, locations=replace(self.locations, split=split))

    def with_statistics(self, *, windows: int = 256, seed: int = 0) -> 'PairIndex':
        """Measure means and deviations of the bands on the training split (on all where none is assigned).

        Args:
            windows: Windows to read.
            seed: Seed of their choice, and of the dates.
        """
        return replace(self, statistics=measure_bands(self, windows=windows, seed=seed))

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
            chosen = chosen[shapely.contains(roi, self.windows_in(self.crs)[chosen])]
        found = self._take(chosen, 'no location lies there')
        kept = wanted_dates(found, toi=toi, months=months, sensors=sensors)
        return found if kept.all() else found._keep_dates(kept)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write to GeoParquet, to read with :meth:`read` or with geopandas."""
        write_tables(self, path)

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
        return PairIndex(**read_fields(path, root=root))

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
