"""Rasters of change, read as polygons."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import rasterio.features
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError

from geo_noisy.errors import InputError
from geo_noisy.regions.dates.formats import Formats
from geo_noisy.regions.files.exclusions import Exclusion
from geo_noisy.regions.files.opening import open_raster
from geo_noisy.regions.files.paths import is_local, located
from geo_noisy.regions.files.problems import RasterProblemError
from geo_noisy.regions.noise.polygons import ChangePolygons, change_polygons


def change_raster(
    *paths: str | os.PathLike[str],
    changed_values: Sequence[float] = (1,),
    unchanged_values: Sequence[float] | None = None,
    unknown_values: Sequence[float] = (),
    event_date: str | None = None,
    date_format: Formats = None,
) -> ChangePolygons:
    """Read change rasters as polygons, pixel by pixel exact; noise is unknown where they hold no data.

    Pixels that are not a number, masked or without data are unknown. What other values mean has to be said.

    Args:
        paths: Rasters whose first band tells where something changed.
        changed_values: Values that mean a change.
        unchanged_values: Values that mean that nothing changed, also where a file declares them to hold no data, as
            those of ``gdal_rasterize`` do (counted); 0 by default, unless it means something else.
        unknown_values: Values that mean that nobody knows.
        event_date: See :func:`change_polygons`.
        date_format: Its format, as in ``datetime.strptime``.

    Raises:
        ValueError: If one value has two meanings.
        InputError: If a raster cannot be read, has no CRS, or holds a value without a meaning, or nothing changed in
            any.
    """
    meaning = _Meaning(tuple(changed_values), unchanged_values, tuple(unknown_values))
    parts = [_trace(path, meaning) for path in paths]
    crs = parts[0].changed.crs
    changed, ground = (
        gpd.GeoDataFrame(geometry=pd.concat([outlines.to_crs(crs) for outlines in column]))
        for column in ([part.changed for part in parts], [part.ground for part in parts])
    )
    if changed.empty:
        values = ' or '.join(f'{value:g}' for value in meaning.changed)
        raise InputError(f'Nothing changed in {", ".join(map(str, paths))}: band 1 is {values} nowhere.')
    found = change_polygons(changed, event_date=event_date, date_format=date_format, ground=ground)
    return replace(found, excluded=(*found.excluded, *(note for part in parts for note in part.notes)))


class _Meaning:
    """What the values of a change raster mean."""

    def __init__(
        self, changed: tuple[float, ...], unchanged: Sequence[float] | None, unknown: tuple[float, ...]
    ) -> None:
        self.changed, self.unknown = changed, unknown
        default = tuple(value for value in (0.0,) if value not in (*changed, *unknown))
        self.unchanged = default if unchanged is None else tuple(unchanged)
        values = [*self.changed, *self.unchanged, *self.unknown]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            raise ValueError(
                f'{twice[0]:g} has two meanings; give each value to one of changed_values, unchanged_values and '
                'unknown_values.'
            )

    def look_up(
        self, band: NDArray[Any], told: NDArray[np.bool_], *, nodata: float | None, path: str
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which pixels changed, and of which it is known whether they did; both [H, W].

        Args:
            band: Values, [H, W].
            told: Pixels that the file says hold data, [H, W].
            nodata: Value that the file declares to hold none.
            path: The file, for messages.

        Raises:
            InputError: If a value has no meaning.
        """
        stated = told | (np.isin(band, self.unchanged) if nodata in self.unchanged else False)
        changed = stated & np.isin(band, self.changed)
        unchanged = stated & np.isin(band, self.unchanged)
        rest = stated & ~changed & ~unchanged & ~np.isin(band, self.unknown) & ~np.isnan(band)
        if rest.any():
            values = ', '.join(f'{value:g}' for value in np.unique(band[rest])[:5])
            raise InputError(
                f'{path} holds {values} in band 1, and what that means is not known: say so with --changed-values, '
                '--unchanged-values or --unknown-values.'
            )
        return changed, changed | unchanged


class _Traced(NamedTuple):
    """Outlines of the pixels of a raster that changed, and of those that hold data."""

    changed: gpd.GeoSeries
    ground: gpd.GeoSeries
    notes: tuple[Exclusion, ...]


def _trace(path: str | os.PathLike[str], meaning: _Meaning) -> _Traced:
    if is_local(str(path)) and not os.path.exists(located(str(path))):
        raise FileNotFoundError(f'The change raster {path} is not there.')
    try:
        with open_raster(str(path)) as file:
            if file.crs is None:
                raise InputError(f'{path} has no CRS; write one with gdal_edit -a_srs.')
            band, grid, crs, nodata = file.read(1, masked=True), file.transform, file.crs.to_wkt(), file.nodata
    except (RasterioIOError, RasterProblemError) as error:
        raise InputError(f'The change raster {path} cannot be read: {error}') from error
    told = ~np.ma.getmaskarray(band)
    masks = meaning.look_up(band.data, told, nodata=nodata, path=str(path))
    changed, known = (_outlines(mask, grid, crs) for mask in masks)
    return _Traced(changed, known, _notes(nodata, meaning, path))


def _notes(nodata: float | None, meaning: _Meaning, path: str | os.PathLike[str]) -> tuple[Exclusion, ...]:
    """That a value declared to hold no data is taken for unchanged."""
    if nodata not in meaning.unchanged:
        return ()
    reason = f'{nodata:g} is declared to hold no data and taken for unchanged (--unknown-values {nodata:g} for unknown)'
    return (Exclusion('change raster', reason, 1, str(path)),)


def _outlines(mask: NDArray[np.bool_], grid: rasterio.Affine, crs: str) -> gpd.GeoSeries:
    found = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4, transform=grid)
    return gpd.GeoSeries([shapely.geometry.shape(outline) for outline, _ in found], crs=crs)
