from .cifar10 import CIFAR10DataModule, CIFAR10PairsDataModule
from .labelled import LabelledDataModule
from .pairs import PairDataModule
from .region_segmentation import RegionSegmentationDataModule
from .temporal import TemporalPairsDataModule
from .vts import VTSPairsDataModule, VTSSegmentationDataModule
from .xbd import XBDPairsDataModule, XBDSegmentationDataModule

__all__ = [
    'CIFAR10DataModule',
    'CIFAR10PairsDataModule',
    'LabelledDataModule',
    'PairDataModule',
    'RegionSegmentationDataModule',
    'TemporalPairsDataModule',
    'VTSPairsDataModule',
    'VTSSegmentationDataModule',
    'XBDPairsDataModule',
    'XBDSegmentationDataModule',
]
