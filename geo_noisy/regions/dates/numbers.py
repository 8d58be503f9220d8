"""Numbers that are dates: years, YYYYMMDD, seconds and milliseconds since 1970. Their size says which."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from geo_noisy.regions.dates.spans import Span, instant, year_span

Number = int | float
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXCEL = (20_000, 80_000)  # days since 1900: October 1954 to January 2119


class Kind(NamedTuple):
    """What numbers of some size are: from ``low`` up to below ``high``."""

    name: str
    low: int
    high: int
    whole: bool
    read: Callable[[Number], Span]


def _day(number: Number) -> Span:
    return instant(datetime.strptime(str(int(number)), '%Y%m%d').replace(tzinfo=UTC))


def _milliseconds(number: Number) -> Span:
    return instant(_EPOCH + timedelta(milliseconds=number))


KINDS = (
    Kind('a year', 1900, 2101, True, lambda number: year_span(int(number))),
    Kind('YYYYMMDD', 19_000_101, 21_010_101, True, _day),
    Kind('seconds since 1970', 10**8, 4_133_980_800, False, lambda number: instant(_EPOCH + timedelta(seconds=number))),
    Kind('milliseconds since 1970', 10**11, 4_133_980_800_000, False, _milliseconds),
)
"""Seconds and milliseconds begin in March 1973: smaller ones could be anything."""


def kind_of(number: Number) -> Kind | None:
    """The one kind of date that a number of this size can be; None where it is none."""
    for kind in KINDS:
        if kind.low <= number < kind.high and (not kind.whole or number == int(number)):
            return kind
    return None


def looks_like_excel(numbers: Sequence[Number]) -> bool:
    """Whether all numbers have the size of a spreadsheet's days since 1900."""
    return all(_EXCEL[0] <= number < _EXCEL[1] for number in numbers)


def read_number(number: Number, kind: Kind) -> Span | None:
    """The span of a number of a kind; None where it is of another, or there is no such day."""
    if kind_of(number) is not kind:
        return None
    try:
        return kind.read(number)
    except ValueError:
        return None
