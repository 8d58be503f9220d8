"""PairIndex: locations and their dates, and the steps that make a new index of them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.eligible import of_known_sensor
from geo_noisy.regions.files.doubts import refuse_doubts
from geo_noisy.regions.files.exclusions import tally
from geo_noisy.regions.indexed_pairs import IndexedPairs
from geo_noisy.regions.locate_events import locate_events
from geo_noisy.regions.measure_bands import measure_bands
from geo_noisy.regions.noise.events import Method
from geo_noisy.regions.noise.polygons import ChangePolygons
from geo_noisy.regions.pair_estimates import keep_estimates, take_estimates
from geo_noisy.regions.ragged import keep_flat, take_rows
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.splits import assign_splits
from geo_noisy.regions.storage import read_fields, write_tables
from geo_noisy.regions.wanted_dates import wanted_dates
from geo_noisy.regions.windows.locations import SPLITS, UNASSIGNED

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairIndex(IndexedPairs):
    """Locations x dates, and the pairs they make. One row a location; pairs are named by rank, never stored.

    Build one with :func:`~geo_noisy.pairs.build_index` or read one with :meth:`read`. It is a pair source (see
    :class:`~geo_noisy.regions.indexed_pairs.IndexedPairs`). Every method that changes something returns a new index.
    """

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
            estimate=take_estimates(self.estimate, self.offsets, rows),
        )

    def _keep_dates(self, kept: NDArray[np.bool_]) -> 'PairIndex':
        """Keep some dates, then the locations that can still make a pair; the others are counted."""
        estimate = keep_estimates(self.estimate, self.offsets, kept)
        offsets = keep_flat(self.offsets, kept)
        thinned = replace(self, offsets=offsets, dates=self.dates[kept], estimate=estimate)
        left = np.diff(thinned.offsets)
        enough = left >= self.rules.fewest_dates
        gone = [('too few dates are left', str(row)) for row in np.flatnonzero(~enough)]
        found = thinned._take(np.flatnonzero(enough), 'none has enough dates left')
        return replace(found, excluded=(*self.excluded, *tally('location', gone)))
