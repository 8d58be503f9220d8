"""From scanned files to a PairIndex."""

from typing import Never

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.errors import InputError, check_kind
from geo_noisy.regions.eligible import eligible
from geo_noisy.regions.files.exclusions import Exclusion, describe, tally
from geo_noisy.regions.files.file_scan import FileScan
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.ragged import expand, offsets_of
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.windows.coverage import Limits, refused
from geo_noisy.regions.windows.granules import place_captures
from geo_noisy.regions.windows.grid import place_files
from geo_noisy.regions.windows.lattice import Candidates, across_files, candidates, places
from geo_noisy.regions.windows.locations import UNASSIGNED, Locations
from geo_noisy.regions.windows.overpass import doubtful_overpasses, overpasses
from geo_noisy.regions.windows.stretched import stretched_sites
from geo_noisy.regions.windows.zones import on_own_ground

_LARGEST_PX = 100_000  # side of a window that no memory holds
_PLACE_WINDOWS = 4  # overlapping windows are grouped into places of this many window sides


def build_index(
    scan: FileScan,
    *,
    size_px: int = 256,
    stride_px: int | None = None,
    crs: str | None = None,
    res: float | tuple[float, float] | None = None,
    limits: Limits | None = None,
    rules: PairRules | None = None,
    place_px: int | None = None,
    overpass_minutes: float = 10.0,
) -> PairIndex:
    """Find the locations of some files, and the dates of each.

    Args:
        scan: The files.
        size_px: Side of the windows.
        stride_px: Distance of neighbouring windows; ``size_px`` by default.
        crs: Target CRS, projected; chosen for each site by default, see
            :func:`~geo_noisy.regions.windows.grid.place_files`.
        res: Target pixel size in its units.
        limits: What a window must offer at a date.
        rules: Which dates make a pair, and when it is noisy.
        place_px: With overlapping windows, the side of a place: windows inside one are never each other's
            negatives, and windows that cross its border are left out. Four windows by default.
        overpass_minutes: Files of a site and sensor that follow each other by at most this are one date, put together
            as a mosaic: rows of a path, strips, tiles, looks a few seconds apart. A file dated to a day belongs to what
            was taken on it. 0 keeps apart what differs by a second.

    Raises:
        InputError: If no location is left, with the reasons.
        ValueError: If arguments do not make sense.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from geo_noisy.datasets.vts.scenes import write_scenes
        >>> from geo_noisy.regions import scan_rasters
        >>> with TemporaryDirectory() as folder:
        ...     scenes = write_scenes(folder, scenes=2, dates=3, size_px=64)
        ...     index = build_index(scan_rasters(folder), size_px=32)
        >>> len(index)  # two scenes of four windows each
        8
    """
    stride_px = size_px if stride_px is None else stride_px
    rules, limits = rules or PairRules(), limits or Limits()
    check_kind(rules, PairRules, 'rules')
    check_kind(limits, Limits, 'limits')
    _check(size_px, stride_px, place_px, overpass_minutes)
    if place_px is not None and stride_px >= size_px:
        raise ValueError(f'place_px is {place_px}, which cannot act: windows every {stride_px} px do not overlap.')
    scan = eligible(scan, limits=limits, rules=rules)
    stated = crs is not None
    crs, res = scan.crs if crs is None else crs, scan.res if res is None else res
    placed = place_files(scan.files, crs=crs, res=res)
    if placed.files.empty:
        _nothing(f'None of {len(scan.files)} files can be placed on a grid.', [*scan.excluded, *placed.excluded])
    files = placed.files.assign(capture=overpasses(placed.files, overpass_minutes=overpass_minutes))
    found = _windows(files, size_px=size_px, stride_px=stride_px)
    excluded = [*scan.excluded, *placed.excluded]
    if len(found.file) == 0:
        _nothing(f'No window of {size_px} px fits into any of {len(files)} files; give smaller ones.', excluded)
    captures = place_captures(files, placed.sites, scan.content)
    reasons = refused(found, files, captures, size_px=size_px, limits=limits)
    excluded += _count_reasons(reasons, files['paths'].to_numpy()[found.file])
    found = found.take(reasons == '')
    place_px = _PLACE_WINDOWS * size_px if place_px is None else place_px
    if stride_px < size_px:
        found, crossing = _inside_places(found, size_px=size_px, place_px=place_px)
        excluded += crossing
    order, first, lengths, problems = _group(found, files['time'].to_numpy(dtype=np.int64), rules)
    excluded += problems
    if len(first) == 0:
        _nothing('No location has two dates: the files do not overlap in space, or all are of one time.', excluded)
    windows = found.take(order[first])
    own = on_own_ground(windows, placed.sites, size_px=size_px)
    if not own.all():
        reason = 'lies on ground that the sites of two UTM zones share; it counts in one of them'
        excluded.append(Exclusion('location', reason, int((~own).sum())))
        windows, first, lengths = windows.take(own), first[own], lengths[own]
    return PairIndex(
        size_px=size_px,
        stride_px=stride_px,
        sites=placed.sites,
        files=files,
        locations=_locations(windows, place_px=place_px if stride_px < size_px else None),
        offsets=offsets_of(lengths),
        dates=found.file[order[expand(first, lengths)]],
        rules=rules,
        excluded=tuple(excluded),
        content=scan.content,
        doubts=(*scan.doubts, *doubtful_overpasses(files), *(() if stated else stretched_sites(files, placed.sites))),
    )


def _windows(files: pd.DataFrame, *, size_px: int, stride_px: int) -> Candidates:
    """Windows that a capture covers, sorted by file: by one file, by the first of several, or by several together."""
    found = candidates(files, size_px=size_px, stride_px=stride_px)
    if files['capture'].is_unique:
        return found
    across = across_files(files, size_px=size_px, stride_px=stride_px)
    found = Candidates(*(np.concatenate(columns) for columns in zip(found, across, strict=True)))
    window = np.ravel_multi_index(_box(found), _shape(found))
    key = np.column_stack([window, files['capture'].to_numpy()[found.file]])
    return found.take(_first_of_each(key, found.file))


def _first_of_each(key: NDArray[np.int64], file: NDArray[np.int32]) -> NDArray[np.int64]:
    """Rows of the first file for each key."""
    first = np.unique(key, axis=0, return_index=True)[1]
    return np.asarray(first[np.argsort(file[first], kind='stable')])


def _group(
    found: Candidates, times: NDArray[np.int64], rules: PairRules
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], list[Exclusion]]:
    """Sort windows by place and time.

    Returns:
        The order [m], where in it each location with enough dates starts [n], how many dates it has [n], and what
        was left out.
    """
    time, window = times[found.file], np.ravel_multi_index(_box(found), _shape(found))
    order = np.lexsort((found.file, time, window))
    first = np.flatnonzero(np.r_[True, np.diff(window[order]) != 0][: len(order)])
    lengths = np.diff(np.append(first, len(order)))
    enough = lengths >= rules.fewest_dates
    lonely = Exclusion('location', 'has one date only; a pair needs two', int((~enough).sum()))
    return order, first[enough], lengths[enough], [lonely] if lonely.number else []


def _box(found: Candidates) -> tuple[NDArray[np.int64], ...]:
    """Site, row and column of each window, counted from the smallest."""
    return tuple(values.astype(np.int64) - values.min(initial=0) for values in (found.site, found.row, found.col))


def _shape(found: Candidates) -> tuple[int, ...]:
    return tuple(int(values.max(initial=0)) + 1 for values in _box(found))


def _locations(windows: Candidates, *, place_px: int | None) -> Locations:
    """Windows with their places: each its own unless they overlap."""
    place = np.arange(len(windows.file))
    if place_px is not None:
        cells = places(windows.col, windows.row, size_px=1, place_px=place_px)[:2]
        place = np.unique(np.column_stack([windows.site, *cells]), axis=0, return_inverse=True)[1].reshape(-1)
    split = np.full(len(windows.file), UNASSIGNED, dtype=np.int8)
    return Locations(windows.site, windows.col, windows.row, place.astype(np.int64), split)


def _check(size_px: int, stride_px: int, place_px: int | None, overpass_minutes: float) -> None:
    if overpass_minutes < 0:
        raise ValueError(f'overpass_minutes is {overpass_minutes}; it cannot be negative.')
    for name, value in (('size_px', size_px), ('stride_px', stride_px)):
        if not 1 <= value <= _LARGEST_PX:
            raise ValueError(f'{name} is {value}; it must lie between 1 and {_LARGEST_PX}.')
    if place_px is not None and place_px < size_px:
        raise ValueError(f'place_px is {place_px}; a place must hold a window of {size_px} px.')


def _nothing(text: str, excluded: list[Exclusion]) -> Never:
    raise InputError(f'{text}\n{describe(excluded)}'.rstrip())


def _count_reasons(reasons: NDArray[np.object_], paths: NDArray[np.object_]) -> list[Exclusion]:
    bad = np.flatnonzero(reasons != '')
    return tally('window of a date', ((str(reasons[row]), str(paths[row][0])) for row in bad))


def _inside_places(found: Candidates, *, size_px: int, place_px: int) -> tuple[Candidates, list[Exclusion]]:
    """Windows that cross no border of places, and how many crossed one."""
    inside = places(found.col, found.row, size_px=size_px, place_px=place_px)[2]
    crossing = int((~inside).sum())
    excluded = [Exclusion('window of a date', f'crosses the border of a place of {place_px} px', crossing)]
    return found.take(inside), excluded if crossing else []
