"""Captures: one look of one sensor at one time, with all its bands and masks."""

from dataclasses import dataclass
from typing import NamedTuple

from geo_noisy.regions.files.products import MaskCodes


class Layer(NamedTuple):
    """A band or a mask, and where it lies."""

    name: str
    path: str
    number: int = 1
    """Its band in that file, from 1."""


@dataclass(frozen=True)
class Capture:
    """One capture to look at: its files, and what is told about it beside them.

    Attributes:
        paths: Files of its bands: one with all bands, or one for each.
        time: When it was taken, in seconds since 1970, UTC.
        sensor: What took it; empty where unknown.
        cloud: Cloud cover in percent; NaN where unknown.
        bands: Its bands by name; by default those that the files have.
        masks: Its masks by name.
        scale: Reflectance is value * scale + offset, where the files do not say; NaN where unknown.
        offset: See ``scale``.
        nodata: Value without data, where the files do not say; NaN for none.
        alpha: ``data`` where a band that is flagged as alpha is none.
    """

    paths: tuple[str, ...]
    time: int | None = None
    sensor: str = ''
    cloud: float = float('nan')
    bands: tuple[Layer, ...] = ()
    masks: tuple[Layer, ...] = ()
    scale: float = float('nan')
    offset: float = float('nan')
    nodata: float = float('nan')
    alpha: str = ''


@dataclass(frozen=True)
class Content:
    """What the captures of an index hold, and how their files are read.

    Attributes:
        product: Name of the product; empty for files of no known product.
        bands: Names of the bands, in their order.
        categorical: Those whose values are classes, which are never interpolated.
        masks: Masks and their codes.
        alpha: What a band flagged as alpha is taken for, ``data`` or ``mask``; empty where there is none.
        nodata: Values that hold no data in any file, besides what files declare.
        scales: Scale of each band that all dates are brought to; empty where values are read as stored.
        offsets: Offset of each band that all dates are brought to.
        images_crs: CRS of files that state none.
        looked_at: Captures whose pixels were looked at for what no header says: values without data, classes, units.
    """

    product: str = ''
    bands: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    masks: tuple[MaskCodes, ...] = ()
    alpha: str = ''
    nodata: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    offsets: tuple[float, ...] = ()
    images_crs: str = ''
    looked_at: int = 0
