"""A search, kept as a STAC-GeoParquet table: what ``geo-noisy index --table`` takes."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shapely.geometry import shape

from geo_noisy.errors import InputError
from geo_noisy.regions.files.secrets import without_signature
from geo_noisy.regions.noise.polygon_files import read_polygons
from geo_noisy.search.wanted import Wanted, order, sift, wanted_dates
from geo_noisy.whole_file import whole_file

_DEGREES = 'EPSG:4326'


@dataclass
class Found:
    """What a search found.

    Attributes:
        written: Items in the table.
        refused: How many others the source gave, by reason.
        first: Date of the first item.
        last: Date of the last item.
        platforms: Items by platform.
        assets: How many items have an asset of a name.
        unsigned: Hrefs that lost a signature or a password.
    """

    written: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    first: str = ''
    last: str = ''
    platforms: Counter[str] = field(default_factory=Counter)
    assets: Counter[str] = field(default_factory=Counter)
    unsigned: int = 0

    def __str__(self) -> str:
        """What was found, in a few lines."""
        platforms = ', '.join(f'{count:,} by {name}' for name, count in self.platforms.most_common())
        names = [name if count == self.written else f'{name} ({count:,})' for name, count in self.assets.items()]
        lines = [
            f'Items:      {self.written:,} from {self.first} to {self.last}' + (f'; {platforms}' if platforms else '')
        ]
        lines += [f'Left out:   {count:,} {reason}' for reason, count in sorted(self.refused.items())]
        lines += [f'Assets:     {", ".join(names)}']
        if self.unsigned:
            lines += [f'Signatures: taken off {self.unsigned:,} hrefs; give --sign where they are read']
        return '\n'.join(lines)


def search_items(
    area: str,
    *,
    stac: str,
    output: str | os.PathLike[str],
    collection: Sequence[str] = (),
    dates: str | None = None,
    max_cloud: float | None = None,
    max_items: int | None = None,
    page: int = 250,
    retries: int = 5,
    timeout_s: float = 60.0,
) -> Found:
    """Find items, and keep them as a table.

    Args:
        area: File of polygons; what lies in one of them is found.
        stac: Address of a STAC API or of a static catalogue, or a Parquet file of items.
        output: STAC-GeoParquet file to write.
        collection: Names of collections; any by default.
        dates: ``A/B``, each a year, month, day or instant, or ``..`` for no limit.
        max_cloud: Largest cloud cover in percent, by ``eo:cloud_cover``; items that do not tell it are left out then.
        max_items: End with an error where more are found, before a careless search fills the disk; None for any number.
        page: Items asked for at once.
        retries: How often a request is repeated where the server is busy or the connection broke, each time after a
            longer pause.
        timeout_s: Seconds that an answer may take.

    Returns:
        Counts.

    Raises:
        InputError: If nothing is found, or the source cannot be read to its end.
        ValueError: If an argument makes no sense.
    """
    if max_items is not None and max_items < 1:
        raise ValueError(f'max_items is {max_items}; it must be at least 1.')
    if page < 1 or retries < 0 or not timeout_s > 0:
        raise ValueError(f'page is {page}, retries {retries}, timeout_s {timeout_s}; give at least 1, 0, and above 0.')
    if max_cloud is not None and not 0 <= max_cloud <= 100:
        raise ValueError(f'max_cloud is {max_cloud}; the cover in percent must lie in [0, 100].')
    start, end = wanted_dates(dates)
    outline = read_polygons(area).to_crs(_DEGREES).union_all()
    wanted = Wanted(outline, tuple(collection), start, end, max_cloud)
    found = Found()
    items = sorted(_found(stac, wanted, found, max_items, page=page, retries=retries, timeout_s=timeout_s), key=order)
    if not items:
        others = '; '.join(f'{count:,} {reason}' for reason, count in found.refused.items()) or 'the source gave none'
        raise InputError(f'No item of {stac} is wanted: {others}.')
    kept = [_plain(item, found) for item in items]
    found.first, found.last = (order(item)[0][:10] for item in (kept[0], kept[-1]))
    write_items(kept, output)
    return found


def _found(
    stac: str, wanted: Wanted, found: Found, max_items: int | None, *, page: int, retries: int, timeout_s: float
) -> list[Mapping[str, Any]]:
    try:
        from geo_noisy.search.sources import items_of
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"A search needs {error.name}: pip install 'geo-noisy[stac]'") from error
    seen: set[tuple[str, str]] = set()
    items = []
    for item in sift(
        items_of(stac, wanted, page=page, retries=retries, timeout_s=timeout_s), wanted, found.refused, seen
    ):
        items.append(item)
        if max_items is not None and len(items) > max_items:
            raise InputError(f'More than {max_items:,} items are found (--max-items); nothing was written.')
    return items


def _plain(item: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """An item as it is kept: without links and secrets."""
    assets = {}
    for name, asset in (item.get('assets') or {}).items():
        href = without_signature(str(asset.get('href', '')))
        found.unsigned += href != asset.get('href')
        assets[name] = {**asset, 'href': href}
    found.written += 1
    found.assets.update(assets.keys())
    platform = (item.get('properties') or {}).get('platform')
    found.platforms.update([platform] if platform else [])
    kept: dict[str, Any] = _without_empty({**item, 'assets': assets})
    box = {} if item.get('bbox') else {'bbox': list(shape(item['geometry']).bounds)}  # some catalogues leave it out
    return kept | box | {'links': []}


def _without_empty(value: Any) -> Any:
    """A value without the empty mappings in it, which Parquet cannot hold."""
    if isinstance(value, Mapping):
        inner = {name: _without_empty(part) for name, part in value.items()}
        return {name: part for name, part in inner.items() if part != {}}
    if isinstance(value, list):
        return [part for part in map(_without_empty, value) if part != {}]
    return value


def write_items(items: Sequence[dict[str, Any]], output: str | os.PathLike[str]) -> None:
    """Write items as a STAC-GeoParquet table."""
    from stac_geoparquet.arrow import parse_stac_items_to_arrow, to_parquet

    with whole_file(Path(output)) as unfinished:
        to_parquet(parse_stac_items_to_arrow(items), unfinished)
