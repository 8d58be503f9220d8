"""Splits, loaders and scaling."""

from geo_noisy.datamodules.base import PairDataModule, SegmentationDataModule

__all__ = ["PairDataModule", "SegmentationDataModule"]
