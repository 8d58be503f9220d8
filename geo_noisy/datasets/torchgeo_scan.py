"""From TorchGeo's raster data sets to the files of a pair index."""

import os
from typing import Any

from torchgeo.datasets import RasterDataset

from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.dates import seconds
from geo_noisy.regions.files.file_scan import FileScan, scan_captures


def scan_dataset(dataset: RasterDataset, *, sensor: str | None = None) -> FileScan:
    """Look at the files of a TorchGeo data set; dates are the starts of its files' time intervals.

    Args:
        dataset: Any raster data set; its ``bands`` are used where they lie in files of their own.
        sensor: Name of the sensor; the class name of the data set by default.

    Raises:
        ValueError: If the data set does not know the dates of its files, or none can serve.
    """
    if not isinstance(dataset, RasterDataset):
        raise ValueError(f'{type(dataset).__name__} is no RasterDataset, so it has no files with grids and dates.')
    lefts = dataset.index.index.left
    if (lefts == dataset.mint).any() and dataset.mint is RasterDataset.mint:
        raise ValueError(
            f'{type(dataset).__name__} does not know the dates of its files: its filename_regex has no "date" group.'
        )
    name = sensor if sensor is not None else type(dataset).__name__
    captures = [
        Capture(_paths(dataset, str(path)), seconds(left), name)
        for path, left in zip(dataset.index['filepath'], lefts, strict=True)
    ]
    return scan_captures(captures)


def _paths(dataset: Any, path: str) -> tuple[str, ...]:
    """Files of one capture, one for each band where the data set has them apart."""
    if not dataset.separate_files:
        return (path,)
    return tuple(os.fspath(dataset._update_filepath(band, path)) for band in dataset.bands)
