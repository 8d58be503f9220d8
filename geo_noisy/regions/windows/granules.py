"""Captures on the grids of their sites: which bands of which files, and which masks, a window is read from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.regions.files.captures import Content
from geo_noisy.regions.files.products import MaskCodes
from geo_noisy.regions.files.stored import Stored


class Grid(NamedTuple):
    """The pixel grid of a site."""

    crs: str
    x0: float
    y0: float
    res_x: float
    res_y: float


class FileBands(NamedTuple):
    """Bands of one file that are read in one way."""

    path: str
    numbers: tuple[int, ...]
    """Which bands of the file, from 1."""
    slots: tuple[int, ...]
    """Which bands of the sample they become, from 0."""
    nearest: bool
    """Whether they hold classes, which are never interpolated."""


class FileMask(NamedTuple):
    """A mask of one file."""

    path: str
    number: int
    codes: MaskCodes


@dataclass(frozen=True)
class Granule:
    """One row of an index's files, placed: what one look sees of a site.

    Attributes:
        parts: Its bands by file.
        masks: Its masks.
        crs: CRS of its files.
        col0: First column on the site's grid, in pixels and fractions.
        row0: First row.
        cols: Columns of the grid that it covers.
        rows: Rows.
        warped: Whether CRS or pixel size differ from the grid's.
        masked: Whether anything says which of its pixels hold data.
        alike: Whether all its bands see the same ground, as those of a known product do.
        alpha_is_data: Whether bands flagged as alpha are data.
        nodata: Values without data, besides what a file declares; the first serves where it is resampled.
        stored: What its files were when they were indexed, by path.
        gain: What the values of each band are multiplied by, [C]; None to leave them as stored.
        bias: What is added then, [C].
    """

    parts: tuple[FileBands, ...]
    masks: tuple[FileMask, ...]
    crs: str
    col0: float
    row0: float
    cols: float
    rows: float
    warped: bool
    masked: bool
    alike: bool = False
    alpha_is_data: bool = False
    nodata: tuple[float, ...] = ()
    stored: Mapping[str, Stored] = field(default_factory=dict)
    gain: NDArray[np.float32] | None = None
    bias: NDArray[np.float32] | None = None

    @property
    def bands(self) -> int:
        """Number of bands that are read."""
        return sum(len(part.numbers) for part in self.parts)

    @property
    def path(self) -> str:
        """Its first file, for messages."""
        return self.parts[0].path

    @property
    def paths(self) -> tuple[str, ...]:
        """Its files, of bands and masks."""
        return (*(part.path for part in self.parts), *(mask.path for mask in self.masks))

    @property
    def tells_nodata(self) -> bool:
        """Whether one of its masks tells where there is no data."""
        return any(mask.codes.nodata or mask.codes.nodata_bits for mask in self.masks)

    @property
    def tells_cloud(self) -> bool:
        """Whether one of its masks tells where clouds are."""
        return any(mask.codes.tells_cloud for mask in self.masks)


class PlacedCapture(NamedTuple):
    """A capture on its site's grid: the granule that a date is named by, and the others of the same overpass."""

    granules: tuple[Granule, ...]
    grid: Grid


def place_captures(
    files: pd.DataFrame, sites: pd.DataFrame, content: Content, *, bands: Sequence[int] | None = None
) -> list[PlacedCapture]:
    """Captures on their grids, one for each file.

    Args:
        files: The placed files, with ``capture``: the overpass that each belongs to.
        sites: Their grids.
        content: What they hold.
        bands: Positions of the bands to read, in order; all by default.
    """
    grids = [Grid(*values) for values in sites[list(Grid._fields)].itertuples(index=False)]
    chosen = range(len(files['layers'].iloc[0])) if bands is None else bands
    granules = [_granule(row, content, chosen) for row in files.itertuples(index=False)]
    members: dict[int, list[int]] = {}
    for number, capture in enumerate(files['capture']):
        members.setdefault(int(capture), []).append(number)
    return [
        PlacedCapture(
            tuple(granules[k] for k in (number, *(other for other in members[int(capture)] if other != number))),
            grids[site],
        )
        for number, (capture, site) in enumerate(zip(files['capture'], files['site'], strict=True))
    ]


def _granule(row: Any, content: Content, bands: Sequence[int]) -> Granule:
    codes = {mask.name: mask for mask in content.masks}
    gain, bias = _conversion(row, content, bands)
    return Granule(
        _parts(row, content, bands),
        tuple(FileMask(row.paths[file], number, codes[name]) for name, file, number in row.masks),
        row.crs,
        row.col0,
        row.row0,
        row.cols,
        row.rows,
        row.warped,
        row.masked,
        alike=bool(content.product),
        alpha_is_data=content.alpha == 'data',
        nodata=tuple(value for value in (*content.nodata, row.nodata) if not np.isnan(value)),
        stored={path: Stored(*values) for path, values in zip(row.paths, row.stored, strict=True)},
        gain=gain,
        bias=bias,
    )


def _parts(row: Any, content: Content, bands: Sequence[int]) -> tuple[FileBands, ...]:
    """Bands by file, and apart where they are read in different ways."""
    found: dict[tuple[str, bool], list[tuple[int, int]]] = {}
    for slot, band in enumerate(bands):
        file, number = row.layers[band]
        nearest = bool(content.bands) and content.bands[band] in content.categorical
        found.setdefault((row.paths[file], nearest), []).append((number, slot))
    return tuple(
        FileBands(path, tuple(number for number, _ in told), tuple(slot for _, slot in told), nearest)
        for (path, nearest), told in found.items()
    )


def _conversion(
    row: Any, content: Content, bands: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | tuple[None, None]:
    """Gain and bias of each band that bring stored values to the units of the index."""
    if not content.scales:
        return None, None
    chosen = list(bands)
    scale, offset = (np.array(getattr(row, name))[chosen] for name in ('scales', 'offsets'))
    target_scale, target_offset = np.array(content.scales)[chosen], np.array(content.offsets)[chosen]
    gain, bias = scale / target_scale, (offset - target_offset) / target_scale
    if np.allclose(gain, 1) and np.allclose(bias, 0):
        return None, None
    return gain.astype(np.float32), bias.astype(np.float32)
