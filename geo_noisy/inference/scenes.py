"""Scenes to run over: the captures of an index, or of images as ``geo-noisy index`` reads them."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.transform import Affine, from_origin

from geo_noisy.errors import InputError
from geo_noisy.regions.dates.read import from_seconds, seconds, span
from geo_noisy.regions.files.captures import Capture, Content
from geo_noisy.regions.files.exclusions import describe
from geo_noisy.regions.files.file_scan import FileScan, scan_captures
from geo_noisy.regions.files.find import find_rasters
from geo_noisy.regions.files.paths import far_paths
from geo_noisy.regions.files.scan import scan_rasters
from geo_noisy.regions.noise.reproject import reproject
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.granules import PlacedCapture, place_captures
from geo_noisy.regions.windows.grid import WGS84, place_files
from geo_noisy.regions.windows.overpass import overpasses
from geo_noisy.regions.windows.reader import Box, extent_of

INDEX_FILES = ('.parquet', '.geoparquet')
Images = Mapping[str, Any]
"""What a checkpoint keeps of the images of the training, see :meth:`GeoNoisyDataModule.describe`."""


@dataclass(frozen=True)
class Scene:
    """One date of one site: all its files, on the site's grid.

    Attributes:
        capture: Where pixels are read from.
        site: Number of the site.
        number: Number of the capture, as in ``files`` of an index.
        time: When it was taken, in seconds since 1970, UTC.
        box: Pixels of the site's grid that it covers, or those of a region of interest.
        whole: Pixels that its files cover.
        paths: Its files.
    """

    capture: PlacedCapture
    site: int
    number: int
    time: int
    box: Box
    whole: Box
    paths: tuple[str, ...]

    @property
    def crs(self) -> str:
        """CRS of its grid."""
        return self.capture.grid.crs

    @property
    def date(self) -> pd.Timestamp:
        """When it was taken, UTC."""
        return from_seconds(np.array([self.time]))[0]

    @property
    def label(self) -> str:
        """Site and time, for names of files."""
        return f'{self.site}_{self.date:%Y%m%dT%H%M%S}'

    def transform(self, box: Box, *, cell_px: int = 1) -> Affine:
        """From cells of a box of the grid to its CRS."""
        grid = self.capture.grid
        left, top = grid.x0 + box.col * grid.res_x, grid.y0 - box.row * grid.res_y
        return from_origin(left, top, grid.res_x * cell_px, grid.res_y * cell_px)


def open_scenes(
    images: Sequence[str],
    *,
    trained: Images | None = None,
    channels: int | None = None,
    bands: Sequence[str] | None = None,
    date: Sequence[str] | None = None,
    bbox: tuple[float, float, float, float] | None = None,
    bbox_crs: str = WGS84,
    crs: str | None = None,
    res: float | tuple[float, float] | None = None,
    overpass_minutes: float = 10.0,
    dated: str | None = None,
    root: str | os.PathLike[str] | None = None,
    remote: bool = False,
    **reading: Any,
) -> list[Scene]:
    """Find scenes, in order of site and time.

    Args:
        images: An index of ``geo-noisy index``, or what it reads: files, folders, patterns, addresses.
        trained: What the images of the training were: bands are chosen by the names there, values read in the units
            there.
        channels: Number of bands that are needed.
        bands: Names or numbers of the bands to take, in order; those of the training by default.
        date: Days (or times, months, years) to take; all by default.
        bbox: Region of interest: left, bottom, right, top; all by default.
        bbox_crs: CRS of the region of interest.
        crs: Target CRS of images, projected; as ``geo-noisy index`` chooses it, by default.
        res: Target pixel size of images in its units.
        overpass_minutes: Files of a site and sensor that follow each other by at most this are one scene.
        dated: When images were taken whose names do not tell.
        root: Folder that the images of an index moved to.
        remote: Whether addresses that an index holds are opened; those given as images are. In Python, inside of
            ``with Remote().applied():``.
        **reading: How images are read, see :func:`~geo_noisy.regions.scan_rasters`.

    Raises:
        FileNotFoundError: If a path leads nowhere.
        InputError: If no scene is left, or the bands are not those of the training.
        ValueError: If an argument makes no sense, or cannot act.
    """
    trained = trained or {}
    if len(images) == 1 and str(images[0]).lower().endswith(INDEX_FILES):
        _refuse_with_index(crs=crs, res=res, dated=dated, **reading)
        index = PairIndex.read(images[0], root=root)
        _check_addresses(index, remote=remote)
        files, sites, content = index.files, index.sites, index.content
        numbers = index.band_numbers(_of_index(index, bands, trained))
    else:
        if root is not None:
            raise ValueError(f'root is {root}, which cannot act without an index.')
        if remote:
            raise ValueError('remote is true, which cannot act without an index: addresses given as images are opened.')
        scan = _scan(images, bands if bands is not None else _named(trained), dated=dated, reading=reading)
        placed = place_files(scan.files, crs=crs, res=res)
        _tell([*scan.excluded, *placed.excluded])
        if placed.files.empty:
            raise InputError(f'None of {len(scan.files)} images can be placed on a grid:\n{describe(placed.excluded)}')
        files = placed.files.assign(capture=overpasses(placed.files, overpass_minutes=overpass_minutes))
        sites, content = placed.sites, scan.content
        numbers = tuple(range(1, int(files['bands'].iloc[0]) + 1))
    _check_bands(numbers, content, files, channels=channels, trained=trained)
    chosen = [number - 1 for number in numbers]
    found = _scenes(files, sites, _in_units(content, files, chosen, trained), chosen)
    return _wanted(found, date=date, bbox=bbox, bbox_crs=bbox_crs)


def _check_addresses(index: PairIndex, *, remote: bool) -> None:
    far = far_paths(index.files['paths'])
    if far and not remote:
        raise InputError(
            f'The index holds {len(far):,} addresses, such as {far[0]}, which are opened only where that is asked for '
            '(--remote).'
        )
    if remote and not far:
        raise ValueError('remote is true, which cannot act: the index holds no addresses.')


def _named(trained: Images) -> Sequence[str] | None:
    return list(trained['bands']) if trained.get('named') else None


def _scan(
    images: Sequence[str], bands: Sequence[str] | None, *, dated: str | None, reading: dict[str, Any]
) -> FileScan:
    if dated is None:
        return scan_rasters(images, bands=bands, **reading)
    time = seconds(dated, where='dated')
    stated = {name: value for name, value in reading.items() if value not in (None, 'auto') and name in _OF_NAMES}
    if stated:
        raise ValueError(f'dated is {dated}, and {", ".join(stated)} cannot act beside it: they read names.')
    kept = {name: value for name, value in reading.items() if name not in _OF_NAMES}
    return scan_captures([Capture((path,), time) for path in find_rasters(images)], bands=bands, **kept)


_OF_NAMES = ('product', 'products', 'date_regex', 'date_format', 'date_tag', 'sensor_regex')


def _refuse_with_index(**given: Any) -> None:
    idle = [name for name, value in given.items() if value not in (None, 'auto', ())]
    if idle:
        raise ValueError(f'{", ".join(idle)} cannot act on an index, which says it itself.')


def _tell(excluded: Sequence[Any]) -> None:
    if excluded:
        warnings.warn(f'Left out:\n{describe(excluded)}', stacklevel=3)


def _of_index(index: PairIndex, bands: Sequence[str] | None, trained: Images) -> Sequence[str | int] | None:
    """Bands to take of an index: by number where no name is one of its bands."""
    if bands is not None:
        return [int(band) if band not in index.bands and band.isdigit() else band for band in bands]
    names = _named(trained)
    if names is not None and not set(names) <= set(index.bands):
        missing = ', '.join(name for name in names if name not in index.bands)
        raise InputError(
            f'The encoder was trained with the bands {", ".join(names)}; the index lacks {missing} and has '
            f'{", ".join(index.bands)}. Choose those that stand for them with --bands, in that order.'
        )
    return names


def _check_bands(
    numbers: Sequence[int], content: Content, files: pd.DataFrame, *, channels: int | None, trained: Images
) -> None:
    if channels is None or len(numbers) == channels:
        return
    names = trained.get('bands')
    taught = f' ({", ".join(names)})' if names else ''
    have = ', '.join(content.bands) if content.bands else f'1 to {int(files["bands"].iloc[0])}'
    raise InputError(
        f'The encoder was trained with {channels} bands{taught}; {len(numbers)} are given, of {have} in '
        f'{files["paths"].iloc[0][0]}. Choose with --bands, in the order of the training.'
    )


def _in_units(content: Content, files: pd.DataFrame, chosen: Sequence[int], trained: Images) -> Content:
    """How values are read: brought to the scale and offset of the training, where both are known."""
    told = [trained.get('scales') or (), trained.get('offsets') or ()]
    own = [content.scales or files['scales'].iloc[0], content.offsets or files['offsets'].iloc[0]]
    if any(len(values) != len(chosen) or np.isnan(values).any() for values in told):
        return content
    per_file = [np.array([row[band] for row in files[column] for band in chosen]) for column in ('scales', 'offsets')]
    if any(np.isnan(values).any() for values in per_file):
        return content
    scales, offsets = (np.array(values, dtype=float) for values in own)
    scales[list(chosen)], offsets[list(chosen)] = told
    return replace(content, scales=tuple(scales.tolist()), offsets=tuple(offsets.tolist()))


def _scenes(files: pd.DataFrame, sites: pd.DataFrame, content: Content, bands: Sequence[int]) -> list[Scene]:
    captures = place_captures(files, sites, content, bands=bands)
    found = []
    for _, rows in files.reset_index(drop=True).groupby(['site', 'capture'], sort=True):
        site, number = rows[['site', 'capture']].iloc[0].tolist()
        capture = captures[rows.index[0]]
        boxes = [extent_of(granule, 'snap') for granule in capture.granules]
        paths = tuple(dict.fromkeys(path for row in rows['paths'] for path in row))
        whole = around(boxes)
        found.append(Scene(capture, int(site), int(number), int(rows['time'].min()), whole, whole, paths))
    return sorted(found, key=lambda scene: (scene.site, scene.time))


def around(boxes: Sequence[Box]) -> Box:
    """The box around some boxes."""
    left, top = min(box.col for box in boxes), min(box.row for box in boxes)
    right, bottom = max(box.col + box.width_px for box in boxes), max(box.row + box.height_px for box in boxes)
    return Box(left, top, right - left, bottom - top)


def _wanted(
    scenes: Sequence[Scene],
    *,
    date: Sequence[str] | None,
    bbox: tuple[float, float, float, float] | None,
    bbox_crs: str,
) -> list[Scene]:
    """The scenes of some dates, cut to a region of interest."""
    kept = list(scenes)
    if date is not None:
        spans = {text: span(text, where='date') for text in date}
        missing = [text for text, (start, stop) in spans.items() if not any(start <= s.time <= stop for s in scenes)]
        if missing:
            there = ', '.join(sorted({f'{scene.date:%Y-%m-%d}' for scene in scenes}))
            raise InputError(f'No scene is of {", ".join(missing)}; there are scenes of {there}.')
        kept = [scene for scene in kept if any(start <= scene.time <= stop for start, stop in spans.values())]
    if bbox is None:
        return kept
    left, bottom, right, top = bbox
    if not (left < right and bottom < top):
        raise ValueError(f'bbox is {bbox}; give left, bottom, right, top.')
    cut = [replace(scene, box=_within(scene, bbox, bbox_crs)) for scene in kept]
    cut = [scene for scene in cut if scene.box.width_px > 0 and scene.box.height_px > 0]
    if not cut:
        raise InputError(f'No scene lies in bbox {" ".join(f"{value:g}" for value in bbox)} ({bbox_crs}).')
    return cut


def _within(scene: Scene, bbox: tuple[float, float, float, float], crs: str) -> Box:
    """Pixels of a scene that a region of interest meets."""
    outline = reproject(gpd.GeoSeries([shapely.box(*bbox)], crs=crs), scene.crs)
    left, bottom, right, top = shapely.bounds(outline[0])
    grid = scene.capture.grid
    first = int(np.floor((left - grid.x0) / grid.res_x)), int(np.floor((grid.y0 - top) / grid.res_y))
    last = int(np.ceil((right - grid.x0) / grid.res_x)), int(np.ceil((grid.y0 - bottom) / grid.res_y))
    return Box(*first, last[0] - first[0], last[1] - first[1]).within(scene.box)
