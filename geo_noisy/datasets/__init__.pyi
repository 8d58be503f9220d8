from .change import ChangePairs, SeasonPairs
from .cifar10.images import CIFAR10, CIFAR10Pairs
from .pair_dataset import Look, PairDataset
from .region_segmentation import RegionSegmentation
from .samples import pair_sample
from .temporal import TemporalPairs
from .torchgeo_scan import scan_dataset
from .vts.pairs import VTSPairs
from .vts.segmentation import VTSSegmentation
from .xbd.files import XBDDataError
from .xbd.masks import XBDLabels
from .xbd.pairs import XBDPairs
from .xbd.segmentation import XBDSegmentation
from .xbd.splits import XBDSplit

__all__ = [
    'CIFAR10',
    'CIFAR10Pairs',
    'ChangePairs',
    'Look',
    'PairDataset',
    'RegionSegmentation',
    'SeasonPairs',
    'TemporalPairs',
    'VTSPairs',
    'VTSSegmentation',
    'XBDDataError',
    'XBDLabels',
    'XBDPairs',
    'XBDSegmentation',
    'XBDSplit',
    'pair_sample',
    'scan_dataset',
]
