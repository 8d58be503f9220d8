"""Columns of dates, each read as a whole: one way to write a date for all its values, or an error."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.regions.dates.column_values import ColumnValues
from geo_noisy.regions.dates.formats import Formats, as_formats, read_formatted
from geo_noisy.regions.dates.numbers import KINDS, kind_of, looks_like_excel, read_number
from geo_noisy.regions.dates.spans import UNKNOWN, Span, all_in_1970, implausible, instant
from geo_noisy.regions.dates.spellings import SPELLINGS, read_text

Ints = NDArray[np.int64]
_HINT = 'Write 2018-11-08 or 2018-11-08T06:30:00Z, or state how it is written with --date-format (e.g. %d.%m.%Y).'


@dataclass(frozen=True)
class Dates:
    """The dates of a column.

    Attributes:
        start: Earliest second of each, since 1970 (UTC), [n].
        stop: Latest second of each, [n]; equal to ``start`` for an instant, later for a year, a month, an interval.
        known: Whether there is a date at all, [n]; the others span all time.
        spelling: How they were written.
    """

    start: Ints
    stop: Ints
    known: NDArray[np.bool_]
    spelling: str


def read_dates(
    values: pd.Series, *, where: str, date_format: Formats = None, instants: bool = False, checked: bool = True
) -> Dates:
    """Read a column of dates.

    Real dates are taken as they are. Text has to be written in one way throughout; where two ways fit and differ
    (day or month first), the format has to be stated. Numbers are years, YYYYMMDD, seconds or milliseconds since
    1970, by their size. A date without a time is midnight, a time without a zone is UTC, others are converted. Empty
    values are unknown.

    Args:
        values: The column.
        where: Its name for messages, e.g. ``"fires.gpkg, column 'when'"``.
        date_format: Format, or several, as in ``datetime.strptime``; the first that fits all values is taken. The
            column is read as without where none fits any value.
        instants: Whether years, months and intervals are errors. With a format they stand for their start.
        checked: Whether dates before 1900, in the future, or all in 1970 are errors.

    Raises:
        ValueError: If a value is no date, the values are written in several ways, one can be read in two ways, or
            they are implausible; with the values, their rows and the remedy.
    """
    column, formats = ColumnValues.of(values, where=where), as_formats(date_format)
    spans, spelling = _spans(column, formats)
    table = np.array(spans, dtype=np.int64).reshape(-1, 2)
    if instants:
        table = _instants(column, table, stated=spelling in formats)
    if checked:
        _check_plausible(column, table)
    start, stop = np.concatenate([table, [UNKNOWN]])[column.codes].T
    return Dates(start, stop, column.codes >= 0, spelling)


def _spans(column: ColumnValues, formats: Sequence[str]) -> tuple[Sequence[Span] | Ints, str]:
    """The span of each value, and how they are written."""
    values = column.values
    if len(values) == 0:
        return [], 'empty'
    if all(isinstance(value, pd.Timestamp) for value in values):  # millions of them in a moment
        utc = pd.to_datetime(list(values), utc=True).tz_localize(None)
        return utc.to_numpy().astype('datetime64[s]').astype(np.int64).repeat(2), 'dates'
    if all(isinstance(value, date | np.datetime64) for value in values):  # a datetime is a date
        return [instant(_time(value)) for value in values], 'dates'
    if all(_is_number(value) for value in values):
        found = _formatted(column, [_digits(value) for value in values], formats) if formats else None
        return found or _numbers(_unformatted(column, formats), [float(value) for value in values])
    if all(isinstance(value, str) for value in values):
        return _formatted(column, values, formats) or _text(_unformatted(column, formats))
    raise column.offence(range(len(values)), 'holds values of several kinds, or none that is a date', _HINT)


def _time(value: date | np.datetime64) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _is_number(value: object) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _digits(number: Any) -> str:
    """A number as a person writes it: whole ones without a point."""
    return str(int(number)) if np.isfinite(float(number)) and number == int(number) else str(number)


def _formatted(column: ColumnValues, texts: Sequence[str], formats: Sequence[str]) -> tuple[list[Span], str] | None:
    """Read by the first format that fits all; None where none fits any."""
    best: tuple[int, str, list[int]] = (0, '', [])
    for date_format in formats:
        spans = _each(column, texts, partial(_read_as, date_format=date_format))
        missed = [number for number, span in enumerate(spans) if span is None]
        if not missed:
            return [span for span in spans if span is not None], date_format
        best = max(best, (len(texts) - len(missed), date_format, missed))
    if best[0]:
        raise column.offence(best[2], f'not written as {best[1]}, as others are', 'Correct them, or leave them empty.')
    return None


def _read_as(text: str, *, date_format: str) -> Span | None:
    """Read by a format, or by the spelling that it stands for, which may have a time behind it."""
    found = read_formatted(text, date_format)
    spelling = next((each for each in SPELLINGS if each.remedy == date_format), None)
    return read_text(text, spelling) if found is None and spelling is not None else found


def _unformatted(column: ColumnValues, formats: Sequence[str]) -> ColumnValues:
    """The column, named as one that no stated format fits."""
    return column.also_told(f' (no value is written as {" or ".join(formats)})' if formats else '')


def _numbers(column: ColumnValues, numbers: list[float]) -> tuple[list[Span], str]:
    if looks_like_excel(numbers):
        raise column.offence(
            range(len(numbers)), 'looks like days since 1900 as Excel counts them, not like dates',
            'Format the column as text 2018-11-08 in the spreadsheet, and save it again.',
        )  # fmt: skip
    found = [kind_of(number) for number in numbers]
    kind = max(KINDS, key=found.count)
    spans = [read_number(number, kind) for number in numbers]
    missed = [number for number, span in enumerate(spans) if span is None]
    if missed:
        others = f' ({kind.name}, as others are)' if found.count(kind) else ''
        raise column.offence(
            missed, f'numbers whose size does not say which date they are{others}',
            'Numbers can be years, YYYYMMDD, seconds or milliseconds since 1970, one kind in a column. '
            'Correct them, leave them empty, or state --date-format (e.g. %Y%j).',
        )  # fmt: skip
    return [span for span in spans if span is not None], kind.name


def _text(column: ColumnValues) -> tuple[list[Span], str]:
    """Read by the one spelling that fits all; several that fit have to agree."""
    fits = []
    for spelling in SPELLINGS:
        if _each(column, column.values[:1], partial(read_text, spelling=spelling)) != [None]:
            spans = _each(column, column.values, partial(read_text, spelling=spelling))
            if all(spans):
                fits.append((spelling, spans))
    if fits:
        return _agreed(column, fits)
    if all(value.replace('.', '', 1).lstrip('+-').isdecimal() and value.isascii() for value in column.values):
        return _numbers(column, [float(value) for value in column.values])
    raise _unread(column)


def _unread(column: ColumnValues) -> ValueError:
    """What no spelling reads, or all but a few values are written in."""
    best, missed = '', list(range(len(column.values)))
    for spelling in SPELLINGS:
        spans = _each(column, column.values, partial(read_text, spelling=spelling))
        failed = [number for number, span in enumerate(spans) if span is None]
        if len(failed) < len(missed):
            best, missed = spelling.name, failed
    trouble = f'not written as {best}, as others are' if best else 'no date in a way that is known'
    return column.offence(missed, trouble, f'Leave unknown dates empty. {_HINT}')


def _agreed(column: ColumnValues, fits: list[Any]) -> tuple[list[Span], str]:
    first, spans = fits[0]
    for other, others in fits[1:]:
        differing = [number for number, pair in enumerate(zip(spans, others, strict=True)) if pair[0] != pair[1]]
        if differing:
            raise column.offence(
                differing, 'day or month first? Every value can be read both ways',
                f"State --date-format '{first.remedy}' or '{other.remedy}'.",
            )  # fmt: skip
    return spans, first.name


def _each(column: ColumnValues, texts: Sequence[str], read: Callable[[str], Span | None]) -> list[Span | None]:
    spans = []
    for number, text in enumerate(texts):
        try:
            spans.append(read(text))
        except ValueError as error:
            raise column.offence([number], str(error), 'Write START/STOP, the earlier date first.') from error
    return spans


def _instants(column: ColumnValues, table: Ints, *, stated: bool) -> Ints:
    long = np.flatnonzero(table[:, 0] != table[:, 1])
    if len(long) and not stated:
        raise column.offence(
            long, 'no single day', 'Write days, as 2018-11-08, or state --date-format (e.g. %Y) to take their start.'
        )
    return np.repeat(table[:, :1], 2, axis=1)


def _check_plausible(column: ColumnValues, table: Ints) -> None:
    for trouble, offends in implausible(table).items():
        if offends.any():
            remedy = 'Correct them; leave unknown dates empty, and write an open end as 2018-11-08/.. .'
            raise column.offence(np.flatnonzero(offends), trouble, remedy)
    if all_in_1970(table):
        raise column.offence(
            range(len(table)), 'every date lies in 1970, as numbers in another unit do',
            'Check which unit the column is in, and write its dates as text.',
        )  # fmt: skip
