"""What a user says of the labels of a region."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd

from geo_noisy.regions.noise.polygon_files import VECTOR_FILES

OF_RASTERS = ('values', 'band')
OF_POLYGONS = (
    'layer',
    'class_column',
    'background',
    'from_column',
    'until_column',
    'date_format',
    'crs',
)


@dataclass(frozen=True)
class RegionLabels:
    """Where labels lie, and what they mean.

    Attributes:
        files: Rasters of classes (files, folders or patterns; where several show a pixel, the first with a label
            counts), or one file of polygons.
        classes: Names of the classes, in the order of their numbers in masks. Those of the labels by default: raster
            values in rising order, classes of polygons in the order of numbers or of the alphabet, after
            ``background``.
        ignored: Classes (raster values) that are left unlabelled: 255 in masks.
        values: Value of each class in the rasters; 0, 1, 2, ... by default where ``classes`` are named. 255 is
            unlabelled unless it stands here.
        band: Band of the rasters, from 1; needed where they have several.
        layer: Layer of the file of polygons; needed where several may hold some.
        class_column: Column with the class of a polygon; without it all are of the class ``labelled``.
        background: Name of a class, number 0, for ground that was labelled (``ground``) and that no polygon covers.
            By default such ground is unlabelled.
        from_column: Column with the date from which a polygon holds. Where polygons overlap, the one that holds from
            the latest date is drawn, of equal ones that of the class with the highest number.
        until_column: Column with the date from which it holds no more; empty for never.
        date_format: Format, or several, of these dates, as in ``datetime.strptime``.
        crs: CRS of a file of polygons that states none.
        ground: File of polygons of the ground that was labelled: outside of it masks are 255. All of it by default.
        ground_layer: Its layer.
    """

    files: str | Sequence[str]
    classes: Sequence[str] | None = None
    ignored: Sequence[str | int] = ()
    values: Sequence[int] | None = None
    band: int | None = None
    layer: str | None = None
    class_column: str | None = None
    background: str | None = None
    from_column: str | None = None
    until_column: str | None = None
    date_format: str | Sequence[str] | None = None
    crs: str | None = None
    ground: str | None = None
    ground_layer: str | None = None

    def __post_init__(self) -> None:
        """Refuse options that cannot act."""
        others = OF_RASTERS if self.has_polygons else OF_POLYGONS
        idle = [name for name in others if getattr(self, name) is not None]
        if idle:
            kind, other = ('polygons', 'rasters') if self.has_polygons else ('rasters', 'polygons')
            raise ValueError(f'{", ".join(idle)} of labels: for {other}, but {self.told} holds {kind}. Leave it away.')
        if self.ground_layer is not None and self.ground is None:
            raise ValueError('ground_layer of labels needs ground, the file that it is a layer of.')
        if self.date_format is not None and self.from_column is None and self.until_column is None:
            raise ValueError('date_format of labels needs from_column or until_column, the columns that it is for.')
        if self.classes is not None and len(set(self.classes)) < len(self.classes):
            raise ValueError(f'classes of labels are {list(self.classes)}; each name may stand there once.')

    @property
    def has_polygons(self) -> bool:
        """Whether the labels are polygons, and not rasters."""
        files: Any = self.files
        if isinstance(files, gpd.GeoDataFrame):
            return True
        several = not isinstance(files, str | os.PathLike)
        first = str(next(iter(files), '') if several else files)
        if not first.lower().endswith(VECTOR_FILES):
            return False
        if several and len(files) > 1:
            raise ValueError(f'labels take one file of polygons, not {len(files)}: join them first (ogrmerge).')
        return True

    @property
    def told(self) -> str:
        """The files, for messages."""
        files: Any = self.files
        if isinstance(files, gpd.GeoDataFrame):
            return 'the frame'
        if isinstance(files, str | os.PathLike):
            return str(files)
        return f'{files[0]} and {len(files) - 1} more' if len(files) > 1 else str(files[0])
