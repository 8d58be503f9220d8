"""What a pair index tells of its pairs: how many there are, which they are, and how noisy each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.location_frame import location_frame
from geo_noisy.regions.pair_change import change_of_pair
from geo_noisy.regions.pair_noise import PairNoise, flags_of_pairs, noise_of_pairs
from geo_noisy.regions.pair_runs import pair_runs
from geo_noisy.regions.runs import Runs
from geo_noisy.regions.tables import RegionTables

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class IndexedPairs(RegionTables):
    """The pairs of a region's tables, as a pair source: a :class:`~geo_noisy.samplers.PairSampler` draws from it."""

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
        if not bands:
            raise ValueError('bands is an empty list; name some, or leave it away for all.')
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

    @property
    def every_doubt(self) -> tuple[Doubt, ...]:
        """What was assumed or looks odd in the files, and in the noise of the pairs."""
        if self.events is None or self.count('noisy'):
            return self.doubts
        remedy = 'Check the dates (--event-column, --event-date), the classes (--noisy-classes) and the place.'
        return (*self.doubts, Doubt('noise', 'change is told of, and no pair is noisy', remedy))
