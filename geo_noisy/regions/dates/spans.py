"""Spans of time: a date as its first and last second since 1970, UTC."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

EVER = int(np.iinfo(np.int64).min)
NEVER = int(np.iinfo(np.int64).max)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1900, 2100
_NONE_IN_TABLES = (datetime(1900, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1)


class Span(NamedTuple):
    """Earliest and latest second of a date, both included; equal for an instant."""

    start: int
    stop: int


UNKNOWN = Span(EVER, NEVER)


def to_seconds(time: datetime) -> int:
    """Whole seconds since 1970; a time without a zone is UTC, fractions are cut off."""
    aware = time if time.utcoffset() is not None else time.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(seconds=1)


def instant(time: datetime) -> Span:
    """The span of one time."""
    return Span(to_seconds(time), to_seconds(time))


def month_span(year: int, month: int) -> Span:
    """From the first to the last second of a month."""
    after = datetime(year + month // 12, month % 12 + 1, 1)
    return Span(to_seconds(datetime(year, month, 1)), to_seconds(after) - 1)


def year_span(year: int) -> Span:
    """From the first to the last second of a year."""
    return Span(to_seconds(datetime(year, 1, 1)), to_seconds(datetime(year + 1, 1, 1)) - 1)


def between(start: Span | None, stop: Span | None) -> Span:
    """Some time between two dates; None for an open end."""
    return Span(EVER if start is None else start.start, NEVER if stop is None else stop.stop)


def implausible(spans: Ints) -> dict[str, NDArray[np.bool_]]:
    """Which dates no image and no event can have, by the reason why.

    Args:
        spans: Earliest and latest seconds, [n, 2].

    Returns:
        For each reason the dates it holds for, [n].
    """
    now = to_seconds(datetime.now(UTC) + timedelta(days=1))  # a day for clocks and zones that are off
    early = (spans < year_span(FIRST_YEAR).start) & (spans != EVER)
    late = (spans > year_span(LAST_YEAR).stop) & (spans != NEVER)
    stated = [_NONE_IN_TABLES] if len(spans) == 1 else [_NONE_IN_TABLES, 0]  # one alone in 1970 is told as such
    placeholder = (spans[:, 0] == spans[:, 1]) & np.isin(spans[:, 0], stated)
    return {
        'is a date that databases write where they know none': placeholder,
        f'lies before {FIRST_YEAR}': early.any(axis=1),
        'lies in the future': late.any(axis=1) | (spans[:, 0] > now),
    }


def all_in_1970(spans: Ints) -> bool:
    """Whether all dates [n, 2] lie in 1970, as numbers in another unit than was thought do."""
    year = year_span(1970)
    return bool(len(spans) and (spans >= year.start).all() and (spans <= year.stop).all())
