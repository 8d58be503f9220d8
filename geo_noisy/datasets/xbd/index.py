"""The index of xBD tiles: one row a tile, built once from the labels and kept as GeoParquet."""

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import geopandas as gpd
from tqdm import tqdm

from geo_noisy.datasets.xbd.files import PairFiles, Problem, XBDDataError, find_pairs
from geo_noisy.datasets.xbd.geo import CRS
from geo_noisy.datasets.xbd.masks import XBDLabels
from geo_noisy.datasets.xbd.scan import fingerprint, scan_pair
from geo_noisy.whole_file import whole_file

SCHEMA_VERSION = 2
"""Raised when the columns or their meaning change, so that older caches are not read."""

_MOST_WORKERS = 8


@dataclass(frozen=True)
class IndexRequest:
    """What an index is built from; two equal requests over unchanged files have the same index.

    Attributes:
        roots: Folders that hold ``train``, ``tier3``, ``test`` or ``hold``.
        folders: Which of these are wanted.
        tile_px: Side of a tile, a divisor of 1024.
        labels: How buildings are drawn, and whether bad polygons are mended.
    """

    roots: tuple[Path, ...]
    folders: tuple[str, ...]
    tile_px: int
    labels: XBDLabels


def default_cache_dir() -> Path:
    """Where indices are kept: ``$XDG_CACHE_HOME/geo-noisy/xbd``, by default below ``~/.cache``."""
    return Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'geo-noisy' / 'xbd'


def load_index(
    request: IndexRequest,
    *,
    on_error: Literal['refuse', 'drop'] = 'refuse',
    cache_dir: Path | None = None,
    workers: int | None = None,
    progress: bool = True,
) -> gpd.GeoDataFrame:
    """Index of all tiles, from the cache or built anew.

    Args:
        request: What to index.
        on_error: ``refuse`` bad files, or ``drop`` the image pairs that have any and warn with their number.
        cache_dir: Where indices are kept; :func:`default_cache_dir` by default.
        workers: Threads that read labels; by default as many as processors, at most eight.
        progress: Show a progress bar while labels are read.

    Returns:
        One row a tile, sorted by image and tile; ``geometry`` is the tile's outline in longitude and latitude,
        None where neither image of the pair has a building.

    Raises:
        XBDDataError: If files are bad and ``on_error`` is ``refuse``, or no pair is good; it names all of them.
    """
    pairs, problems = find_pairs(request.roots, request.folders)
    path = (cache_dir or default_cache_dir()) / f'index-{_key(request, pairs, problems)}.parquet'
    if path.exists():
        index = gpd.read_parquet(path)
        problems = [Problem(*problem) for problem in json.loads(path.with_suffix('.json').read_text())]
    else:
        index, problems = _build(pairs, problems, request, workers, progress)
        _save(index, problems, path)
    _report(problems, refuse=on_error == 'refuse' or index.empty, left=not index.empty)
    return index


def _build(
    pairs: Sequence[PairFiles],
    problems: Sequence[Problem],
    request: IndexRequest,
    workers: int | None,
    progress: bool,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Scan all pairs, in parallel."""
    with ThreadPoolExecutor(workers or min(_MOST_WORKERS, os.cpu_count() or 1)) as pool:
        scans = pool.map(lambda files: scan_pair(files, tile_px=request.tile_px, labels=request.labels), pairs)
        bar = tqdm(scans, total=len(pairs), desc='Reading xBD labels', unit='pair', disable=not progress)
        results = list(bar)
    every = [*problems, *(problem for scan in results for problem in scan.problems)]
    bad = {problem.image for problem in every}
    rows = [row for scan in results for row in scan.rows if row['image'] not in bad]
    index = gpd.GeoDataFrame(rows, geometry='geometry' if rows else None, crs=CRS if rows else None)
    return index, every


def _save(index: gpd.GeoDataFrame, problems: Sequence[Problem], path: Path) -> None:
    if index.empty:
        return
    with whole_file(path.with_suffix('.json')) as unfinished:
        unfinished.write_text(json.dumps(problems))
    with whole_file(path) as unfinished:  # last: an index that is there has its problems beside it
        index.to_parquet(unfinished)


def _report(problems: Sequence[Problem], *, refuse: bool, left: bool) -> None:
    if problems and refuse:
        raise XBDDataError(problems, left=left)
    if problems:
        images = {problem.image for problem in problems}
        reasons = '\n'.join(f'  {problem.path}: {problem.reason}' for problem in problems)
        warnings.warn(f'Left out {len(images)} image pairs with bad files:\n{reasons}', stacklevel=4)


def _key(request: IndexRequest, pairs: Sequence[PairFiles], problems: Sequence[Problem]) -> str:
    """Changes with the files (paths, sizes, times of change), what is asked for, and the meaning of the columns."""
    parts = [str(SCHEMA_VERSION), str(request.tile_px), request.labels.overlap, str(request.labels.repair)]
    parts += [fingerprint(pair.paths) for pair in pairs]
    parts += [repr(problem) for problem in problems]
    return hashlib.sha256('\n'.join(parts).encode()).hexdigest()[:16]
