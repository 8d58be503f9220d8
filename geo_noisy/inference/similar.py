"""Feature search: the windows most like one."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.inference.window_table import embeddings_of
from geo_noisy.regions.dates.read import span
from geo_noisy.regions.windows.grid import WGS84


def nearest_windows(
    table: gpd.GeoDataFrame, query: int | NDArray[Any], *, count: int = 10, other_ground: bool = True
) -> gpd.GeoDataFrame:
    """The windows whose embeddings are nearest to one, by cosine, the nearest first.

    Args:
        table: Windows of ``geo-noisy embed --by window``.
        query: Row of the table, or an embedding [D].
        count: How many to give.
        other_ground: Leave out windows that share ground with the row asked for, as its other dates do.

    Returns:
        Rows of the table with ``row``, their number there, and ``similarity``, the cosine, in [-1, 1].

    Raises:
        ValueError: If there is no such row, or the embedding has another length.
        InputError: If nothing is left to compare with, or the table mixes embeddings of several encoders.
    """
    from sklearn.neighbors import NearestNeighbors  # takes seconds to import

    if table['model'].nunique() > 1:
        raise InputError(
            f'The windows are of several encoders ({", ".join(table["model"].unique())}); search each alone.'
        )
    if count < 1:
        raise ValueError(f'count is {count}; ask for at least one window.')
    features, kept = embeddings_of(table), np.ones(len(table), dtype=bool)
    if isinstance(query, int | np.integer):
        if not 0 <= query < len(table):
            raise ValueError(f'row is {query}; the table has {len(table)} rows, from 0.')
        wanted, kept[query] = features[query], False
        if other_ground:
            shared = shapely.area(shapely.intersection(table.geometry.to_numpy(), table.geometry.iloc[query]))
            kept &= shared == 0
    else:
        wanted = np.asarray(query, dtype=np.float32)
        if wanted.shape != features.shape[1:]:
            raise ValueError(f'The embedding has shape {wanted.shape}; those of the table have {features.shape[1:]}.')
    rows = np.flatnonzero(kept)
    if len(rows) == 0:
        raise InputError('All windows share ground with the one asked for; there is none to compare with.')
    search = NearestNeighbors(metric='cosine', algorithm='brute').fit(features[rows])
    distance, found = search.kneighbors(wanted[None], n_neighbors=min(count, len(rows)))
    return table.iloc[rows[found[0]]].assign(row=rows[found[0]], similarity=1 - distance[0])


def row_at(table: gpd.GeoDataFrame, *, at: tuple[float, float], date: str | None = None) -> int:
    """The row of a table that holds a point.

    Args:
        table: Windows.
        at: Longitude and latitude.
        date: Day of the row; needed where the point was seen at several dates.

    Raises:
        InputError: If no window holds the point, or several dates do and none is stated.
    """
    point = gpd.GeoSeries([shapely.Point(at)], crs=WGS84).to_crs(table.crs).iloc[0]
    rows = np.flatnonzero(shapely.intersects(table.geometry.to_numpy(), point))
    if len(rows) == 0:
        raise InputError(f'No window holds {at[0]:g} {at[1]:g} (longitude, latitude).')
    times = pd.DatetimeIndex(table['date'].iloc[rows])
    dates = ', '.join(sorted({f'{time:%Y-%m-%d}' for time in times}))
    if date is not None:
        start, stop = span(date, where='date')
        seconds = times.as_unit('s').asi8
        rows = rows[(start <= seconds) & (seconds <= stop)]
        if len(rows) == 0:
            raise InputError(f'{at[0]:g} {at[1]:g} was not seen on {date}, but on {dates}.')
    elif times.nunique() > 1:
        raise InputError(f'{at[0]:g} {at[1]:g} was seen on {dates}; choose one with --date.')
    return int(rows[0])
