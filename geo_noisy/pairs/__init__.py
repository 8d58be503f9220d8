"""The pair contract, and which pairs an epoch holds: no torch, no files.

What builds pairs over a region is handed on from :mod:`geo_noisy.regions`, at first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.source import PairSource, PairTable

if TYPE_CHECKING:
    from geo_noisy.regions import (
        BandStatistics,
        ChangePolygons,
        FileScan,
        Limits,
        PairIndex,
        PairRules,
        build_index,
        change_polygons,
        change_raster,
        noise_fraction,
        scan_rasters,
        scan_table,
    )

__all__ = [
    'BandStatistics',
    'ChangePolygons',
    'FileScan',
    'Limits',
    'PairIndex',
    'PairKey',
    'PairPolicy',
    'PairRules',
    'PairSource',
    'PairTable',
    'build_index',
    'change_polygons',
    'change_raster',
    'noise_fraction',
    'scan_rasters',
    'scan_table',
]


def __getattr__(name: str) -> Any:
    regions = import_module('geo_noisy.regions')
    if name not in regions.__all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(regions, name)
