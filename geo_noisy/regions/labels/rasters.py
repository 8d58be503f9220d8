"""Labels from rasters of classes, of any CRS and pixel size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.errors import InputError
from geo_noisy.regions.files.bounds import transform_bounds
from geo_noisy.regions.files.find import find_rasters
from geo_noisy.regions.files.headers import Header, read_header
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.labels.classes import check_named, in_order
from geo_noisy.regions.labels.elsewhere import elsewhere
from geo_noisy.regions.labels.options import RegionLabels
from geo_noisy.regions.noise.polygons import class_name
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows.granules import FileBands, Granule, Grid, PlacedCapture
from geo_noisy.regions.windows.grid import WGS84
from geo_noisy.regions.windows.reader import Box, WindowReader

_SAME_SIZE = 1e-6  # of a pixel's side


class RasterLabels:
    """Classes of the pixels of windows, read by the nearest pixel of label rasters."""

    def __init__(self, tables: RegionTables, labels: RegionLabels) -> None:
        """Initialise new RasterLabels.

        Args:
            tables: All windows, of every split: classes that are not named are those of the pixels in them.
            labels: What to read.

        Raises:
            InputError: If a file cannot serve, none reaches a window, or a value is of no class.
        """
        self._told = labels.told
        self._ignored = tuple(class_name(value) for value in labels.ignored)
        headers = [_header(path, labels.band) for path in find_rasters(labels.files)]
        unlabelled = () if IGNORE_INDEX in (labels.values or ()) else (float(IGNORE_INDEX),)
        self._captures = _place(headers, labels.band or 1, tables.sites, unlabelled)
        self._reader = WindowReader()
        if not any(self.reaches(*site_and_box(tables, location)) for location in range(len(tables))):
            lie = transform_bounds(_corners(headers), WGS84)
            raise elsewhere(labels.told, [*lie[:, :2].min(axis=0), *lie[:, 2:].max(axis=0)], tables)
        self._values = self._stated_values(labels) or self._find_values(tables)
        self.names = tuple(labels.classes or (class_name(float(value)) for value in self._values))
        if len(self.names) != len(self._values):
            raise ValueError(
                f'labels have {len(self.names)} classes and {len(self._values)} values; give one for each.'
            )
        _check_declared(headers, self._values)
        self._check({})

    def reaches(self, site: int, box: Box) -> bool:
        """Whether a raster reaches into a window."""
        capture = self._captures[site]
        return capture is not None and self._reader.covers(capture, box)

    def mask(self, site: int, box: Box) -> NDArray[np.uint8]:
        """Class of each pixel of a window, [H, W]; 255 where no raster holds a label.

        Args:
            site: Number of its site.
            box: The window.

        Raises:
            InputError: If a value is of no class.
        """
        pixels, there = self._read(site, box)
        mask = np.full(pixels.shape, IGNORE_INDEX, dtype=np.uint8)
        for number, value in enumerate(self._values):
            mask[there & (pixels == value)] = number
        rest = there & (mask == IGNORE_INDEX)
        if rest.any():
            self._check(_counts(pixels[rest]))
        return mask

    @staticmethod
    def _stated_values(labels: RegionLabels) -> tuple[float, ...]:
        if labels.values is not None:
            return tuple(labels.values)
        return () if labels.classes is None else tuple(range(len(labels.classes)))

    def _read(self, site: int, box: Box) -> tuple[NDArray, NDArray[np.bool_]]:
        """Values of a window, and which of them are labels."""
        capture = self._captures[site]
        if capture is None or not self._reader.covers(capture, box):
            nothing = np.zeros((box.height_px, box.width_px), dtype=np.uint8)
            return nothing, nothing > 0
        pixels, there = self._reader.read(capture, box)
        return pixels[0], there

    def _check(self, found: dict[str, int]) -> None:
        values = [class_name(float(value)) for value in self._values]
        check_named(found, values, self._ignored, where=f'{self._told} (values)')

    def _find_values(self, tables: RegionTables) -> tuple[float, ...]:
        """Values of the labels in all windows, but for those that are ignored."""
        found: dict[str, int] = {}
        for location in tqdm(range(len(tables)), desc='Classes of the labels', leave=False):
            pixels, there = self._read(*site_and_box(tables, location))
            found |= _counts(pixels[there])
        return tuple(float(name) for name in in_order(set(found) - set(self._ignored)))


def site_and_box(tables: RegionTables, location: int) -> tuple[int, Box]:
    """The site of a window, and where it lies on its grid."""
    chosen, size = tables.locations, tables.size_px
    return int(chosen.site[location]), Box(int(chosen.col[location]), int(chosen.row[location]), size, size)


def _counts(values: NDArray) -> dict[str, int]:
    found, number = np.unique(values, return_counts=True)
    return {class_name(float(value)): int(count) for value, count in zip(found, number, strict=True)}


def _header(path: str, band: int | None) -> Header:
    try:
        header = read_header(path)
    except RasterProblemError as error:
        raise InputError(f'The label raster {path} cannot serve: {error}.') from error
    if header.count > 1 and band is None:
        raise InputError(f'The label raster {path} has {header.count} bands: choose one (data.init_args.labels.band).')
    if band is not None and not 1 <= band <= header.count:
        raise InputError(f'The label raster {path} has bands 1 to {header.count}, and no band {band}.')
    return header


def _check_declared(headers: Sequence[Header], values: Sequence[float]) -> None:
    for header in headers:
        if header.nodata in values:
            raise InputError(
                f'{header.path} declares {header.nodata:g} to hold no data, but it is the value of a class: take the '
                'declaration away (gdal_edit.py -unsetnodata).'
            )


def _place(
    headers: Sequence[Header], band: int, sites: pd.DataFrame, unlabelled: tuple[float, ...]
) -> list[PlacedCapture | None]:
    """The rasters on the grid of each site; None where none comes near."""
    frame = _corners(headers)
    bounds = {crs: transform_bounds(frame, str(crs)) for crs in sites['crs'].unique()}
    placed: list[PlacedCapture | None] = []
    for values in sites[list(Grid._fields)].itertuples(index=False):
        grid = Grid(*values)
        granules = tuple(
            _granule(header, band, grid, box, unlabelled)
            for header, box in zip(headers, bounds[grid.crs], strict=True)
            if np.isfinite(box).all()
        )
        placed.append(PlacedCapture(granules, grid) if granules else None)
    return placed


def _corners(headers: Sequence[Header]) -> pd.DataFrame:
    """Where rasters lie, as their bounds are worked out from."""
    columns = ['crs', 'x0', 'y0', 'res_x', 'res_y', 'width', 'height']
    return pd.DataFrame([[getattr(header, name) for name in columns] for header in headers], columns=columns)


def _granule(
    header: Header, band: int, grid: Grid, bounds: NDArray[np.float64], unlabelled: tuple[float, ...]
) -> Granule:
    left, bottom, right, top = bounds
    same = header.crs == grid.crs and np.allclose((header.res_x, header.res_y), (grid.res_x, grid.res_y), _SAME_SIZE)
    return Granule(
        parts=(FileBands(header.path, (band,), (0,), nearest=True),),
        masks=(),
        crs=header.crs,
        stored={header.path: header.stored},
        col0=(left - grid.x0) / grid.res_x,
        row0=(grid.y0 - top) / grid.res_y,
        cols=(right - left) / grid.res_x,
        rows=(top - bottom) / grid.res_y,
        warped=not same,
        masked=True,
        nodata=() if header.dtypes[band - 1] == 'int8' else unlabelled,  # which cannot hold 255
    )
