"""From TorchGeo's raster data sets to the files of a pair index."""

import os
from dataclasses import replace
from typing import Any

import numpy as np
from pyproj import CRS
from torchgeo.datasets import RasterDataset

from geo_noisy.regions.dates.read import seconds
from geo_noisy.regions.files.captures import Capture, Layer
from geo_noisy.regions.files.file_scan import FileScan, scan_captures
from geo_noisy.regions.files.headers import read_header


def scan_dataset(dataset: RasterDataset, *, sensor: str | None = None) -> FileScan:
    """Look at the files of a TorchGeo data set; dates are the starts of its files' time intervals.

    Args:
        dataset: Any raster data set of images; its ``bands`` are taken, in their order, and a ``crs`` and ``res`` that
            are not those of its first file are those of the index.
        sensor: Name of the sensor; the class name of the data set by default.

    Raises:
        InputError: If no file can serve.
        ValueError: If the data set does not know the dates of its files, holds masks, or has transforms.
    """
    if not isinstance(dataset, RasterDataset):
        raise ValueError(f'{type(dataset).__name__} is no RasterDataset, so it has no files with grids and dates.')
    if dataset.transforms is not None:
        raise ValueError(
            f'{type(dataset).__name__} has transforms, which pairs would not see; give them to '
            'TemporalPairs(transforms=).'
        )
    if not dataset.is_image:
        raise ValueError(f'{type(dataset).__name__} holds masks (is_image is False), and pairs are made of images.')
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
    scan = scan_captures(captures)
    return replace(scan, **_stated_grid(dataset))


def _stated_grid(dataset: RasterDataset) -> dict[str, Any]:
    """CRS and pixel size of a data set where they are not those of its first file, which it takes by default."""
    first = read_header(str(dataset.index['filepath'].iloc[0]))
    crs, res = CRS.from_user_input(dataset.crs), tuple(map(float, dataset.res))
    other_crs = not crs.equals(CRS.from_user_input(first.crs), ignore_axis_order=True)
    if not other_crs and np.allclose(res, (first.res_x, first.res_y)):
        return {}
    return {'crs': crs.to_string(), 'res': res} if other_crs else {'res': res}


def _capture(dataset: Any, path: str, time: int, sensor: str) -> Capture:
    """A capture with the bands of the data set by name, in a file each or by their place in the only one."""
    if dataset.separate_files:
        bands = tuple(Layer(band, os.fspath(dataset._update_filepath(band, path))) for band in dataset.bands)
        return Capture(tuple(band.path for band in bands), time, sensor, bands=bands)
    if not dataset.bands or not dataset.all_bands:
        return Capture((path,), time, sensor)
    places = {band: number for number, band in enumerate(dataset.all_bands, start=1)}
    return Capture((path,), time, sensor, bands=tuple(Layer(band, path, places[band]) for band in dataset.bands))
