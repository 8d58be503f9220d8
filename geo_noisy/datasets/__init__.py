"""Samples from keys: pair data sets and their segmentation partners."""

from geo_noisy.datasets.change import ChangePairs, SeasonPairs
from geo_noisy.datasets.cifar10 import CIFAR10, CIFAR10Pairs
from geo_noisy.datasets.raster_files import scan_dataset
from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.datasets.vts import VTSPairs, VTSSegmentation
from geo_noisy.datasets.xbd import XBDPairs, XBDSegmentation
from geo_noisy.datasets.xbd_files import XBDDataError
from geo_noisy.datasets.xbd_masks import XBDLabels
from geo_noisy.datasets.xbd_splits import XBDSplit

__all__ = [
    'CIFAR10',
    'CIFAR10Pairs',
    'ChangePairs',
    'SeasonPairs',
    'TemporalPairs',
    'VTSPairs',
    'VTSSegmentation',
    'XBDDataError',
    'XBDLabels',
    'XBDPairs',
    'XBDSegmentation',
    'XBDSplit',
    'scan_dataset',
]
