from .calibration import calibrated_scores
from .cells import embed_cells
from .change import ChangeMap, change_distance, map_change
from .footprints import Footprints, read_footprints, score_footprints
from .load import prepare_encoder, prepare_probe
from .network import Prepared
from .reach import Reach, measure_reach
from .scenes import Scene, open_scenes
from .segment import segment_scenes
from .similar import nearest_windows
from .window_table import read_windows
from .window_writer import WindowWriter
from .windows import embed_windows

__all__ = [
    'ChangeMap',
    'Footprints',
    'Prepared',
    'Reach',
    'Scene',
    'WindowWriter',
    'calibrated_scores',
    'change_distance',
    'embed_cells',
    'embed_windows',
    'map_change',
    'measure_reach',
    'nearest_windows',
    'open_scenes',
    'prepare_encoder',
    'prepare_probe',
    'read_footprints',
    'read_windows',
    'score_footprints',
    'segment_scenes',
]
