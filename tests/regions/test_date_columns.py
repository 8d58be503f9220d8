"""Dates in columns: each spelling with its seconds written by hand, or refused with the remedy."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from geo_noisy.regions.dates.columns import read_dates
from geo_noisy.regions.dates.numbers import kind_of
from geo_noisy.regions.dates.read import period, seconds, span
from geo_noisy.regions.dates.spans import EVER, NEVER, implausible, instant

DAY = 1_541_635_200  # 2018-11-08T00:00:00Z
HALF_PAST_SIX = DAY + 23_400  # 06:30
YEAR = (1_514_764_800, 1_546_300_799)  # 2018-01-01T00:00:00Z, 2018-12-31T23:59:59Z
NOVEMBER = (1_541_030_400, 1_543_622_399)  # 2018-11-01T00:00:00Z, 2018-11-30T23:59:59Z


@pytest.mark.parametrize(
    ('value', 'expected'),
    [
        ('2018-11-08', DAY),
        ('2018-11-8', DAY),
        ('2018/11/08', DAY),
        ('2018.11.08', DAY),
        ('2018_11_08', DAY),
        ('20181108', DAY),
        (' 2018-11-08 ', DAY),
        ('2018/11/08 00:00:00', DAY),
        ('2018/11/08 06:30:00+00', HALF_PAST_SIX),
        ('2018:11:08 06:30:00', HALF_PAST_SIX),
        ('2018-11-08T06:30', HALF_PAST_SIX),
        ('2018-11-08 6:30', HALF_PAST_SIX),
        ('2018-11-08T0630', HALF_PAST_SIX),
        ('2018-11-08T06:30:00Z', HALF_PAST_SIX),
        ('2018-11-08T06:30:00.999Z', HALF_PAST_SIX),
        ('2018-11-08T06:30:00 UTC', HALF_PAST_SIX),
        ('2018-11-08T06:30:00-08:00', HALF_PAST_SIX + 8 * 3600),
        ('2018-11-08T06:30:00+0530', HALF_PAST_SIX - 19_800),
        ('20181108T063000Z', HALF_PAST_SIX),
        ('20181108063000', HALF_PAST_SIX),
        ('25/12/2018', 1_545_696_000),
        ('12/25/2018 12:00:00 AM', 1_545_696_000),
        ('12/25/2018 1:00 PM', 1_545_696_000 + 13 * 3600),
        ('25.12.2018', 1_545_696_000),
        ('11/11/2018', DAY + 3 * 86_400),  # one day either way
        ('Nov 8, 2018', DAY),
        ('November 8 2018', DAY),
        ('8 Nov. 2018', DAY),
        ('08-NOV-2018', DAY),
        ('08NOV2018', DAY),
        ('2018', YEAR),
        ('2018-11', NOVEMBER),
        ('2018/11', NOVEMBER),
        ('Nov 2018', NOVEMBER),
        ('2018-11-08/2018-11-09', (DAY, DAY + 86_400)),
        ('2018/11/08/2018/11/09', (DAY, DAY + 86_400)),
        ('2018-11-08T06:30:00Z / 2018-11-09', (HALF_PAST_SIX, DAY + 86_400)),
        ('2018-11-08/..', (DAY, NEVER)),
        ('../2018-11-08', (EVER, DAY)),
        (2018, YEAR),
        (2018.0, YEAR),
        ('2018.0', YEAR),
        (20_181_108, DAY),
        (20_181_108.0, DAY),
        (Decimal(20_181_108), DAY),
        (np.int32(20_181_108), DAY),
        (HALF_PAST_SIX, HALF_PAST_SIX),
        (HALF_PAST_SIX + 0.75, HALF_PAST_SIX),
        (HALF_PAST_SIX * 1000, HALF_PAST_SIX),
        (str(HALF_PAST_SIX * 1000), HALF_PAST_SIX),
        (date(2018, 11, 8), DAY),
        (datetime(2018, 11, 8, 6, 30), HALF_PAST_SIX),
        (datetime(2018, 11, 8, 6, 30, tzinfo=UTC), HALF_PAST_SIX),
        (np.datetime64('2018-11-08'), DAY),
        (pd.Timestamp('2018-11-08 06:30', tz='America/Los_Angeles'), HALF_PAST_SIX + 8 * 3600),
    ],
)
def test_a_spelling_is_read(value, expected):
    start, stop = expected if isinstance(expected, tuple) else (expected, expected)
    assert span(value, checked=True) == (start, stop)


AMBIGUOUS = "day or month first.*--date-format '%{0}{2}%{1}{2}%Y' or '%{1}{2}%{0}{2}%Y'"
UNSAID = 'whose size does not say which date.*years, YYYYMMDD, seconds or milliseconds.*--date-format'
NO_WAY = 'no date in a way that is known.*Write 2018-11-08 .* --date-format'


@pytest.mark.parametrize(
    ('value', 'remedy'),
    [
        ('08/11/2018', AMBIGUOUS.format('d', 'm', '/')),
        ('8/11/2018 12:00:00 AM', AMBIGUOUS.format('d', 'm', '/')),
        ('08.11.2018', AMBIGUOUS.format('d', 'm', '.').replace('.%', r'\.%')),
        ('08-11-2018', AMBIGUOUS.format('d', 'm', '-')),
        ('08/11/18', NO_WAY),
        ('2018-13-01', NO_WAY),
        ('2018-02-29', NO_WAY),
        ('2018-11-08T24:00:00', NO_WAY),
        ('2018-11-08T06300', NO_WAY),
        ('2018-11-08-0400', NO_WAY),
        ('2018-11-08 06:30 PST', NO_WAY),
        ('2018-11-08T06:30+15:00', NO_WAY),
        ('2018-W45-4', NO_WAY),
        ('2018-11-08/09', NO_WAY),
        ('2018/2019', NO_WAY),
        ('../..', NO_WAY),
        ('8 Brumaire 2018', NO_WAY),
        ('\u0662\u0660\u0661\u0668-11-08', NO_WAY),  # digits of another script
        ('unknown', NO_WAY),
        ('NaT', NO_WAY),
        ('2018-11-09/2018-11-08', 'ends before it starts.*earlier date first'),
        ('0', UNSAID),
        (0, UNSAID),
        (-1, UNSAID),
        (2018.5, UNSAID),
        (201_811, UNSAID),
        ('2018312', UNSAID),
        (20_181_399, UNSAID),
        (20_240_716_063_000, UNSAID),
        (HALF_PAST_SIX * 10**6, UNSAID),
        (float('inf'), UNSAID),
        (43_412, 'days since 1900 as Excel counts them.*spreadsheet'),
        ('43412.5', 'days since 1900 as Excel counts them.*spreadsheet'),
        ('9999-12-31', 'in the future.*leave unknown dates empty'),
        ('2018-11-08/9999-12-31', r'in the future.*open end as 2018-11-08/\.\.'),
        ('1899-12-30', 'before 1900'),
        ('1900-01-01', 'a date that databases write where they know none'),
        (pd.Timestamp(HALF_PAST_SIX * 1000), 'every date lies in 1970.*unit'),
        (True, 'several kinds, or none that is a date'),
        (None, 'is not a date'),
        ('', 'is not a date'),
    ],
)
def test_what_is_no_date_or_two_is_refused_with_the_remedy(value, remedy):
    with pytest.raises(ValueError, match=remedy):
        span(value, checked=True, where='events.gpkg')


def test_a_column_is_read_as_a_whole():
    day_first = read_dates(pd.Series(['08/11/2018', '25/12/2018']), where='x')
    assert day_first.start.tolist() == [DAY, 1_545_696_000]
    month_first = read_dates(pd.Series(['11/08/2018', '12/25/2018', None]), where='x')
    assert month_first.start.tolist()[:2] == [DAY, 1_545_696_000]
    assert month_first.known.tolist() == [True, True, False]


@pytest.mark.parametrize('empty', [None, '', ' ', np.nan, pd.NaT, pd.NA])
def test_empty_values_are_unknown_and_never_a_date(empty):
    found = read_dates(pd.Series(['2018-11-08', empty], dtype=object), where='x')
    assert found.known.tolist() == [True, False]
    assert (found.start[1], found.stop[1]) == (EVER, NEVER)


def test_columns_of_real_dates_keep_their_gaps():
    for values in (
        pd.Series(pd.to_datetime(['2018-11-08', None])),
        pd.Series(pd.to_datetime(['2018-11-08T00:00:00-00:00', None])),
        pd.Series([20_181_108, None], dtype='Int64'),
        pd.Series([20_181_108, None]),
        pd.Series(['2018-11-08', None], dtype='string'),
        pd.Series(['2018-11-08', None], dtype='category'),
        pd.Series([date(2018, 11, 8), None], dtype=pd.ArrowDtype(__import__('pyarrow').date32())),
    ):
        found = read_dates(values, where='x')
        assert (found.start[0], found.known.tolist()) == (DAY, [True, False])


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        (['2018-11-08', '11/25/2018', None], r"not written as 2018-11-08.*'11/25/2018' \(row 2\); 1 of 3 rows"),
        (['25/12/2018', '12/25/2018'], r"'12/25/2018' \(row 2\)|'25/12/2018' \(row 1\)"),
        (['20181108', '2018-11-09', '2018-11-10'], r"'20181108' \(row 1\)"),
        ([2018, 20_181_108, 2019], r'20181108 \(row 2\); 1 of 3 rows.*a year|a year.*20181108 \(row 2\)'),
        (['soon'] * 5 + ['2018'] * 2, r"'soon' \(row 1\), 'soon' \(row 2\), 'soon' \(row 3\); 5 of 7 rows"),
        (['2018-11-08', 2018], 'several kinds'),
        ([{'start': 2018}, {'start': 2019}], NO_WAY),
    ],
)
def test_errors_name_file_column_value_and_row(values, message):
    with pytest.raises(ValueError, match=message) as raised:
        read_dates(pd.Series(values, dtype=object), where="fires.gpkg, column 'when'")
    assert str(raised.value).startswith("fires.gpkg, column 'when'")


@pytest.mark.parametrize(
    ('values', 'date_format', 'starts'),
    [
        (['08/11/2018', '09/11/2018'], '%d/%m/%Y', [DAY, DAY + 86_400]),
        (['11/08/2018'], '%m/%d/%Y', [DAY]),
        (['11/8/2018 12:00:00 AM'], '%m/%d/%Y', [DAY]),  # the remedy that the error names
        (['08/11/2018/09/11/2018'], '%d/%m/%Y', [DAY]),
        (['08/11/18'], '%d/%m/%y', [DAY]),
        ([201_811], '%Y%m', [NOVEMBER[0]]),
        ([2018_312.0], '%Y%j', [DAY]),
        (['08112018'], ['%d/%m/%Y', '%d%m%Y'], [DAY]),
        (['2018-11-08'], '%d/%m/%Y', [DAY]),  # no value is written so: read as without
    ],
)
def test_a_stated_format_settles_it(values, date_format, starts):
    assert read_dates(pd.Series(values), where='x', date_format=date_format).start.tolist() == starts


def test_a_format_fits_all_values_or_is_an_error():
    with pytest.raises(ValueError, match=r"not written as %d/%m/%Y, as others are: '2018-11-08' \(row 2\)"):
        read_dates(pd.Series(['08/11/2018', '2018-11-08']), where='x', date_format='%d/%m/%Y')
    with pytest.raises(ValueError, match=r'no value is written as %d%m%Y'):
        read_dates(pd.Series(['1112018']), where='x', date_format='%d%m%Y')  # 1 or 11 November, 11 or 1 January


@pytest.mark.parametrize(
    ('date_format', 'message'),
    [
        ('%m%d', 'no year'),
        ('%Y%d', '%d without %m'),
        ('%Y%m%d%M', '%M without %H'),
        ('%Y%m%dT%I', '%I without %p'),
        ('%Y-%U', 'has %U; supported are'),
        ('%Y%', 'a lone %'),
        ('%Y%Y', 'twice'),
    ],
)
def test_formats_that_leave_a_date_open_are_refused(date_format, message):
    with pytest.raises(ValueError, match=message):
        read_dates(pd.Series(['2018']), where='x', date_format=date_format)


def test_dates_of_images_are_days_or_stated():
    with pytest.raises(ValueError, match=r'no single day.*--date-format \(e.g. %Y\)'):
        read_dates(pd.Series([2018, 2019]), where='x', instants=True)
    found = read_dates(pd.Series([2018, 2019]), where='x', instants=True, date_format='%Y')
    assert found.start.tolist() == found.stop.tolist() == [YEAR[0], YEAR[1] + 1]


def test_a_period_holds_its_ends_whole():
    assert period(('2018', '2018-11')) == (YEAR[0], NOVEMBER[1])
    assert period(('2018-11-08', date(2018, 11, 8))) == (DAY, DAY)
    with pytest.raises(ValueError, match="toi: '2017' lies before '2018'"):
        period(('2018', '2017'))
    with pytest.raises(ValueError, match='no single day'):
        seconds('2018')


@pytest.mark.parametrize('placeholder', ['1900-01-01', '1970-01-01'])
def test_placeholders_for_unknown_dates_are_told(placeholder):
    """Taken for dates, they would make every pair clean: it all happened before the first image."""
    with pytest.raises(
        ValueError, match=f"databases write where they know none: '{placeholder}'.*row 2.*leave unknown"
    ):
        read_dates(pd.Series(['2018-11-08', placeholder]), where='events, column when')


def test_ranges_of_numbers_end_before_their_ends():
    assert kind_of(21_001_231).name == 'YYYYMMDD'
    assert kind_of(21_010_101) is None
    assert kind_of(20_200_815.5) is None


def test_clocks_may_be_off_by_a_day():
    now = datetime.now(UTC)
    spans = np.array([instant(now + timedelta(hours=hours)) for hours in (20, 30)])
    assert implausible(spans)['lies in the future'].tolist() == [False, True]
