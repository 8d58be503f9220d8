"""Means and deviations of the bands."""

from dataclasses import dataclass


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
