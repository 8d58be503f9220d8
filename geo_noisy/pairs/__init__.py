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
        BandStatistics as BandStatistics,
    )
    from geo_noisy.regions import (
        ChangePolygons as ChangePolygons,
    )
    from geo_noisy.regions import (
        FileScan as FileScan,
    )
    from geo_noisy.regions import (
        Limits as Limits,
    )
    from geo_noisy.regions import (
        PairIndex as PairIndex,
    )
    from geo_noisy.regions import (
        PairRules as PairRules,
    )
    from geo_noisy.regions import (
        build_index as build_index,
    )
    from geo_noisy.regions import (
        change_polygons as change_polygons,
    )
    from geo_noisy.regions import (
        change_raster as change_raster,
    )
    from geo_noisy.regions import (
        noise_fraction as noise_fraction,
    )
    from geo_noisy.regions import (
        scan_rasters as scan_rasters,
    )
    from geo_noisy.regions import (
        scan_table as scan_table,
    )

__all__ = ['PairKey', 'PairPolicy', 'PairSource', 'PairTable']


def __getattr__(name: str) -> Any:
    regions = import_module('geo_noisy.regions')
    if name not in regions.__all__:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(regions, name)
