"""The labels of a region, whatever they come from."""

import numpy as np
from numpy.typing import NDArray

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.regions.labels.ground import LabelledGround
from geo_noisy.regions.labels.options import RegionLabels
from geo_noisy.regions.labels.polygons import PolygonLabels
from geo_noisy.regions.labels.rasters import RasterLabels, site_and_box
from geo_noisy.regions.tables import RegionTables


class LabelReader:
    """Classes of the pixels of windows; 255 where nothing was labelled."""

    def __init__(self, tables: RegionTables, labels: RegionLabels) -> None:
        """Initialise a new LabelReader.

        Args:
            tables: All windows, of every split, so that each split has the same classes.
            labels: What to read.

        Raises:
            InputError: If the labels cannot serve.
            ValueError: If an option is wrong.
        """
        self._ground = LabelledGround(tables, labels)
        self._source = PolygonLabels(tables, labels) if labels.has_polygons else RasterLabels(tables, labels)
        self._crs = tables.sites['crs'].tolist()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return self._source.names

    @property
    def notes(self) -> str:
        """What was mended or left out; empty where nothing was."""
        return self._source.notes if isinstance(self._source, PolygonLabels) else ''

    def mask(self, tables: RegionTables, location: int, *, time: int) -> NDArray[np.uint8]:
        """Class of each pixel of a window at a time, [H, W].

        Args:
            tables: All windows, or those of one split.
            location: Number of the window in them.
            time: Seconds since 1970 (UTC).
        """
        site, box = site_and_box(tables, location)
        (window,) = tables.windows(np.array([location]))
        crs, size = self._crs[site], tables.size_px
        if isinstance(self._source, PolygonLabels):
            mask = self._source.mask(window, crs, time=time, size_px=size)
        else:
            mask = self._source.mask(site, box)
        mask[~self._ground.mask(window, crs, size_px=size)] = IGNORE_INDEX
        return mask
