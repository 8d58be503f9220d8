"""Ways to write a date as text. Each is strict: what it does not match as a whole, it does not read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from geo_noisy.regions.dates.spans import Span, between, instant, month_span, year_span

_MONTHS = (
    'january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november',
    'december',
)  # fmt: skip
_FARTHEST_ZONE = timedelta(hours=14)
_NOON_H = 12
_ZONE = r'(?:[ ]?(?:(?P<utc>Z|UTC|GMT)|(?P<sign>[+-])(?P<zone_h>\d\d)(?::?(?P<zone_m>\d\d))?))?'
_HALF = r'(?:[ ]?(?P<half>[AaPp])\.?[Mm]\.?)?'
_SECOND = r'(?:(?P=colon)(?P<second>\d\d)(?:[.,]\d+)?)?'
_CLOCK = (
    r'(?:(?:T|[ ]+)(?=\d{1,2}:|(?<=T)\d{4})(?P<hour>\d\d|\d(?=:))(?P<colon>:?)(?P<minute>\d\d)'
    f'{_SECOND}{_HALF}{_ZONE})?'
)
_COMPACT_CLOCK = rf'(?:[T ]?(?P<hour>\d\d)(?P<colon>:?)(?P<minute>\d\d){_SECOND}{_HALF}{_ZONE})?'


@dataclass(frozen=True)
class Spelling:
    """One way to write dates.

    Attributes:
        name: How it looks.
        remedy: The same as a ``--date-format``, where it can be stated.
        read: From text to its span; None where the text is written otherwise.
    """

    name: str
    remedy: str
    read: Callable[[str], Span | None]


def read_text(text: str, spelling: Spelling) -> Span | None:
    """Read a date, or an interval ``2018-11-08/2018-11-30`` with ``..`` for an open end.

    A ``/`` splits only between two whole dates, so 2018/11/08 is one date.

    Returns:
        The span, or None where the text is written otherwise.

    Raises:
        ValueError: If an interval ends before it starts.
    """
    found = spelling.read(text)
    return found if found is not None else read_interval(text, spelling.read)


def read_interval(text: str, read: Callable[[str], Span | None]) -> Span | None:
    """Two whole dates with a ``/`` between them, one of which may be open (``..``); None where it is none.

    Raises:
        ValueError: If it ends before it starts.
    """
    for cut in re.finditer('/', text):
        halves = text[: cut.start()].strip(), text[cut.end() :].strip()
        spans = [None if half == '..' else read(half) for half in halves]
        written = [half == '..' or _is_whole(span) for half, span in zip(halves, spans, strict=True)]
        if all(written) and halves != ('..', '..'):
            found = between(*spans)
            if found.stop < found.start:
                raise ValueError(f'{text!r} ends before it starts')
            return found
    return None


def _is_whole(span: Span | None) -> bool:
    return span is not None and span.start == span.stop


def _time(match: re.Match[str], *, year: int, month: int, day: int) -> Span | None:
    """The instant that the groups of a match tell; None where there is no such day or time."""
    part = match.groupdict()
    hour, minute, second = (int(part.get(name) or 0) for name in ('hour', 'minute', 'second'))
    if part.get('half'):
        if not 1 <= hour <= _NOON_H:
            return None
        hour = hour % _NOON_H + _NOON_H * (part['half'] in 'Pp')
    try:
        return instant(datetime(year, month, day, hour, minute, second, tzinfo=_zone(part)))
    except ValueError:
        return None


def _zone(part: dict[str, str | None]) -> timezone:
    if not part.get('sign'):
        return UTC
    offset = timedelta(hours=int(part['zone_h'] or 0), minutes=int(part['zone_m'] or 0))
    if offset > _FARTHEST_ZONE:
        raise ValueError('no place has a zone so far from UTC')
    return timezone(offset if part['sign'] == '+' else -offset)


def _numbered(name: str, remedy: str, pattern: str, *, reduced: str = r'(?!)') -> Spelling:
    """A spelling with numbers for year, month and day, and perhaps one without the day or the month."""
    whole, short = (re.compile(text, re.ASCII) for text in (pattern, reduced))

    def _read(text: str) -> Span | None:
        if match := whole.fullmatch(text):
            return _time(match, year=int(match['year']), month=int(match['month']), day=int(match['day']))
        match = short.fullmatch(text)
        return _reduced(int(match['year']), match.groupdict().get('month')) if match else None

    return Spelling(name, remedy, _read)


def _reduced(year: int, month: str | None) -> Span | None:
    try:
        return year_span(year) if month is None else month_span(year, int(month))
    except ValueError:
        return None


def _named(name: str, remedy: str, pattern: str) -> Spelling:
    """A spelling with an English name for the month, and perhaps no day."""
    whole = re.compile(pattern, re.ASCII)

    def _read(text: str) -> Span | None:
        match = whole.fullmatch(text)
        month = _month(match['name']) if match else None
        if match is None or month is None:
            return None
        if match.groupdict().get('day') is None:
            return _reduced(int(match['year']), str(month))
        return _time(match, year=int(match['year']), month=month, day=int(match['day']))

    return Spelling(name, remedy, _read)


def _month(name: str) -> int | None:
    """Number of a month by its English name, or by the three or four letters it is shortened to."""
    word = name.lower().rstrip('.')
    short = {month[:3]: number for number, month in enumerate(_MONTHS, 1)} | {'sept': 9}
    return _MONTHS.index(word) + 1 if word in _MONTHS else short.get(word)


def _year_first(mark: str) -> Spelling:
    sep = re.escape(mark)
    return _numbered(
        f'2018{mark}11{mark}08',
        f'%Y{mark}%m{mark}%d',
        rf'(?P<year>\d{{4}}){sep}(?P<month>\d{{1,2}}){sep}(?P<day>\d{{1,2}}){_CLOCK}',
        reduced=rf'(?P<year>\d{{4}})(?:{sep}(?P<month>\d\d))?',
    )


def _year_last(mark: str, *, day_first: bool) -> Spelling:
    sep = re.escape(mark)
    names, marks = (('day', 'month'), '%d{0}%m{0}%Y') if day_first else (('month', 'day'), '%m{0}%d{0}%Y')
    return _numbered(
        f'08{mark}11{mark}2018 (day first)' if day_first else f'11{mark}08{mark}2018 (month first)',
        marks.format(mark),
        rf'(?P<{names[0]}>\d{{1,2}}){sep}(?P<{names[1]}>\d{{1,2}}){sep}(?P<year>\d{{4}}){_CLOCK}',
    )


SPELLINGS = (
    _year_first('-'),
    _numbered(
        '20181108', '%Y%m%d', rf'(?P<year>\d{{4}})(?P<month>\d\d)(?P<day>\d\d){_COMPACT_CLOCK}'
    ),
    *(_year_first(mark) for mark in '/.:_'),
    *(_year_last(mark, day_first=day_first) for mark in '/.-' for day_first in (True, False)),
    _named(
        '8 Nov 2018', '%d %b %Y',
        rf'(?P<day>\d{{1,2}})[ -]?(?P<name>[A-Za-z]+\.?)[ -]?,?[ ]*(?P<year>\d{{4}}){_CLOCK}',
    ),
    _named('Nov 8, 2018', '%b %d, %Y', rf'(?P<name>[A-Za-z]+\.?)[ ](?P<day>\d{{1,2}}),?[ ](?P<year>\d{{4}}){_CLOCK}'),
    _named('Nov 2018', '%b %Y', r'(?P<name>[A-Za-z]+\.?)[ -](?P<year>\d{4})'),
)  # fmt: skip
