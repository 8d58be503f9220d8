"""Statistics of the bands from samples of a data set, and where a sample comes from."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.errors import InputError
from geo_noisy.regions.band_statistics import BandMoments


def sample_statistics(
    dataset: Any, scale: float, *, samples: int = 256, key: Callable[[int], Any] = int
) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each band over evenly spread samples of a data set.

    Args:
        dataset: Data set whose samples hold ``image`` [..., C, H, W].
        scale: Sensor value that becomes 1.
        samples: Samples to read.
        key: From the number of a sample to its key.

    Returns:
        Means and deviations, in [0, 1] units.

    Raises:
        InputError: If a sample holds NaN or infinite values; names it, its files where they are known, and the bands.
    """
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(samples, len(dataset))).astype(int))
    moments = BandMoments()
    for index in chosen.tolist():
        sample = dataset[key(index)]
        bands = (sample['image'].double() / scale).movedim(-3, 0).flatten(1)
        _check_finite(bands, sample, dataset, index)
        moments.add(bands.numpy())
    return moments.mean().tolist(), moments.std(least_variance=1e-8).tolist()


def origin(dataset: object, *, place: int, times: Sequence[int]) -> list[str]:
    """Where a sample comes from: place, dates and, where the data set tells them, files.

    Args:
        dataset: The data set.
        place: The sample's place.
        times: Seconds since 1970 (UTC) of its dates.
    """
    dates = ' and '.join(str(datetime.fromtimestamp(time, tz=UTC).date()) for time in times)
    files: Any = getattr(dataset, 'files_of', None)
    return [f'place {place}', *([dates] if dates else []), *([', '.join(files(place, times))] if files else [])]


def _check_finite(bands: Tensor, sample: Sample, dataset: object, index: int) -> None:
    finite = bands.isfinite().all(dim=1)
    if finite.all():
        return
    told = [f'sample {index} of the training split']
    if 'place' in sample:
        told += origin(dataset, place=int(sample['place']), times=sample['time'].tolist() if 'time' in sample else [])
    numbers = ', '.join(str(band + 1) for band in range(len(finite)) if not finite[band])
    raise InputError(
        f'{", ".join(told)}: band {numbers} holds NaN or infinite values, of which no mean can be taken. Mend or leave '
        'out this image, or have its data set give such pixels a value.'
    )
