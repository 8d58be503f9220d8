"""VTS, the synthetic Voronoi-cell texture data set: pairs for pretraining, masks for the downstream task."""

from geo_noisy.datasets.vts_pairs import VTSPairs
from geo_noisy.datasets.vts_segmentation import SegmentationNoise, VTSSegmentation

__all__ = ['SegmentationNoise', 'VTSPairs', 'VTSSegmentation']
