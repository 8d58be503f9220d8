"""How unlike every two dates of an index look to an encoder: each date of a location is read and encoded once."""

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from geo_noisy.audit.estimate import cells_with_data, map_distance, relative_scores
from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.errors import InputError
from geo_noisy.models.encoder import PretrainedEncoder, load_encoder
from geo_noisy.regions.pair_estimates import pair_offsets, pairs_of_dates
from geo_noisy.regions.pair_index import PairIndex


def index_scores(
    index: PairIndex, weights: str | os.PathLike[str], *, scale: float | None, reach: int, worst: float, batch_size: int
) -> NDArray[np.float64]:
    """Scores of every two dates of each location; see :func:`~geo_noisy.audit.indexed_estimates.estimate_index`."""
    encoder = load_encoder(weights)
    if encoder.in_channels != len(index.bands):
        raise InputError(
            f'{weights} takes {encoder.in_channels} bands, and the index has {len(index.bands)} '
            f'({", ".join(index.bands)}): choose those of the pretraining with --bands.'
        )
    if scale is None:
        raise InputError(
            f'Nothing tells to which scale the images are brought for {weights}: give --estimate-scale, the sensor '
            'value that becomes 1, as in the pretraining (data.init_args.scale).'
        )
    dataset = TemporalPairs(index)
    pairs, starts = pairs_of_dates(index.offsets), pair_offsets(index.offsets)
    distance = np.full(len(pairs), np.nan)
    for location in tqdm(range(len(index)), desc='estimate', unit='location', leave=False):
        span = slice(starts[location], starts[location + 1])
        if span.start < span.stop:
            features, seen = _encoded(dataset, location, encoder, scale=scale, batch_size=batch_size)
            for first in range(span.start, span.stop, batch_size):
                part = slice(first, min(first + batch_size, span.stop))
                earlier, later = torch.from_numpy(pairs[part, 1:]).T
                both = seen[earlier] & seen[later]
                found = map_distance(features[earlier], features[later], both, reach=reach, worst=worst)
                distance[part] = found.double().numpy()
    return relative_scores(distance, pairs[:, 0], index.locations.site[pairs[:, 0]])


@torch.no_grad()
def _encoded(
    dataset: TemporalPairs, location: int, encoder: PretrainedEncoder, *, scale: float, batch_size: int
) -> tuple[Tensor, Tensor]:
    """Features of all dates of a location, [T, D, h, w], and which of their cells hold data, [T, h, w]."""
    read = [dataset.read(location, date) for date in range(len(dataset.times(location)))]
    images = torch.from_numpy(np.stack([pixels for pixels, _ in read])) / scale
    parts = range(0, len(images), batch_size)
    features = torch.cat([encoder(images[first : first + batch_size]) for first in parts])
    return features, torch.stack([cells_with_data(torch.from_numpy(valid), features.shape[-2:]) for _, valid in read])
