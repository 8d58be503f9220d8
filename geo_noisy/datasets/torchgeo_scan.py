"""From TorchGeo's raster data sets to the files of a pair index."""

import os
from typing import Any

from torchgeo.datasets import RasterDataset

from geo_noisy.regions.dates.read import seconds
from geo_noisy.regions.files.captures import Capture, Layer
from geo_noisy.regions.files.file_scan import FileScan, scan_captures


def scan_dataset(dataset: RasterDataset, *, sensor: str | None = None) -> FileScan:
    """Look at the files of a TorchGeo data set; dates are the starts of its files' time intervals.

    Args:
        dataset: Any raster data set; its ``bands`` are taken, in their order.
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
        _capture(dataset, str(path), seconds(left), name)
        for path, left in zip(dataset.index['filepath'], lefts, strict=True)
    ]
    return scan_captures(captures)


def _capture(dataset: Any, path: str, time: int, sensor: str) -> Capture:
    """A capture with the bands of the data set by name, in a file each or by their place in the only one."""
    if dataset.separate_files:
        bands = tuple(Layer(band, os.fspath(dataset._update_filepath(band, path))) for band in dataset.bands)
        return Capture(tuple(band.path for band in bands), time, sensor, bands=bands)
    if not dataset.bands or not dataset.all_bands:
        return Capture((path,), time, sensor)
    places = {band: number for number, band in enumerate(dataset.all_bands, start=1)}
    return Capture((path,), time, sensor, bands=tuple(Layer(band, path, places[band]) for band in dataset.bands))
