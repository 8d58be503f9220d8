"""Splits, loaders and scaling."""

from geo_noisy.datamodules.base import PairDataModule, SegmentationDataModule
from geo_noisy.datamodules.temporal import TemporalPairsDataModule
from geo_noisy.datamodules.vts import VTSPairsDataModule, VTSSegmentationDataModule
from geo_noisy.datamodules.xbd import XBDPairsDataModule, XBDSegmentationDataModule

__all__ = [
    'PairDataModule',
    'SegmentationDataModule',
    'TemporalPairsDataModule',
    'VTSPairsDataModule',
    'VTSSegmentationDataModule',
    'XBDPairsDataModule',
    'XBDSegmentationDataModule',
]
