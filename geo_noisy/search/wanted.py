"""Which items are wanted: where, when, how cloudy; one test for every source, whatever an API made of the query."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
import shapely
from shapely.errors import GEOSException
from shapely.geometry import shape

from geo_noisy.errors import InputError

CLOUD = 'eo:cloud_cover'


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        area: In longitude and latitude.
        collections: Names of collections; empty for any.
        start: First instant, UTC; None for no limit.
        end: Last instant, UTC; None for no limit.
        max_cloud: Largest cloud cover in percent; None for no limit.
    """

    area: shapely.Geometry
    collections: tuple[str, ...]
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None
    max_cloud: float | None = None

    @property
    def interval(self) -> str | None:
        """The dates as an API takes them; None for no limit."""
        if self.start is None and self.end is None:
            return None
        return '/'.join(
            '..' if time is None else time.strftime('%Y-%m-%dT%H:%M:%SZ') for time in (self.start, self.end)
        )

    def refusal(self, item: Mapping[str, Any]) -> str:
        """Why an item is not wanted; empty where it is."""
        properties = item.get('properties') or {}
        if self.collections and item.get('collection') not in self.collections:
            return 'of another collection'
        if not item.get('geometry') or not shapely.intersects(self.area, shape(item['geometry'])):
            return 'outside of the area'
        start, end = _period(properties)
        if (self.start is not None or self.end is not None) and (start is None or end is None):
            return 'without a date'
        if (self.start is not None and end < self.start) or (self.end is not None and start > self.end):
            return 'taken at another time'
        if self.max_cloud is not None:
            cover = properties.get(CLOUD)
            if cover is None or cover < 0:  # Landsat's -1 is "not measured"; unknown is never clear
                return 'of unknown cloud cover'
            if cover > self.max_cloud:
                return f'with cloud cover above {self.max_cloud:g} %'
        return ''


def wanted_dates(dates: str | None) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """First and last instant of an interval.

    Args:
        dates: ``A/B``, each a year, month, day or instant, or ``..`` for no limit; one alone is the whole of it.

    Raises:
        ValueError: If it cannot be read, or ends before it starts.
    """
    if dates is None:
        return None, None
    parts = dates.split('/')
    if len(parts) > 2:
        raise ValueError(f'dates are {dates!r}; give A/B, as in 2020-01/2021-06-30.')
    start, end = (_span(parts[number], dates) for number in (0, -1))
    first, last = start and start[0], end and end[1]
    if first is not None and last is not None and last < first:
        raise ValueError(f'dates are {dates!r}, which ends before it starts.')
    return first, last


def sift(
    items: Iterable[Mapping[str, Any]], wanted: Wanted, refused: dict[str, int], seen: set[tuple[str, str]]
) -> Iterator[Mapping[str, Any]]:
    """The items that are wanted, each once.

    Args:
        items: Items as GeoJSON.
        wanted: What is asked for.
        refused: Counts, for each reason, the others.
        seen: Collection and id of the items given before.
    """
    for item in items:
        stated = {name: value for name, value in item.items() if value is not None}  # a table has every column
        check_object(stated, f'the item {item.get("id")!r}')
        key = str(item.get('collection') or ''), str(item.get('id'))
        reason = 'given twice' if key in seen else wanted.refusal(item)
        if reason:
            refused[reason] = refused.get(reason, 0) + 1
            continue
        seen.add(key)
        yield item


def check_object(found: Any, where: str) -> None:
    """Check the parts of a STAC object that are read.

    Args:
        found: What stands in the JSON.
        where: Its place, for messages.

    Raises:
        InputError: If a part is of another kind than in STAC.
    """
    if not isinstance(found, Mapping):
        raise InputError(f'{where} holds {str(found)[:60]!r}, not a STAC object.')
    kinds: dict[str, Any] = {'id': str, 'links': list | None, 'properties': Mapping, 'assets': Mapping}
    kinds |= {'geometry': Mapping | None} if found.get('type') == 'Feature' else {}
    for name, kind in kinds.items():
        if name in found and not isinstance(found[name], kind):
            raise InputError(f'{where}: {name} is {str(found[name])[:60]!r}, which STAC does not allow.')
    for name, asset in (found.get('assets') or {}).items():
        if asset is not None and not isinstance(asset, Mapping):
            raise InputError(f'{where}: the asset {name} is {str(asset)[:60]!r}, not a mapping with an href.')
    cover = (found.get('properties') or {}).get(CLOUD)
    if cover is not None and not isinstance(cover, int | float):
        raise InputError(f'{where}: {CLOUD} is {cover!r}, not a number.')
    try:
        _period(found.get('properties') or {})
    except (ValueError, TypeError) as error:
        raise InputError(f'{where}: its date cannot be read ({error}).') from error
    if found.get('geometry'):
        try:
            shape(found['geometry'])
        except (ValueError, TypeError, LookupError, AttributeError, GEOSException) as error:
            raise InputError(f'{where}: geometry is {str(found["geometry"])[:60]!r}, which cannot be read.') from error


def order(item: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    """What items are sorted by, so that the same items give the same file."""
    properties = item.get('properties') or {}
    time = properties.get('datetime') or properties.get('start_datetime') or ''
    return str(time), (str(item.get('collection') or ''), str(item.get('id')))


def _span(text: str, dates: str) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    if text.strip() in ('', '..'):
        return None
    try:
        if 'T' in text.upper():
            time = _utc(text)
            return time, time
        period = pd.Period(text.strip())
    except (ValueError, TypeError) as error:
        raise ValueError(f'dates are {dates!r}; {text!r} cannot be read: give A/B, as 2020-01/2021-06-30.') from error
    return period.start_time.tz_localize('UTC'), period.end_time.tz_localize('UTC')


def _period(properties: Mapping[str, Any]) -> tuple[Any, Any]:
    single = properties.get('datetime')
    texts = (single, single) if single else (properties.get('start_datetime'), properties.get('end_datetime'))
    return tuple(None if text is None else _utc(text) for text in texts)  # type: ignore[return-value]


def _utc(text: str | datetime) -> pd.Timestamp:
    time = pd.Timestamp(text)
    return time.tz_localize('UTC') if time.tzinfo is None else time.tz_convert('UTC')
