"""Where items come from: a STAC API, a static catalogue, or a table of items."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pystac
import shapely
from pystac import STACObjectType
from pystac.errors import STACError, STACTypeError
from pystac.stac_io import DefaultStacIO
from pystac_client import Client, ConformanceClasses
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO
from requests.exceptions import RequestException
from shapely.geometry import mapping
from tqdm import tqdm
from urllib3.util import Retry

from geo_noisy.errors import InputError
from geo_noisy.regions.files.paths import is_local, located
from geo_noisy.search.wanted import CLOUD, Wanted, check_object

Items = Iterator[Mapping[str, Any]]
_TABLES = ('.parquet', '.geoparquet')
_BUSY = (429, 500, 502, 503, 504)


def items_of(stac: str, wanted: Wanted, *, page: int, retries: int, timeout_s: float) -> Items:
    """Items of a source, with a progress bar; a source that can choose is asked for those that are wanted.

    Args:
        stac: Address of an API or a catalogue, or a Parquet file of items.
        wanted: What is asked for.
        page: Items asked for at once.
        retries: How often a request is repeated.
        timeout_s: Seconds that an answer may take.

    Raises:
        FileNotFoundError: If a file is not there.
        InputError: If the source cannot be read to its end.
    """
    if stac.lower().endswith(_TABLES):
        yield from _in_table(stac)
        return
    place = located(stac)
    if is_local(stac) and not Path(place).is_file():
        raise FileNotFoundError(f'{stac} is no file: give the address of a STAC API, a catalogue, or a table of items.')
    busy = Retry(
        retries, backoff_factor=0.5, status_forcelist=_BUSY, allowed_methods=None, respect_retry_after_header=True
    )
    asking = StacApiIO(timeout=timeout_s, max_retries=busy)
    try:
        root = pystac.read_file(place, stac_io=_Static(asking))
        if root.get_links('search'):
            yield from _from_api(Client.open(place, stac_io=asking), wanted, page)
        else:
            yield from _from_catalogue(root, wanted)
    except (
        APIError,
        RequestException,
        STACError,
        STACTypeError,
        OSError,
        ValueError,
        KeyError,
        RecursionError,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f'{stac} could not be read to its end, after {retries} repeats: {_reason(error)}. Nothing was written; try '
            'again, with smaller pages (--page) or a longer --timeout-s where it is slow.'
        ) from error


class _Static(DefaultStacIO):
    """Reads the files of a static catalogue as an API is read: with repeats and a time limit."""

    def __init__(self, asking: StacApiIO) -> None:
        super().__init__()
        self._asking = asking

    def read_text_from_href(self, href: str) -> str:
        """Text of a file or an answer."""
        return str(self._asking.read_text(href))

    def read_json(self, source: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A catalogue, collection or item, whose parts are of the kinds that pystac takes for granted."""
        found: Any = super().read_json(source, *args, **kwargs)
        place = getattr(source, 'absolute_href', None) or getattr(source, 'href', None) or source
        check_object(found, str(place))
        return dict(found)


def _from_api(client: Client, wanted: Wanted, page: int) -> Items:
    _check_collections(client, wanted)
    query = None
    if wanted.max_cloud is not None and client.conforms_to(ConformanceClasses.QUERY):
        query = {CLOUD: {'lte': wanted.max_cloud}}
    search = client.search(
        collections=list(wanted.collections) or None,
        intersects=mapping(wanted.area),
        datetime=wanted.interval,
        query=query,
        limit=page,
    )
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', UserWarning)  # not every API tells how many items match
        total = search.matched()
    with tqdm(unit=' items', desc='search', leave=False, total=total) as bar:
        for found in search.pages_as_dicts():
            items = found.get('features', [])
            bar.update(len(items))
            yield from items


def _check_collections(client: Client, wanted: Wanted) -> None:
    """An API gives nothing for a collection that it does not have, as for one without items there."""
    if not wanted.collections or not client.conforms_to(ConformanceClasses.COLLECTIONS):
        return
    known = [collection.id for collection in client.get_collections()]
    unknown = [name for name in wanted.collections if name not in known]
    if unknown:
        raise InputError(f'There is no collection {", ".join(unknown)}; there are {", ".join(sorted(known))}.')


def _from_catalogue(root: Any, wanted: Wanted) -> Items:
    """All items below a static catalogue; parts whose extent lies elsewhere are not opened."""
    left, opened = [root], set[str]()
    with tqdm(unit=' items', desc='search', leave=False) as bar:
        while left:
            part = left.pop()
            if part.self_href in opened:
                raise InputError(f'{part.self_href} is named twice, as if it were below itself: mend its links.')
            opened.add(part.self_href)
            if part.STAC_OBJECT_TYPE == STACObjectType.COLLECTION and not _may_hold(part, wanted):
                continue
            for item in part.get_items():
                bar.update()
                item.make_asset_hrefs_absolute()
                yield item.to_dict(transform_hrefs=False)
            left += part.get_children()


def _may_hold(collection: Any, wanted: Wanted) -> bool:
    if wanted.collections and collection.id not in wanted.collections and not list(collection.get_child_links()):
        return False
    boxes = [
        shapely.box(*(box if len(box) == 4 else (*box[:2], *box[3:5]))) for box in collection.extent.spatial.bboxes
    ]
    return bool(shapely.intersects(wanted.area, boxes).any())


def _in_table(path: str) -> Items:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from stac_geoparquet.arrow import stac_table_to_items

    if not Path(located(path)).is_file():
        raise FileNotFoundError(f'The table of items {path} is not there.')
    try:
        with (
            pq.ParquetFile(located(path)) as file,
            tqdm(total=file.metadata.num_rows, desc='search', leave=False) as bar,
        ):
            for batch in file.iter_batches():
                for item in stac_table_to_items(pa.Table.from_batches([batch])):
                    bar.update()
                    yield item
    except (pa.ArrowException, KeyError) as error:
        raise InputError(f'{path} is no STAC-GeoParquet table of items: {error}.') from error


def _reason(error: Exception) -> str:
    first: BaseException = error
    while first.__cause__ is not None:
        first = first.__cause__
    text = ' '.join(f'{error} {first}'.split() if first is not error else str(error).split())
    return text[:400] or type(error).__name__
