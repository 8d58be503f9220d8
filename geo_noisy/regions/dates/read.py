"""Times of images and events, in seconds since 1970, UTC."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.regions.dates.columns import read_dates
from geo_noisy.regions.dates.formats import Formats
from geo_noisy.regions.dates.spans import NEVER, Span

__all__ = ['DAY_S', 'NEVER', 'from_seconds', 'period', 'seconds', 'span']

DAY_S = 86_400


def seconds(value: object, *, date_format: Formats = None, where: str = 'date', checked: bool = False) -> int:
    """Read one time.

    Args:
        value: A date, a time, text or a number, read as a column of one: see
            :func:`~geo_noisy.regions.dates.columns.read_dates`.
        date_format: Format of text, as in ``datetime.strptime``. With one, a year or a month stands for its start.
        where: What it is, for messages.
        checked: Whether a date before 1900, in the future or in 1970 is an error.

    Raises:
        ValueError: If the value is no time, or a year, a month or an interval.
    """
    return _read(value, date_format=date_format, where=where, instants=True, checked=checked).start


def span(value: object, *, date_format: Formats = None, where: str = 'date', checked: bool = False) -> Span:
    """Read one date that may be a year, a month or an interval: its first and last second.

    Raises:
        ValueError: If the value is no date.
    """
    return _read(value, date_format=date_format, where=where, instants=False, checked=checked)


def period(ends: tuple[object, object], *, where: str = 'toi') -> Span:
    """First and last second of a time of interest; a year or a month at either end lies in it whole.

    Raises:
        ValueError: If an end is no date, or the period ends before it starts.
    """
    found = Span(span(ends[0], where=where).start, span(ends[1], where=where).stop)
    if found.stop < found.start:
        raise ValueError(f'{where}: {ends[1]!r} lies before {ends[0]!r}; give the earlier date first.')
    return found


def _read(value: object, **reading: Any) -> Span:
    try:
        dates = read_dates(pd.Series([value], dtype=object), **reading)
    except InputError as error:  # one value is an argument, not a column of a file
        raise ValueError(str(error)) from error
    if not dates.known[0]:
        raise ValueError(f'{reading["where"]}: {value!r} is not a date; write one as 2020-08-15.')
    return Span(int(dates.start[0]), int(dates.stop[0]))


def from_seconds(times: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Times as pandas sees them, without a time zone (UTC)."""
    return pd.DatetimeIndex(np.asarray(times, dtype='datetime64[s]'))
