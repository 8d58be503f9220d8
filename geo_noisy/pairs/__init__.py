"""What a temporal pair is, and how noisy it is: tables in, tables out, no torch."""

from geo_noisy.pairs.build import build_index
from geo_noisy.pairs.coverage import Limits
from geo_noisy.pairs.index import PairIndex
from geo_noisy.pairs.items import scan_table
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.noise import noise_fraction
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.polygons import ChangePolygons, change_polygons, change_raster
from geo_noisy.pairs.rules import PairRules
from geo_noisy.pairs.scan import FileScan, scan_rasters
from geo_noisy.pairs.statistics import BandStatistics
from geo_noisy.pairs.table import PairSource, PairTable

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
