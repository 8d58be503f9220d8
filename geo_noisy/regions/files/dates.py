"""Times of images and events, in seconds since 1970, UTC."""

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DAY_S = 86_400
NEVER = int(np.iinfo(np.int64).max)
DATE_REGEX = (
    r'(?<!\d)(?P<date>(?:19|20)\d{2}(?P<sep>[-_.]?)(?:0[1-9]|1[0-2])(?P=sep)(?:0[1-9]|[12]\d|3[01])'
    r'(?:[T_-]?(?:[01]\d|2[0-3])[:-]?[0-5]\d[:-]?[0-5]\d(?=Z|\D|$))?)(?!\d)'
)
"""Finds 20150711, 2015-07-11, 2015_07_11 and 20150711T101112 in a file name."""


def seconds(value: object) -> int:
    """Read one time.

    Args:
        value: A date, a time, or text in ISO 8601; without a time zone it is taken as UTC.

    Raises:
        ValueError: If the value is no time.
    """
    try:
        time = pd.Timestamp(value)  # type: ignore[arg-type]  # pandas checks
    except (ValueError, TypeError) as error:
        raise ValueError(f'{value!r} is not a date; write one as 2020-08-15 ({error}).') from error
    if pd.isna(time):
        raise ValueError(f'{value!r} is not a date.')
    time = time.tz_localize('UTC') if time.tzinfo is None else time.tz_convert('UTC')
    return int(time.timestamp())


def from_seconds(times: NDArray[np.int64]) -> pd.DatetimeIndex:
    """Times as pandas sees them, without a time zone (UTC)."""
    return pd.DatetimeIndex(np.asarray(times, dtype='datetime64[s]'))


def date_in_name(name: str, *, regex: str | None = None, date_format: str | None = None) -> int:
    """Find the one date in a file name.

    Args:
        name: File name.
        regex: Regular expression with a group named ``date`` (or one group, or none); common ways to write a
            date by default.
        date_format: Format of the date as in :func:`datetime.strptime`; ISO 8601 and its variants by default.

    Raises:
        ValueError: If there is no date, or there are two different ones.
    """
    found = {_group(match) for match in re.finditer(regex or DATE_REGEX, name)}
    if not found:
        raise ValueError('no date in the name; give --date-regex, --date-tag or a table with a date column')
    times = {_parse(text, date_format) for text in found}
    if len(times) > 1:
        raise ValueError('two dates in the name; give --date-regex with a group named "date"')
    return times.pop()


def _group(match: re.Match[str]) -> str:
    if 'date' in match.re.groupindex:
        return match['date']
    return match[1] if match.re.groups else match[0]


def _parse(text: str, date_format: str | None) -> int:
    try:
        if date_format is not None:
            return int(datetime.strptime(text, date_format).replace(tzinfo=UTC).timestamp())
        return seconds(re.sub(r'(?<=\d)[_.](?=\d)', '-', text) if text.count('_') + text.count('.') > 1 else text)
    except ValueError as error:
        raise ValueError(f'a date that cannot be read ({text!r}); give --date-regex and --date-format') from error
