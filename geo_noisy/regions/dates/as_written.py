"""Dates as people write them into names: year first. Times and zones behind them are read whole or refused."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

from geo_noisy.regions.dates.spans import to_seconds

_DATE = re.compile(
    r'(?<![0-9])(?P<year>(?:19|20)\d\d)(?P<sep>[-_.]?)(?P<month>0[1-9]|1[0-2])(?P=sep)(?P<day>0[1-9]|[12]\d|3[01])',
    re.ASCII,
)
_END = r'(?!\d|[AaPp][Mm](?![A-Za-z]))'
_JOINED = re.compile(rf'(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?{_END}', re.ASCII)  # 20150711101112
_CLOCKS = tuple(
    re.compile(pattern + _END, re.ASCII)
    for pattern in (
        r'[Tt](?P<hour>\d\d)(?P<colon>[-:_.]?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d)(?:[.,]\d+(?=Z|\+))?)?',
        r'[-_ ](?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?:\.\d+(?=Z|\+))?',
        r'[-_ ](?P<hour>\d\d)(?P<colon>[-:.])(?P<minute>\d\d)(?P=colon)(?P<second>\d\d)',
        r'[-_ ](?P<hour>\d\d):(?P<minute>\d\d)(?!:)',
        r'[-_ ](?P<hour>\d\d)(?P<minute>\d\d)(?=Z(?![A-Za-z0-9]))',
    )
)
_SHORT_CLOCK = re.compile(rf'[-_ ](?P<hour>\d\d)(?P<minute>\d\d){_END}', re.ASCII)
_TILE = re.compile(r'[Tt]\d\d[A-Z]{3}(?![A-Za-z0-9])', re.ASCII)  # of Sentinel-2's grid, no time
_MAYBE_TIME = re.compile(
    r'[Tt]\d+|[-_ .](?:\d{4}|\d{6})(?!\d)|[-_ .]\d\d([-_.:hH])\d\d(?:\1\d\d)?(?!\d)|\+\d\d', re.ASCII
)
_ZONE = re.compile(r'Z(?![A-Za-z0-9])|UTC|GMT|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?(?!\d)', re.ASCII)
_MAYBE_ZONE = re.compile(r'[A-Za-z]+|[-_ ](?:[ECMP][DS]T|CES?T|BST|IST|JST|AE[DS]T|local)(?![A-Za-z])', re.ASCII)
_PARTS = ('year', 'month', 'day', 'hour', 'minute', 'second')
_QUARTER_S, _FARTHEST = 900, timedelta(hours=14)


class _Read(NamedTuple):
    time: int
    end: int  # position after it


def find_dates(name: str) -> Iterator[int]:
    """All dates in a name, in seconds since 1970; a date without a time is midnight, UTC.

    Raises:
        ValueError: If something beside a date may be a time or a zone, but is not written as one.
    """
    position = 0
    while match := _DATE.search(name, position):
        read = _read(name, match, short=False)
        if read is not None:
            yield read.time
        position = match.end() if read is None else read.end


def read_whole(text: str) -> int | None:
    """The date and time that a text consists of, in seconds since 1970; None if there is more, or none."""
    match = _DATE.match(text)
    try:
        read = _read(text, match, short=True) if match else None
    except ValueError:
        return None
    return read.time if read is not None and read.end == len(text) else None


def _read(name: str, date: re.Match[str], *, short: bool) -> _Read | None:
    """Read the date of a match with the time and the zone behind it; None where it is part of a longer number."""
    end = date.end()
    if name[end : end + 1].isdecimal():
        clock = None if date['sep'] else _JOINED.match(name, end)
        return None if clock is None else _time(name, date, clock, refuse=False)
    clock = _clock(name, end, short=short)
    if clock is not None:
        return _time(name, date, clock, refuse=True)
    if _MAYBE_TIME.match(name, end) and not _TILE.match(name, end) and not _DATE.match(name, end + 1):
        raise ValueError(_refusal('digits after the date that may be a time or a number'))
    return _time(name, date, None, refuse=False)


def _clock(name: str, end: int, *, short: bool) -> re.Match[str] | None:
    if _TILE.match(name, end) or _DATE.match(name, end + 1):
        return None
    clocks = (*_CLOCKS, _SHORT_CLOCK) if short else _CLOCKS
    return next(filter(None, (clock.match(name, end) for clock in clocks)), None)


def _time(name: str, date: re.Match[str], clock: re.Match[str] | None, *, refuse: bool) -> _Read | None:
    """The time that the groups tell; where there is no such time, None or a refusal."""
    part = date.groupdict() | (clock.groupdict() if clock else {})
    year, month, day, hour, minute, second = (int(part.get(key) or 0) for key in _PARTS)
    try:
        time = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        if refuse and clock is not None:
            raise ValueError(_refusal('a time after the date that does not exist')) from error
        return None
    if clock is None:
        return _Read(to_seconds(time), date.end())
    zone, end = _zone(name, clock.end())
    return _Read(to_seconds(time.replace(tzinfo=zone)), end)


def _zone(name: str, end: int) -> tuple[timezone, int]:
    """The zone behind a time, and where it ends; UTC where there is none."""
    match = _ZONE.match(name, end)
    if match is None:
        if _MAYBE_ZONE.match(name, end):
            raise ValueError(_refusal('letters after the time that may be a zone'))
        return UTC, end
    if match['sign'] is None:
        return UTC, match.end()
    offset = timedelta(hours=int(match['hours']), minutes=int(match['minutes'] or 0))
    if (match['sign'] == '-' and ':' not in match[0]) or offset > _FARTHEST or offset.seconds % _QUARTER_S:
        raise ValueError(_refusal('digits after the time that may be a zone or a number'))
    return timezone(offset if match['sign'] == '+' else -offset), match.end()


def _refusal(what: str) -> str:
    return f'{what}; give --date-regex with a group named "date" (and --date-format)'
