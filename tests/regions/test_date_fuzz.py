"""Never a date that differs from an independent reading: what is written is known, so what is read can be compared."""

import re
import string
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from geo_noisy.regions.dates.columns import read_dates
from geo_noisy.regions.dates.names import date_in_name
from geo_noisy.regions.dates.read import span

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2024, 12, 31)).map(lambda time: time.replace(microsecond=0))
ZONES = st.integers(-48, 56).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
SETTINGS = settings(max_examples=60)
DAY_SPELLINGS = (
    '%Y-%m-%d',
    '%Y/%m/%d',
    '%Y.%m.%d',
    '%Y_%m_%d',
    '%Y%m%d',
    '%Y:%m:%d',
    '%b %d, %Y',
    '%d %B %Y',
    '%d%b%Y',
)
CLOCKS = (' %H:%M:%S', 'T%H:%M:%S', 'T%H:%M:%SZ', ' %I:%M:%S %p')
NAME_DAYS = ('%Y%m%d', '%Y-%m-%d', '%Y_%m_%d', '%Y.%m.%d')
NAME_CLOCKS = ('', 'T%H%M%S', 'T%H%M%SZ', 'T%H-%M-%SZ', '_%H%M%S', '-%H-%M-%S', 'T%H%M', '_%H%M', '-%H%M', '_%H%MZ')
TEXT = st.text(string.ascii_letters + string.digits + '._- +:', max_size=12)


def reference(time: datetime) -> int:
    """Seconds since 1970 by counting, without any reader of dates."""
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (aware - EPOCH).days * 86_400 + (aware - EPOCH).seconds


def read(function, *arguments, **options):
    """What a reader gives; None where it refuses."""
    try:
        return function(*arguments, **options)
    except ValueError:
        return None


@SETTINGS
@given(st.lists(TIMES, min_size=1, max_size=5), st.sampled_from(DAY_SPELLINGS), st.sampled_from(('', *CLOCKS)))
def test_columns_of_one_spelling_are_read_as_written(times, day, clock):
    written = [time.strftime(day + clock) for time in times]
    expected = [reference(time if clock else datetime.combine(time, datetime.min.time())) for time in times]
    assert read_dates(pd.Series(written), where='x').start.tolist() == expected


@SETTINGS
@given(st.lists(TIMES.flatmap(lambda time: ZONES.map(lambda zone: time.replace(tzinfo=zone))), min_size=1, max_size=5))
def test_zones_are_converted(times):
    assert read_dates(pd.Series([time.isoformat() for time in times]), where='x').start.tolist() == list(
        map(reference, times)
    )


@SETTINGS
@given(st.lists(TIMES, min_size=1, max_size=6), st.sampled_from('/.-'), st.booleans())
def test_day_and_month_are_never_mixed_up(times, mark, day_first):
    spelling = f'%d{mark}%m{mark}%Y' if day_first else f'%m{mark}%d{mark}%Y'
    written = pd.Series([time.strftime(spelling) for time in times])
    expected = [reference(datetime(time.year, time.month, time.day)) for time in times]
    found = read(read_dates, written, where='x')
    told = any(time.day > 12 for time in times) or all(time.day == time.month for time in times)
    assert (found.start.tolist() == expected) if told else (found is None)
    assert read_dates(written, where='x', date_format=spelling).start.tolist() == expected


@SETTINGS
@given(st.lists(TIMES, min_size=1, max_size=5), st.sampled_from(('day', 's', 'ms', 'year')))
def test_numbers_are_what_their_size_says(times, kind):
    times = [max(time, datetime(1973, 6, 1)) for time in times]
    write = {
        'day': lambda time: time.year * 10_000 + time.month * 100 + time.day,
        's': reference,
        'ms': lambda time: reference(time) * 1000 + 250,
        'year': lambda time: time.year,
    }[kind]
    exact = {
        'day': lambda time: datetime(time.year, time.month, time.day),
        'year': lambda time: datetime(time.year, 1, 1),
    }
    expected = [reference(exact.get(kind, lambda time: time)(time)) for time in times]
    for values in (pd.Series([write(time) for time in times]), pd.Series([str(write(time)) for time in times])):
        assert read_dates(values, where='x').start.tolist() == expected


@SETTINGS
@given(st.one_of(st.integers(-(10**19), 10**19), st.floats(allow_nan=False), st.integers(0, 10**9)))
def test_any_number_is_read_by_the_rule_of_sizes_or_refused(number):
    found = read(span, number)
    if found is not None:
        whole = str(int(number))
        by_hand = {
            4: lambda: datetime(int(number), 1, 1),
            8: lambda: datetime(int(whole[:4]), int(whole[4:6]), int(whole[6:])),
        }.get(len(whole), lambda: EPOCH + timedelta(seconds=number // (1000 if number >= 10**11 else 1)))
        assert found.start == reference(by_hand())


@SETTINGS
@given(TIMES, st.sampled_from(DAY_SPELLINGS[:5]), st.sampled_from(('', *CLOCKS)), TEXT, st.integers(0, 30))
def test_a_changed_text_is_never_read_otherwise_than_by_python(time, day, clock, inserted, position):
    written = time.strftime(day + clock)
    text = written[:position] + inserted + written[position + len(inserted) // 2 :]
    found = read(span, text)
    try:
        by_python = datetime.fromisoformat(text)
    except ValueError:
        by_python = None
    if found is not None and by_python is not None and found.start == found.stop:
        assert found.start == reference(by_python)


@SETTINGS
@given(TIMES, st.sampled_from(NAME_DAYS), st.sampled_from(NAME_CLOCKS), TEXT, TEXT)
@example(datetime(2015, 7, 11, 4), '%Y%m%d', '_%H%M', 'x_', '.tif')
@example(datetime(2015, 7, 11, 4), '%Y-%m-%d', '-%H%M', 'x_', '.tif')
def test_a_name_is_read_whole_or_refused(time, day, clock, before, after):
    assume(not re.search(r'\d', before) and not re.match(r'[-_ .:]?[\dTt+]|Z', after))
    written = before + time.strftime(day + clock) + after
    found = read(date_in_name, written)
    if found is None:
        return
    shown = re.findall('%[HMS]', clock)
    precise = {3: time, 2: time.replace(second=0), 0: datetime.combine(time, datetime.min.time())}[len(shown)]
    assert found == reference(precise)


@SETTINGS
@given(
    TIMES, st.sampled_from(NAME_DAYS), st.sampled_from(NAME_CLOCKS[:6]), st.text(string.ascii_letters + '_', max_size=8)
)
def test_plain_names_are_always_read(time, day, clock, word):
    assume(not clock or day == '%Y%m%d' or '-' in clock or 'T' in clock)
    written = f'{word}_{time.strftime(day + clock)}_{word.lower()}q.tif'
    assume(not re.match(r'_(?:[ecmp][ds]t|ces?t|bst|ist|jst|ae[ds]t|local)', f'_{word.lower()}q'))
    precise = time if clock else datetime.combine(time, datetime.min.time())
    assert date_in_name(written) == reference(precise)


@SETTINGS
@given(TIMES, TIMES, st.sampled_from(('', 'x_', 'crop-')))
def test_of_two_dates_in_products_the_acquisition_is_taken(taken, processed, prefix):
    stamp, other = taken.strftime('%Y%m%dT%H%M%S'), processed.strftime('%Y%m%dT%H%M%S')
    for name in (
        f'{prefix}S2A_MSIL2A_{stamp}_N0204_R122_T33UUP_{other}.SAFE',
        f'{prefix}{stamp}_{other}_T33UUP.tif',
        f'{prefix}S1A_IW_GRDH_1SDV_{stamp}_{other}_033900_03EDDB_9C8F.SAFE',
        f'{prefix}HLS.S30.T33UUP.{taken:%Y%jT%H%M%S}.v2.0.B04.tif',
    ):
        assert date_in_name(name) == reference(taken)
    day = datetime.combine(taken, datetime.min.time())
    for name in (
        f'{prefix}LC08_L2SP_193024_{taken:%Y%m%d}_{processed:%Y%m%d}_02_T1_SR_B4.TIF',
        f'm_3807511_se_18_060_{taken:%Y%m%d}_{processed:%Y%m%d}.tif',
    ):
        assert date_in_name(name) == reference(day)
    assume(taken.date() != processed.date())
    assert read(date_in_name, f'{prefix}scene_{stamp}_{other}.tif') is None


@SETTINGS
@given(
    st.dates(date(1971, 1, 1), date(2024, 12, 31)),
    st.sampled_from(('%d%m%Y', '%Y%j', '%d.%m.%y', '%y%m%d', '%m-%d-%Y')),
)
def test_stated_formats_are_read_as_written(day, date_format):
    assert span(day.strftime(date_format), date_format=date_format).start == reference(datetime(*day.timetuple()[:3]))
