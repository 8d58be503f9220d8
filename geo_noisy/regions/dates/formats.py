"""Dates in a format that the user states, as in ``datetime.strptime`` but strict."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache

from geo_noisy.regions.dates.spans import FIRST_YEAR, LAST_YEAR, Span, instant, month_span, year_span
from geo_noisy.regions.dates.spellings import read_interval

Formats = str | Sequence[str] | None
_PATTERNS = {
    'Y': r'\d{4}', 'y': r'\d\d', 'm': r'\d\d', 'd': r'\d\d', 'H': r'\d\d', 'I': r'\d\d', 'M': r'\d\d', 'S': r'\d\d',
    'j': r'\d{3}', 'f': r'\d{1,6}', 'b': r'[A-Za-z]{3}', 'B': r'[A-Za-z]+', 'a': r'[A-Za-z]{3}', 'A': r'[A-Za-z]+',
    'p': r'[AaPp][Mm]', 'z': r'(?:Z|[+-]\d\d:?\d\d)',
}  # fmt: skip
_SHORT = {'m', 'd', 'H', 'I', 'M', 'S'}  # may be one digit where no digit stands beside them
_NEEDS = (('d', 'mbB'), ('M', 'HI'), ('S', 'M'), ('I', 'p'), ('p', 'I'), ('j', 'Y'))


def as_formats(date_format: Formats) -> tuple[str, ...]:
    """One format, several or none, each checked.

    Raises:
        ValueError: If a format has no year, or a part that is not supported.
    """
    formats = (date_format,) if isinstance(date_format, str) else tuple(date_format or ())
    for text in formats:
        _check(text)
    return formats


def read_formatted(text: str, date_format: str) -> Span | None:
    """Read a date, or an interval of two with ``/`` between; None where it is not written so.

    Raises:
        ValueError: If an interval ends before it starts.
    """
    found = _read(text, date_format)
    return found if found is not None else read_interval(text, lambda half: _read(half, date_format))


def pattern_of(date_format: str) -> str:
    """Regular expression of the texts that a format describes."""
    parts = _split(date_format)
    return ''.join(_part(parts, number) for number in range(len(parts)))


def _read(text: str, date_format: str) -> Span | None:
    match = _compiled(date_format).fullmatch(text)
    if match is None:
        return None
    try:
        time = datetime.strptime(text, date_format)
        found = _span(time, set(_directives(date_format)))
    except (ValueError, OverflowError):
        return None
    if 'j' in match.groupdict() and int(match['j']) != time.timetuple().tm_yday:  # day 366 of a short year
        return None
    return found if FIRST_YEAR <= time.year <= LAST_YEAR else None


def _span(time: datetime, directives: set[str]) -> Span:
    """As long as the format leaves it open: a year, a month, or an instant."""
    if directives & {'d', 'j'}:
        return instant(time)
    return month_span(time.year, time.month) if directives & {'m', 'b', 'B'} else year_span(time.year)


@cache
def _compiled(date_format: str) -> re.Pattern[str]:
    return re.compile(pattern_of(date_format), re.ASCII)


def _split(date_format: str) -> list[str]:
    return re.findall(r'%.|.', date_format, re.DOTALL)


def _directives(date_format: str) -> list[str]:
    return [part[1] for part in _split(date_format) if part[0] == '%' and part not in ('%', '%%')]


def _part(parts: list[str], number: int) -> str:
    part = parts[number]
    if part[0] != '%' or part == '%%':
        return re.escape(part[-1])
    beside = [parts[other] for other in (number - 1, number + 1) if 0 <= other < len(parts)]
    alone = not any(other[0] == '%' or other.isdigit() for other in beside)
    pattern = r'\d{1,2}' if part[1] in _SHORT and alone else _PATTERNS[part[1]]
    return f'(?P<{part[1]}>{pattern})'


def _check(date_format: str) -> None:
    directives = _directives(date_format)
    unknown = [name for name in directives if name not in _PATTERNS]
    if unknown or _split(date_format).count('%'):
        raise ValueError(
            f'The date format {date_format!r} has {", ".join("%" + name for name in unknown) or "a lone %"}; '
            f'supported are {" ".join("%" + name for name in _PATTERNS)}.'
        )
    if not set(directives) & {'Y', 'y'}:
        raise ValueError(f'The date format {date_format!r} has no year (%Y, or %y for two digits).')
    for name, needed in _NEEDS:
        if name in directives and not set(directives) & set(needed):
            raise ValueError(f'The date format {date_format!r} has %{name} without %{" or %".join(needed)}.')
    if len(directives) != len(set(directives)):
        raise ValueError(f'The date format {date_format!r} names one part twice.')
