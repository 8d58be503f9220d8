from .band_statistics import BandStatistics
from .build import build_index
from .files.file_scan import FileScan
from .files.item_tables import scan_table
from .files.remote import Remote
from .files.scan import scan_rasters
from .labels.options import RegionLabels
from .noise.change_rasters import change_raster
from .noise.events import noise_fraction
from .noise.polygons import ChangePolygons, change_polygons
from .pair_index import PairIndex
from .rules import PairRules
from .windows.coverage import Limits

__all__ = [
    'BandStatistics',
    'ChangePolygons',
    'FileScan',
    'Limits',
    'PairIndex',
    'PairRules',
    'RegionLabels',
    'Remote',
    'build_index',
    'change_polygons',
    'change_raster',
    'noise_fraction',
    'scan_rasters',
    'scan_table',
]
