"""Temporal pairs from any georeferenced images."""

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.pair_dataset import Look, PairDataset
from geo_noisy.datasets.pictures import colour_bands
from geo_noisy.datasets.temporal_plot import draw_map, draw_sheet
from geo_noisy.errors import InputError
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.permutation import permute, stream_key
from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.files.paths import far_paths
from geo_noisy.regions.files.remote import Remote, asked, in_threads, settings_of
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.granules import PlacedCapture, place_captures
from geo_noisy.regions.windows.opened import Align
from geo_noisy.regions.windows.reader import Box, UnreadableFileError, WindowReader

_TRIES = 50  # pairs to try before a run stops after all; of three dates, one broken file is in two of three pairs


class TemporalPairs(PairDataset):
    """Pairs of windows of any raster files, through a :class:`~geo_noisy.pairs.PairIndex`.

    Only the window is read, at both dates on the same grid; files stay open in each worker.
    """

    def __init__(
        self,
        index: PairIndex | str | os.PathLike[str],
        *,
        bands: Sequence[int | str] | None = None,
        align: Align = 'snap',
        fill: float | Literal['mean'] = 'mean',
        on_error: Literal['stop', 'skip'] = 'stop',
        max_open: int = 64,
        remote: Remote | bool = False,
        transforms: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Initialise a new TemporalPairs instance.

        Args:
            index: The pairs, or the GeoParquet file they are stored in.
            bands: Names of the bands to give, or their numbers in the index from 1; all by default.
            align: ``snap`` reads the nearest pixels, at most half a pixel off the grid; ``resample`` resamples
                onto it.
            fill: Value of pixels without data, or ``mean`` for each band's mean over the training split; measured
                now where the index has no statistics and a file may lack pixels.
            on_error: What to do about a file that cannot be read: ``stop``, or ``skip`` to another pair of the same
                stratum, chosen by the key's draw, and count it in ``skipped``.
            max_open: Files that each worker (and each of its threads, at addresses) holds open.
            remote: True opens the addresses (``https://``, ``s3://``, ...) that an index holds; a
                :class:`~geo_noisy.regions.Remote` says how. False refuses an index with any.
            transforms: Takes a sample and returns a transformed one.

        Raises:
            InputError: If the index holds addresses, and ``remote`` is False.
            ValueError: If an argument is out of its range.
        """
        self.pair_index = index if isinstance(index, PairIndex) else PairIndex.read(index)
        if on_error not in ('stop', 'skip'):
            raise ValueError(f"on_error is {on_error!r}; choose 'stop' or 'skip'.")
        self.bands = self.pair_index.band_numbers(bands)
        self.shown_bands = colour_bands([self.pair_index.bands[number - 1] for number in self.bands])
        self.on_error, self.transforms = on_error, transforms
        self.remote = settings_of(remote)
        far = far_paths(self.pair_index.files['paths'])
        if far and self.remote is None:
            raise InputError(
                f'The index holds {len(far):,} addresses, such as {far[0]}, which are opened only where that is asked '
                'for: remote=True (--data.init_args.remote=true).'
            )
        self._together = bool(far)
        self._fill = self._fill_values(fill)
        self._reader = WindowReader(align=align, max_open=max_open, remote=self.remote)
        chosen = [band - 1 for band in self.bands]
        tables = self.pair_index
        self._captures = place_captures(tables.files, tables.sites, tables.content, bands=chosen)
        self._told_empty = False
        self._skipped = torch.zeros(1, dtype=torch.int64)
        self._skipped.share_memory_()  # type: ignore[no-untyped-call]  # workers count here too

    @property
    def index(self) -> Any:
        """One row a location, with its dates; see :attr:`PairIndex.index`."""
        return self.pair_index.index

    @property
    def skipped(self) -> int:
        """Pairs passed over because a file could not be read, over all workers."""
        return int(self._skipped)

    def pairs(self) -> PairIndex:
        """The pairs to choose from."""
        return self.pair_index

    def band_statistics(self) -> tuple[list[float], list[float]] | None:
        """Mean and deviation of each band given, in sensor units; None where the index has none."""
        found = self.pair_index.statistics
        if found is None:
            return None
        chosen = [band - 1 for band in self.bands]
        return [found.mean[band] for band in chosen], [found.std[band] for band in chosen]

    def __len__(self) -> int:
        """Number of locations."""
        return len(self.pair_index)

    def times(self, location: int) -> NDArray[np.int64]:
        """Times of a location's dates in seconds since 1970 (UTC), sorted."""
        pairs = self.pair_index
        return pairs.times[pairs.offsets[location] : pairs.offsets[location + 1]]

    def place(self, location: int) -> int:
        """Number of the ground; overlapping windows share it."""
        return int(self.pair_index.locations.place[location])

    def look(self, location: int, earlier: int, later: int) -> Look:
        """Images in sensor units, which pixels hold data, the noise between two dates, and where it lies.

        Raises:
            UnreadableFileError: If a file cannot be read.
        """
        found = self.pair_index.look_up(np.array([[location, earlier, later]]))
        read = {date: self.read(location, date) for date in (earlier, later)}
        images = [read[date] for date in (earlier, later)]
        change = self.pair_index.pair_change(location, earlier, later)
        return Look(
            [torch.from_numpy(pixels) for pixels, _ in images],
            noise=float(found.noise[0]),
            noisy=int(found.noisy[0]),
            valid=[torch.from_numpy(valid) for _, valid in images],
            change=None if change is None else torch.from_numpy(change),
        )

    def read(self, location: int, date: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Read one date of a location.

        Args:
            location: Row of ``index``.
            date: Position among its dates.

        Returns:
            Pixels [C, H, W] with the fill where there is no data, and which hold data, [H, W].

        Warns:
            UserWarning: At the first window without any data: the file has changed since it was indexed, or the index
                was made without looking at pixels (``footprint='bounds'``).
        """
        pixels, valid = self._reader.read(*self._window(location, date))
        if not valid.any():
            self._tell_empty(location, date)
        pixels = pixels.astype(np.float32)
        return pixels if valid.all() else np.where(valid, pixels, self._fill[:, None, None]), valid

    def valid(self, location: int, date: int) -> NDArray[np.bool_]:
        """Which pixels of one date of a location hold data, [H, W]; see :meth:`read`."""
        return self._reader.valid(*self._window(location, date))

    def files_of(self, place: int, times: Sequence[int]) -> list[str]:
        """Paths of the files that show a place at some times (seconds since 1970), for messages."""
        pairs = self.pair_index
        locations = np.flatnonzero(pairs.locations.place == place)
        dates = np.concatenate([pairs.dates[pairs.offsets[row] : pairs.offsets[row + 1]] for row in locations])
        files = pairs.files.iloc[np.unique(dates)]
        return [str(path) for paths in files.loc[files['time'].isin(list(times)), 'paths'] for path in paths]

    def plot_sheet(self, keys: Sequence[PairKey], *, columns: int = 4) -> Figure:
        """Plot a sheet of drawn pairs with their noise, outlined where polygons or rasters tell where it lies.

        Args:
            keys: Keys from a sampler.
            columns: Pairs side by side.
        """
        return draw_sheet([self[key] for key in keys], columns=columns, bands=self.shown_bands)

    def plot_map(self) -> Figure:
        """Plot footprints, coloured by the share of their pairs that are noisy, and the dates of the files."""
        return draw_map(self.pair_index)

    def _tell_empty(self, location: int, date: int) -> None:
        if self._told_empty:
            return
        self._told_empty = True
        pairs = self.pair_index
        paths = pairs.files['paths'].iloc[pairs.dates[pairs.offsets[location] + date]]
        warnings.warn(
            f'{", ".join(map(str, paths))}: the window of location {location} holds no data, and is filled; others '
            'may, which is not told again. Where the files have changed, index them again; an index made with '
            "footprint='bounds' has never looked at pixels.",
            UserWarning,
            stacklevel=3,
        )

    def _window(self, location: int, date: int) -> tuple[PlacedCapture, Box]:
        """The capture of a date, and where on its grid the location lies."""
        pairs, size = self.pair_index, self.pair_index.size_px
        capture = self._captures[pairs.dates[pairs.offsets[location] + date]]
        return capture, Box(int(pairs.locations.col[location]), int(pairs.locations.row[location]), size, size)

    def __getitems__(self, keys: Sequence[PairKey]) -> list[Sample]:
        """The samples of a batch: what lies at addresses is fetched together."""
        if not self._together:
            return [self[key] for key in keys]
        with asked(self.remote):
            return in_threads(self.__getitem__, keys)

    def _sample(self, key: PairKey) -> Sample:
        """The sample of a key, or of another pair of the stratum where a file cannot be read and may be skipped."""
        asked = key
        for attempt in range(_TRIES):
            try:
                return super()._sample(key)
            except UnreadableFileError:
                if self.on_error == 'stop' or attempt == _TRIES - 1:
                    raise
                self._skipped += 1
                key = self._instead_of(asked, attempt)
        raise AssertionError('unreachable')

    def _instead_of(self, key: PairKey, attempt: int) -> PairKey:
        """Another pair of the same stratum: a function of the key alone."""
        flag = self.pair_index.pair_noisy(key.location, key.earlier, key.later)
        stratum = STRATA[flag]  # 0 clean, 1 noisy, -1 unknown
        count = self.pair_index.count(stratum)
        rank = permute(np.array([attempt % count]), count, stream_key(key.draw, key.location))
        location, earlier, later = self.pair_index.keys(stratum, rank)[0].tolist()
        return key._replace(location=location, earlier=earlier, later=later)

    def _fill_values(self, fill: float | Literal['mean']) -> NDArray[np.float32]:
        if fill != 'mean':
            if not np.isfinite(fill):
                raise ValueError(f"fill is {fill}; give a number, or 'mean'.")
            return np.full(len(self.bands), fill, dtype=np.float32)
        if self.pair_index.statistics is None and self.pair_index.files[['masked', 'warped']].to_numpy().any():
            with asked(self.remote):
                self.pair_index = self.pair_index.with_statistics()
        statistics = self.band_statistics()
        return np.array(statistics[0] if statistics else [0.0] * len(self.bands), dtype=np.float32)
