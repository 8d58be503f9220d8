"""Spans of time: a date as its first and last second since 1970, UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

EVER = int(np.iinfo(np.int64).min)
NEVER = int(np.iinfo(np.int64).max)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1900, 2100


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


def implausible(span: Span) -> str:
    """Why no image and no event can have this date; empty if it can."""
    ends = [time for time in span if time not in (EVER, NEVER)]
    if any(time < _EARLIEST for time in ends):
        return f'lies before {FIRST_YEAR}'
    now = to_seconds(datetime.now(UTC) + timedelta(days=1))  # a day for clocks and zones that are off
    if span.start > now or any(time > _LATEST for time in ends):
        return 'lies in the future'
    return ''


def all_in_1970(spans: Sequence[Span]) -> bool:
    """Whether all dates lie in 1970, as numbers in another unit than was thought do."""
    year = year_span(1970)
    return bool(spans) and all(year.start <= span.start and span.stop <= year.stop for span in spans)


_EARLIEST = year_span(FIRST_YEAR).start
_LATEST = year_span(LAST_YEAR).stop
