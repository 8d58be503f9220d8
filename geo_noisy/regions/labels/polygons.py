"""Labels from polygons that hold from one date until another."""

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.transform import from_bounds

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.errors import InputError
from geo_noisy.regions.dates.columns import Dates, read_dates
from geo_noisy.regions.dates.spans import EVER, NEVER
from geo_noisy.regions.files.exclusions import describe
from geo_noisy.regions.labels.classes import check_named, in_order
from geo_noisy.regions.labels.elsewhere import elsewhere
from geo_noisy.regions.labels.ground import areas_of
from geo_noisy.regions.labels.options import RegionLabels
from geo_noisy.regions.noise.polygon_files import read_polygons
from geo_noisy.regions.noise.polygons import class_name, column_of, mended
from geo_noisy.regions.noise.reproject import reproject
from geo_noisy.regions.tables import RegionTables
from geo_noisy.regions.windows.grid import WGS84

ONE_CLASS = 'labelled'


class PolygonLabels:
    """Classes of the pixels of windows, drawn from polygons: a pixel is of a class that covers its middle."""

    def __init__(self, tables: RegionTables, labels: RegionLabels) -> None:
        """Initialise new PolygonLabels.

        Args:
            tables: All windows, of every split.
            labels: What to read.

        Raises:
            InputError: If the file cannot serve, no polygon meets a window, one has no date where dates are asked for,
                or one is of no class.
            ValueError: If there is no such column.
        """
        frame = read_polygons(
            labels.files, layer=labels.layer, crs=labels.crs, layer_option='data.init_args.labels.layer',
            crs_option='data.init_args.labels.crs'
        )  # fmt: skip
        frame, self._excluded = mended(frame)
        frame = frame.set_geometry(gpd.GeoSeries(map(areas_of, frame.geometry), index=frame.index, crs=frame.crs))
        self.names, self._codes = _classes(frame, labels)
        self._from = _dates(frame, labels.from_column, labels, empty=EVER)
        self._until = _dates(frame, labels.until_column, labels, empty=NEVER)
        self._check_dates(frame, labels)
        ranks = np.where(self._codes == IGNORE_INDEX, len(self.names), self._codes)
        self._order = np.lexsort((np.arange(len(frame)), ranks, self._from[:, 1]))
        self._rank = np.empty(len(frame), dtype=np.int64)
        self._rank[self._order] = np.arange(len(frame))
        boxes = tables.windows()
        self._outlines = {crs: reproject(frame.geometry, crs, near=boxes[rows]) for rows, crs in tables.by_crs()}
        self._trees = {crs: shapely.STRtree(outlines) for crs, outlines in self._outlines.items()}
        self._background = 0 if labels.background is not None else IGNORE_INDEX
        _check_reached(self._trees, tables, frame, told=labels.told)

    @property
    def notes(self) -> str:
        """What was mended or left out; empty where nothing was."""
        return describe(self._excluded)

    def mask(self, window: shapely.Geometry, crs: str, *, time: int, size_px: int) -> NDArray[np.uint8]:
        """Class of each pixel of a window at a time, [size_px, size_px].

        Args:
            window: Its box.
            crs: The CRS of the box.
            time: Seconds since 1970 (UTC).
            size_px: Pixels along a side.

        Returns:
            255 where the class is ignored, or nobody knows whether the polygon holds at that time.
        """
        mask = np.full((size_px, size_px), self._background, dtype=np.uint8)
        near = self._trees[crs].query(window, predicate='intersects')
        near = near[np.argsort(self._rank[near])]
        state = self._states(near, time)
        codes = np.where(state < 0, IGNORE_INDEX, self._codes[near])[state != 0].tolist()
        outlines = self._outlines[crs][near[state != 0]]
        if codes:
            grid = from_bounds(*window.bounds, size_px, size_px)
            rasterio.features.rasterize(zip(outlines, codes, strict=True), out=mask, transform=grid)
        return mask

    def _states(self, chosen: NDArray[np.int64], time: int) -> NDArray[np.int8]:
        """Whether polygons hold at a time: 1 yes, 0 no, -1 unknown."""
        start, stop = self._from[chosen], self._until[chosen]
        holds = (time >= start[:, 1]) & (time < stop[:, 0])
        never = (time < start[:, 0]) | ((time >= stop[:, 1]) & (stop[:, 1] != NEVER))
        return np.where(holds, 1, np.where(never, 0, -1)).astype(np.int8)

    def _check_dates(self, frame: gpd.GeoDataFrame, labels: RegionLabels) -> None:
        turned = np.flatnonzero(self._until[:, 1] < self._from[:, 0])
        if len(turned):
            raise InputError(
                f'{labels.told}: {len(turned)} polygons hold until a date before the one they hold from, such as row '
                f'{frame.index[turned[0]]}; check {labels.from_column} and {labels.until_column}.'
            )


def _classes(frame: gpd.GeoDataFrame, labels: RegionLabels) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Names of the classes, and the number of each polygon's; 255 where it is ignored or none is stated."""
    names = pd.Series(ONE_CLASS, index=frame.index)
    if labels.class_column is not None:
        names = column_of(frame, labels.class_column).map(class_name, na_action='ignore')
    elif labels.background is None:
        raise ValueError(
            'Without class_column all polygons are of one class, and nothing can be told from it: give class_column, '
            'or background, the name of the class of the ground around them (data.init_args.labels).'
        )
    ignored = [class_name(value) for value in labels.ignored]
    found = {str(name): int(count) for name, count in names.value_counts().items()}
    before = () if labels.background is None else (labels.background,)
    classes = tuple(labels.classes or (*before, *in_order(set(found) - {*ignored, *before})))
    if before and classes[0] != before[0]:
        raise ValueError(
            f'background of labels is {before[0]!r}, so it must be the first of classes, not {classes[0]!r}.'
        )
    check_named(found, classes, ignored, where=f'{labels.told}, column {labels.class_column!r},')
    numbers = {name: number for number, name in enumerate(classes)}
    return classes, names.map(lambda name: numbers.get(name, IGNORE_INDEX)).to_numpy(dtype=np.uint8)


def _dates(frame: gpd.GeoDataFrame, column: str | None, labels: RegionLabels, *, empty: int) -> NDArray[np.int64]:
    """First and last second of the date of each polygon, [n, 2]; ``empty`` where no column is given."""
    spans = np.full((len(frame), 2), empty, dtype=np.int64)
    if column is None:
        return spans
    read: Dates = read_dates(
        column_of(frame, column), where=f'{labels.told}, column {column!r}', date_format=labels.date_format
    )
    spans[read.known] = np.column_stack([read.start, read.stop])[read.known]
    if empty == EVER and not read.known.all():
        rows = frame.index[~read.known]
        raise InputError(
            f'{len(rows)} polygons of {labels.told} have no date in {column!r}, from which they hold: row '
            f'{", ".join(map(str, rows[:5]))}. Give them one, or leave from_column away where all hold at all dates.'
        )
    return spans


def _check_reached(
    trees: dict[str, shapely.STRtree], tables: RegionTables, frame: gpd.GeoDataFrame, *, told: str
) -> None:
    boxes = tables.windows()
    if any(len(trees[crs].query(boxes[rows], predicate='intersects')[0]) for rows, crs in tables.by_crs()):
        return
    raise elsewhere(told, frame.to_crs(WGS84).total_bounds.tolist(), tables)
