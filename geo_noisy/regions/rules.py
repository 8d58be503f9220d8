"""Which dates of a location may make a pair."""

from dataclasses import dataclass
from typing import Literal

from geo_noisy.regions.dates.read import DAY_S

LONGEST_DAYS = 1_000_000


@dataclass(frozen=True)
class PairRules:
    """Which two dates of a location make a pair, and when it is noisy.

    Attributes:
        min_gap_days: Smallest distance of the two dates in days.
        max_gap_days: Largest distance in days; None for no limit.
        same_sensor: Both dates must come from one sensor.
        same_season: Both dates must lie in one season: December to February, March to May, and so on.
        single: Locations with one date: ``drop`` them, or pair the image with itself (``self``).
        min_noise: A pair is noisy when its noise is above this; at 0, as soon as a counted polygon meets the window.
    """

    min_gap_days: float = 0.0
    max_gap_days: float | None = None
    same_sensor: bool = False
    same_season: bool = False
    single: Literal['drop', 'self'] = 'drop'
    min_noise: float = 0.0

    def __post_init__(self) -> None:
        """Check the arguments once, where they enter."""
        if not 0 <= self.min_gap_days <= LONGEST_DAYS:
            raise ValueError(f'min_gap_days is {self.min_gap_days}; give days, from 0 to {LONGEST_DAYS:,}.')
        if self.max_gap_days is not None and not self.min_gap_days <= self.max_gap_days <= LONGEST_DAYS:
            raise ValueError(
                f'max_gap_days is {self.max_gap_days}; give days from min_gap_days ({self.min_gap_days}) on.'
            )
        if self.single not in ('drop', 'self'):
            raise ValueError(f"single is {self.single!r}; choose 'drop' or 'self'.")
        if not 0 <= self.min_noise < 1:
            raise ValueError(f'min_noise is {self.min_noise}; it must lie in [0, 1).')

    @property
    def fewest_dates(self) -> int:
        """Dates that a location needs."""
        return 2 if self.single == 'drop' else 1

    @property
    def min_gap_s(self) -> int:
        """Smallest gap in seconds."""
        return round(self.min_gap_days * DAY_S)

    @property
    def max_gap_s(self) -> int | None:
        """Largest gap in seconds."""
        return None if self.max_gap_days is None else round(self.max_gap_days * DAY_S)
