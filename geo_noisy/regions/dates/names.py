"""The date in the name of a file: of a product that is known, by a pattern that is stated, or as people write it."""

import re
from collections.abc import Iterable, Iterator

import numpy as np

from geo_noisy.regions.dates.as_written import find_dates, read_whole
from geo_noisy.regions.dates.formats import Formats, as_formats, pattern_of, read_formatted
from geo_noisy.regions.dates.product_names import PRODUCT_NAMES, UNDATED_NAMES
from geo_noisy.regions.dates.read import span
from geo_noisy.regions.dates.spans import implausible

_REGEX = 'give --date-regex with a group named "date"'


def date_in_name(name: str, *, regex: str | None = None, date_format: Formats = None) -> int:
    """Find the one date in a file name, in seconds since 1970, UTC.

    A stated pattern comes first. Else a product that is known (:mod:`geo_noisy.regions.dates.product_names`) tells
    which of its dates is that of the acquisition. Else the date has to be written with the year first, as 20150711,
    2015-07-11, 2015_07_11 or 2015.07.11, perhaps with a time and a zone, which are read whole or refused.

    Args:
        name: File name, without folders.
        regex: Regular expression with a group named ``date`` (or one group, or none).
        date_format: Format of the date, or several, as in ``datetime.strptime``; finds it without ``regex``, too. A
            year or a month is then dated to its start.

    Raises:
        ValueError: If there is no date, there are different ones, or it cannot be read, with the remedy.
    """
    formats = as_formats(date_format)
    if regex:
        found = set(_stated(name, regex, formats))
    else:
        found = set(_formatted(name, formats)) or set(_of_products(name)) or set(find_dates(name))
    if not found:
        raise ValueError(
            'no date in the name; give --date-format (such as %Y or %d%m%Y), --date-regex, --date-tag or a table '
            'with a date column'
        )
    if len(found) > 1:
        raise ValueError(f'two dates in the name; {_REGEX}')
    time = found.pop()
    for trouble, offends in implausible(np.array([[time, time]])).items():
        if offends[0]:
            raise ValueError(f'a date in the name that {trouble}; {_REGEX}')
    return time


def formats_in_names(names: Iterable[str], *, regex: str | None = None, date_format: Formats = None) -> frozenset[str]:
    """Which of the stated formats any of the names is written in."""
    named = list(names)
    return frozenset(
        each for each in as_formats(date_format) if any(_read_all(_texts(name, regex, each), each) for name in named)
    )


def _texts(name: str, regex: str | None, date_format: str) -> list[str]:
    """Parts of a name that the user's pattern finds, or that look as the format says."""
    if regex:
        return [text for text in map(_group, re.finditer(regex, name)) if text]
    return [match[0] for match in re.finditer(rf'(?<!\d)(?:{pattern_of(date_format)})(?!\d)', name, re.ASCII)]


def _group(match: re.Match[str]) -> str | None:
    if 'date' in match.re.groupindex:
        return match['date']
    return match[1] if match.re.groups else match[0]


def _read_all(texts: Iterable[str], date_format: str) -> list[int]:
    """Starts of the dates that are written in a format."""
    return [span.start for span in (read_formatted(text, date_format) for text in texts) if span is not None]


def _stated(name: str, regex: str, formats: tuple[str, ...]) -> Iterator[int]:
    """Dates where the user's pattern finds them."""
    for text in _texts(name, regex, ''):
        found = [time for date_format in formats for time in _read_all([text], date_format)]
        yield found[0] if found else _unformatted(text, formats)


def _unformatted(text: str, formats: tuple[str, ...]) -> int:
    trouble = 'a date that cannot be read; give --date-regex and --date-format (e.g. %d%m%Y)'
    if formats:
        raise ValueError(trouble)
    time = read_whole(text)
    if time is not None:
        return time
    try:
        found = span(text)
    except ValueError as error:
        raise ValueError(trouble) from error
    if found.start != found.stop:
        raise ValueError('a year, a month or an interval; state --date-format (e.g. %Y) to date images to its start')
    return found.start


def _formatted(name: str, formats: tuple[str, ...]) -> Iterator[int]:
    """Dates in the stated formats, wherever they stand."""
    for date_format in formats:
        yield from _read_all(_texts(name, None, date_format), date_format)


def _of_products(name: str) -> Iterator[int]:
    """Dates of acquisition of products that are known."""
    for product in UNDATED_NAMES:
        if product.pattern.search(name):
            raise ValueError(f'a name of {product.product}, with the date of its processing; {_REGEX}, or --date-tag')
    for product in PRODUCT_NAMES:
        for match in product.pattern.finditer(name):
            found = read_formatted(match['date'], product.date_format)
            if found is None:
                raise ValueError(f'a name of {product.product} with a date that does not exist; {_REGEX}')
            yield found.start
