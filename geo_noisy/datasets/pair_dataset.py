"""The one look-up from a key to a pair sample."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence, Sized
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.pair_plot import draw_pair
from geo_noisy.datasets.rows import row_of
from geo_noisy.datasets.samples import pair_sample
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.source import PairSource


class Look(NamedTuple):
    """What two dates of a location show; images in sensor units, the earlier first."""

    images: Sequence[Tensor]
    """Two, each [C, H, W]."""
    noise: float
    """Share of the pixels that changed in a way that matters, in [0, 1]; NaN where unknown."""
    noisy: int
    """1 noisy, 0 clean, -1 unknown."""
    masks: Sequence[Tensor] | None = None
    """Class of each pixel, two of [H, W]; 255 is ignored."""
    valid: Sequence[Tensor] | None = None
    """Pixels with data, two of [H, W]."""
    change: Tensor | None = None
    """What changed between the dates in a way that matters, [H, W]: 1 yes, 0 no, 255 unknown."""


class PairDataset(Dataset[Sample], Sized, ABC):
    """Base class of pair data sets: a pure look-up from a :class:`~geo_noisy.pairs.PairKey` to a sample.

    A data set of your own says what two dates of a location show (:meth:`look`), when they were taken
    (:meth:`times`), how many locations there are, and which pairs there are to choose from (:meth:`pairs`).
    """

    transforms: Callable[[Sample], Sample] | None = None
    shown_bands: Sequence[int] | None = None
    """Positions of the bands that :meth:`plot` shows: three, or one as grey; the first three by default."""

    @abstractmethod
    def pairs(self) -> PairSource:
        """The pairs to choose from, by stratum."""

    @abstractmethod
    def times(self, location: int) -> Sequence[int] | NDArray[np.int64]:
        """Times of a location's dates in seconds since 1970 (UTC), sorted."""

    @abstractmethod
    def look(self, location: int, earlier: int, later: int) -> Look:
        """What two dates of a location show, ``earlier <= later``; equal for an image beside itself."""

    def place(self, location: int) -> int:
        """Number of the ground: keys of one place are no negatives of each other. Each location its own by default."""
        return location

    def __getitem__(self, index: PairKey | int) -> Sample:
        """Return a pair.

        Args:
            index: Key of a pair, or the number of a location for its first and last date (counted from the end where
                negative, as in a list), with that number as its draw.

        Returns:
            The pair sample, see :func:`~geo_noisy.datasets.samples.pair_sample`.

        Raises:
            IndexError: If there is no such location or date.
        """
        sample = self._sample(self._key(index))
        return sample if self.transforms is None else self.transforms(sample)

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Plot a pair: both dates, stretched alike, what changed between them outlined, its noise in the title.

        Args:
            sample: A sample from this data set, with a ``prediction`` [2, H, W] or [H, W] where there is one.
            show_titles: Whether to write a title above each panel.
            suptitle: Title of the whole figure.

        Returns:
            A figure with a panel for each date, and for the prediction.
        """
        return draw_pair(sample, show_titles=show_titles, suptitle=suptitle, bands=self.shown_bands)

    def _sample(self, key: PairKey) -> Sample:
        """The sample of a key that names a pair: of a mere-exposure pair, what is shown."""
        times = self.times(key.location)
        dates = (key.later, key.later) if key.exposure else (key.earlier, key.later)
        look = self.look(key.location, *dates)
        itself = dates[0] == dates[1]
        change = look.change if look.change is None or not itself else torch.zeros_like(look.change)
        return pair_sample(
            look.images,
            key,
            noise=0.0 if itself else look.noise,
            noisy=0 if itself else look.noisy,
            times=[int(times[date]) for date in dates],
            masks=look.masks,
            valid=look.valid,
            change=change,
            place=self.place(key.location),
        )

    def _key(self, index: PairKey | int) -> PairKey:
        """The key that an index stands for; IndexError where there is no such pair."""
        if not isinstance(index, PairKey):
            location = row_of(index, count=len(self), of=type(self).__name__)
            return PairKey(location, 0, len(self.times(location)) - 1, draw=location)
        if not 0 <= index.location < len(self):
            raise IndexError(
                f'There is no location {index.location} in {type(self).__name__}: its {len(self)} are numbered from 0 '
                f'to {len(self) - 1}.'
            )
        there = len(self.times(index.location))
        if not 0 <= index.earlier <= index.later < there:
            raise IndexError(
                f'Location {index.location} has no pair of dates ({index.earlier}, {index.later}): its {there} dates '
                'are numbered from 0, and the earlier comes first.'
            )
        return index
