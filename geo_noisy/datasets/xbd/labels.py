"""The label of one xBD image: building polygons with their damage, read from its JSON."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_noisy.datasets.xbd.schema import SIDE_PX, SUBTYPES, read_document, schema_problems
from geo_noisy.errors import InputError

CLASSES = ('background', *SUBTYPES[:4])
"""The five classes of the damage task, by their number."""

UNCLASSIFIED = 5
"""Code of un-classified buildings in rasters, before it is decided what they count as."""

CODES = {subtype: code for code, subtype in enumerate(SUBTYPES, start=1)}
"""Code of each subtype: 1 no damage, 2 minor, 3 major, 4 destroyed, 5 un-classified."""

DAMAGED = (2, 3, 4)
"""Codes of damaged buildings: minor, major, destroyed."""

OUTSIDE_TOLERANCE_PX = 1.0
"""Polygons may cross the image's edge by this much (rounding: real labels do by 1e-6)."""


@dataclass(frozen=True)
class Label:
    """What the label of one image says; arrays have one entry a building, in the order of the file.

    Attributes:
        polygons: Outlines in pixels, x to the right and y down from the image's upper left corner; shape [n].
        world: The same outlines in longitude and latitude (WGS 84); None where absent; shape [n].
        codes: 1 no damage, 2 minor, 3 major, 4 destroyed, 5 un-classified; where no subtype is given, 1 before the
            disaster and 5 after it; shape [n], uint8.
        uids: Names of the buildings, shared with the partner image.
        time: When the image was taken, UTC.
        disaster: Name of the disaster.
        sensor: Name of the satellite; empty where not stated.
        off_nadir_deg: Angle between the view and the vertical, in degrees; NaN where not stated.
        resolution_m: Panchromatic resolution, the nearest thing to the pixel size that is stated; NaN where not.
    """

    polygons: NDArray[np.object_]
    world: NDArray[np.object_]
    codes: NDArray[np.uint8]
    uids: tuple[str, ...]
    time: datetime
    disaster: str
    sensor: str
    off_nadir_deg: float
    resolution_m: float

    def __len__(self) -> int:
        """Number of buildings."""
        return len(self.uids)

    def take(self, rows: NDArray[np.bool_]) -> 'Label':
        """Keep some of the buildings."""
        uids = tuple(uid for uid, kept in zip(self.uids, rows, strict=True) if kept)
        return replace(self, polygons=self.polygons[rows], world=self.world[rows], codes=self.codes[rows], uids=uids)


class LabelError(InputError):
    """A label file is bad; ``reasons`` holds every way in which it is."""

    def __init__(self, path: Path, reasons: Sequence[str]) -> None:
        """Initialise a new LabelError."""
        super().__init__(f'{path}: {"; ".join(reasons)}')
        self.reasons = list(reasons)


def read_label(path: Path, *, post: bool, repair: bool = False) -> Label:
    """Read and check the label of one image.

    Args:
        path: The JSON file.
        post: Whether it is a post-disaster label.
        repair: Mend polygons that cross themselves or the image's edge and leave out empty and duplicated ones,
            instead of raising.

    Raises:
        LabelError: If the file is cut off, differs from the schema, or (unless mended) holds bad polygons.
    """
    try:
        document = read_document(path)
    except ValueError as error:
        raise LabelError(path, [str(error)]) from error
    reasons = schema_problems(document)
    if reasons:
        raise LabelError(path, reasons)
    label, reasons = _parse(document, without_subtype='un-classified' if post else 'no-damage')
    if not reasons and not repair:
        reasons = polygon_problems(label)
    if reasons:
        raise LabelError(path, reasons)
    return repaired(label) if repair else label


def polygon_problems(label: Label) -> list[str]:
    """Every polygon that is empty, crosses itself, lies outside the image or is there twice."""
    return [f'building {label.uids[row]} {problem}' for row, problem in _polygon_problems(label)]


def partner_problems(pre: Label, post: Label) -> list[str]:
    """Buildings that only one of two partner labels knows."""
    only = {'pre': set(pre.uids) - set(post.uids), 'post': set(post.uids) - set(pre.uids)}
    return [f'building {uid} is only in the {date}-disaster label' for date in only for uid in sorted(only[date])]


def repaired(label: Label) -> Label:
    """Mend polygons: make them valid, cut them at the image's edge, leave out empty and duplicated ones."""
    valid = shapely.make_valid(label.polygons)
    # A zero-width buffer keeps the areas of what making valid left as a collection with lines and points.
    mended = shapely.buffer(shapely.intersection(valid, shapely.box(0, 0, SIDE_PX, SIDE_PX)), 0)
    label = replace(label, polygons=mended)
    label = label.take(~shapely.is_empty(label.polygons))
    return replace(label, codes=_worst_of_duplicates(label)).take(~_duplicated(label))


def with_lost_buildings(post: Label, pre: Label) -> Label:
    """Add buildings that only the pre-disaster label knows: what became of them is un-classified, never background."""
    lost = lost_buildings(post, pre)
    return replace(
        post,
        polygons=np.concatenate([post.polygons, lost.polygons]),
        world=np.concatenate([post.world, lost.world]),
        codes=np.concatenate([post.codes, lost.codes]),
        uids=(*post.uids, *lost.uids),
    )


def lost_buildings(post: Label, pre: Label) -> Label:
    """Buildings that only the pre-disaster label knows, as un-classified ones."""
    known = set(post.uids)
    lost = pre.take(np.array([uid not in known for uid in pre.uids], dtype=bool))
    return replace(lost, codes=np.full(len(lost), UNCLASSIFIED, dtype=np.uint8))


def _parse(document: object, *, without_subtype: str) -> tuple[Label, list[str]]:
    """Build a label from a document that follows the schema; the reasons name outlines that are no polygons."""
    features, metadata = document['features'], document['metadata']  # type: ignore[index]
    properties = [entry['properties'] for entry in features['xy']]
    polygons = _outlines([entry['wkt'] for entry in features['xy']])
    uids = tuple(entry['uid'] for entry in properties)
    reasons = [
        f'building {uid} has an outline that is no polygon: {entry["wkt"][:60]!r}'
        for uid, polygon, entry in zip(uids, polygons, features['xy'], strict=True)
        if polygon is None
    ]
    world = {entry['properties']['uid']: entry['wkt'] for entry in features.get('lng_lat', [])}
    label = Label(
        polygons=polygons,
        world=_outlines([world.get(uid) for uid in uids]),
        codes=np.array([CODES[entry.get('subtype') or without_subtype] for entry in properties], dtype=np.uint8),
        uids=uids,
        time=_utc(metadata['capture_date']),
        disaster=metadata['disaster'],
        sensor=metadata.get('sensor') or '',
        off_nadir_deg=_number(metadata.get('off_nadir_angle')),
        resolution_m=_number(metadata.get('pan_resolution')),
    )
    return label, reasons


def _outlines(texts: Sequence[str | None]) -> NDArray[np.object_]:
    """Geometries of well-known texts; None where a text is no polygon."""
    outlines = np.array(shapely.from_wkt(np.array(texts, dtype=object), on_invalid='ignore'), dtype=object)
    areal = np.isin(shapely.get_type_id(outlines), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    outlines[~areal] = None
    return outlines


def _number(value: float | None) -> float:
    """A number that may be null: NaN."""
    return math.nan if value is None else float(value)


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _polygon_problems(label: Label) -> Iterator[tuple[int, str]]:
    low, high = -OUTSIDE_TOLERANCE_PX, SIDE_PX + OUTSIDE_TOLERANCE_PX
    bounds = shapely.bounds(label.polygons)
    duplicated = _duplicated(label)
    for row, polygon in enumerate(label.polygons):
        if polygon.is_empty:
            yield row, 'is empty'
            continue
        if not polygon.is_valid:
            yield row, f'crosses itself: {shapely.is_valid_reason(polygon)}'
        if bounds[row, :2].min() < low or bounds[row, 2:].max() > high:
            yield row, f'reaches outside the image: x and y from {bounds[row, :2]} to {bounds[row, 2:]} px'
        if duplicated[row]:
            yield row, 'is there twice'


def _worst_of_duplicates(label: Label) -> NDArray[np.uint8]:
    """Codes in which a building that is there twice has its worst damage; un-classified gives way to any known."""
    codes = label.codes.copy()
    first: dict[object, int] = {}
    for row, keys in enumerate(zip(label.uids, shapely.to_wkb(shapely.normalize(label.polygons)), strict=True)):
        kept = min((first[key] for key in keys if key in first), default=row)
        codes[kept] = max(codes[kept], codes[row], key=lambda code: code % UNCLASSIFIED)
        for key in keys:
            first.setdefault(key, kept)
    return codes


def _duplicated(label: Label) -> NDArray[np.bool_]:
    """Buildings whose uid or outline came before in the file."""
    seen: Counter[object] = Counter()
    duplicated = np.zeros(len(label), dtype=bool)
    outlines = shapely.to_wkb(shapely.normalize(label.polygons))
    for row, (uid, outline, polygon) in enumerate(zip(label.uids, outlines, label.polygons, strict=True)):
        duplicated[row] = seen[uid] > 0 or (not polygon.is_empty and seen[outline] > 0)
        seen.update((uid, outline))
    return duplicated
