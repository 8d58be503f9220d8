"""Means and deviations of the bands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BandStatistics:
    """Means and standard deviations of the bands, in sensor units.

    Attributes:
        mean: Mean of each band.
        std: Standard deviation of each band.
        windows: Windows (of one date each) that they come from.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    windows: int


class BandMoments:
    """Sums over pixels from which means and deviations follow, so that no pixel is kept."""

    def __init__(self) -> None:
        """Initialise moments of no pixels."""
        self._total, self._squares = np.zeros(1), np.zeros(1)
        self.pixels = 0

    def add(self, bands: NDArray[np.float64]) -> None:
        """Count pixels in, [C, n]."""
        self._total = self._total + bands.sum(axis=1)
        self._squares = self._squares + (bands**2).sum(axis=1)
        self.pixels += bands.shape[1]

    def mean(self) -> NDArray[np.float64]:
        """Mean of each band, [C]."""
        return self._total / self.pixels

    def std(self, *, least_variance: float) -> NDArray[np.float64]:
        """Standard deviation of each band, [C]; a band of one value gets the root of ``least_variance``."""
        return np.sqrt(np.maximum(self._squares / self.pixels - self.mean() ** 2, least_variance))
