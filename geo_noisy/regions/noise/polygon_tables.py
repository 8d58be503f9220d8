"""Polygons in a column of a plain table, as databases export them: WKT or WKB, perhaps with an SRID before it."""

import re
from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from pyproj.exceptions import CRSError

from geo_noisy.errors import InputError
from geo_noisy.regions.files.read_table import read_table

_COLUMNS = ('geometry', 'geom', 'the_geom', 'wkb_geometry', 'wkt_geom', 'wkt', 'wkb', 'ewkt', 'ewkb', 'shape')
_SRID = re.compile(r'\s*SRID=(\d+);', re.IGNORECASE)


def read_polygon_table(path: str) -> gpd.GeoDataFrame:
    """Read a CSV, or a Parquet file without geographic metadata.

    Raises:
        InputError: If no column holds outlines, or one of them cannot be read, with its row.
    """
    table = read_table(path)
    column = next((name for name in table.columns if str(name).lower() in _COLUMNS), None)
    if column is None:
        raise InputError(
            f'{path} holds no polygons that can be read: no column is named {", ".join(_COLUMNS)}; it has '
            f'{", ".join(map(str, table.columns))}.'
        )
    outlines = [_outline(value, f'{path}, column {column!r}, row {row}') for row, value in enumerate(table[column], 1)]
    crs = _crs_of(outlines, table[column], path)
    return gpd.GeoDataFrame(table.drop(columns=column), geometry=outlines, crs=crs)


def _outline(value: Any, where: str) -> shapely.Geometry | None:
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    try:
        if isinstance(value, bytes):
            return shapely.from_wkb(value)
        text = _SRID.sub('', str(value), count=1)
        return shapely.from_wkb(text) if re.fullmatch(r'[0-9A-Fa-f]+', text) else shapely.from_wkt(text)
    except (shapely.errors.GEOSException, TypeError) as error:
        raise InputError(f'{where}: {str(value)[:60]!r} is neither WKT nor WKB: {error}') from error


def _crs_of(outlines: Sequence[shapely.Geometry | None], values: pd.Series, path: str) -> str | None:
    """The one CRS that WKB or text before WKT states."""
    stated = {int(match[1]) for value in values if isinstance(value, str) and (match := _SRID.match(value))}
    stated |= {int(shapely.get_srid(outline)) for outline in outlines if outline is not None} - {0}
    if len(stated) > 1:
        raise InputError(f'{path} holds outlines of several CRS, by their SRID {", ".join(map(str, sorted(stated)))}.')
    try:
        return next((gpd.GeoSeries([], crs=code).crs.to_string() for code in stated), None)
    except CRSError as error:
        raise InputError(f'{path}: the SRID {stated.pop()} is no known CRS.') from error
