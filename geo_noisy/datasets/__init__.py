"""Samples from keys: pair data sets and their segmentation partners."""

from geo_noisy.datasets.vts import VTSPairs, VTSSegmentation
from geo_noisy.datasets.xbd import XBDPairs, XBDSegmentation
from geo_noisy.datasets.xbd_files import XBDDataError
from geo_noisy.datasets.xbd_masks import XBDLabels
from geo_noisy.datasets.xbd_splits import XBDSplit

__all__ = [
    'VTSPairs',
    'VTSSegmentation',
    'XBDDataError',
    'XBDLabels',
    'XBDPairs',
    'XBDSegmentation',
    'XBDSplit',
]
