"""Splits, loaders and scaling."""

from geo_noisy.datamodules.cifar10 import CIFAR10DataModule, CIFAR10PairsDataModule
from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.datamodules.temporal import TemporalPairsDataModule
from geo_noisy.datamodules.vts import VTSPairsDataModule, VTSSegmentationDataModule
from geo_noisy.datamodules.xbd import XBDPairsDataModule, XBDSegmentationDataModule

__all__ = [
    'CIFAR10DataModule',
    'CIFAR10PairsDataModule',
    'LabelledDataModule',
    'PairDataModule',
    'TemporalPairsDataModule',
    'VTSPairsDataModule',
    'VTSSegmentationDataModule',
    'XBDPairsDataModule',
    'XBDSegmentationDataModule',
]
