"""How noisy pairs look to an encoder, without any label."""

from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import Protocol

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.audit.mixture import fit_mixture
from geo_noisy.models.ground import best_match_distance
from geo_noisy.pairs.keys import PairKey

Encode = Callable[[Tensor], Tensor]
"""Takes images [B, C, H, W] in sensor units to dense features [B, D, h, w]."""
Floats = NDArray[np.float64]
_SMALLEST = 1e-8


class Lookup(Protocol):
    """A pair data set."""

    def __getitem__(self, index: PairKey, /) -> Sample:
        """The sample of a key."""
        ...


def estimate_noise(
    dataset: Lookup,
    keys: Sequence[PairKey],
    encode: Encode,
    *,
    scenes: ArrayLike | None = None,
    batch_size: int = 32,
    reach: int = 0,
    worst: float = 1.0,
) -> pd.DataFrame:
    """Score pairs by how far their dense features disagree, against what is usual there.

    The distance of a pair is one minus the cosine of its two feature maps, averaged over cells that hold data at both
    dates, or over the worst of them (:func:`map_distance`). Usual is the median over the location's other pairs; with
    fewer than three pairs, that over the other pairs of the scene. The score is the logarithm of the ratio, and a
    mixture of two normal distributions on the scores (as in CACo, https://arxiv.org/abs/2303.05104) turns it to the
    probability of a change.

    Args:
        dataset: Data set that the keys belong to.
        keys: Pairs to score.
        encode: Encoder, in evaluation mode.
        scenes: Scene of each pair; one for all by default. Shape [n].
        batch_size: Pairs encoded at once.
        reach: Cells of misregistration to forgive.
        worst: Share of the cells that counts, those that agree least; 1 for all.

    Returns:
        One row a pair: ``location``, ``earlier``, ``later``, ``scene``, ``distance``, ``score``, ``probability``.

    Raises:
        ValueError: If there are fewer than four pairs, too few for a mixture.
    """
    if len(keys) < 4:
        raise ValueError(f'{len(keys)} pairs are too few to say what is usual; give at least four.')
    scene = np.zeros(len(keys), dtype=np.int64) if scenes is None else np.asarray(scenes)
    distance = feature_distances(dataset, keys, encode, batch_size=batch_size, reach=reach, worst=worst)
    location = np.array([key.location for key in keys])
    score = relative_scores(distance, location, scene)
    return pd.DataFrame(
        {
            'location': location,
            'earlier': [key.earlier for key in keys],
            'later': [key.later for key in keys],
            'scene': scene,
            'distance': distance,
            'score': score,
            'probability': _probabilities(score),
        }
    )


@torch.no_grad()
def feature_distances(
    dataset: Lookup,
    keys: Iterable[PairKey],
    encode: Encode,
    *,
    batch_size: int = 32,
    reach: int = 0,
    worst: float = 1.0,
) -> Floats:
    """How far the features at both dates of pairs disagree, see :func:`map_distance`; shape [n]."""
    found = []
    for chunk in batched(keys, batch_size):
        samples = [dataset[key] for key in chunk]
        features = encode(torch.cat([sample['image'] for sample in samples]))
        pairs = features.view(len(samples), 2, *features.shape[1:])
        seen = torch.stack([_seen(sample, features.shape[-2:]) for sample in samples]).to(features.device)
        found.append(map_distance(pairs[:, 0], pairs[:, 1], seen, reach=reach, worst=worst))
    return torch.cat(found).double().cpu().numpy()


def map_distance(first: Tensor, second: Tensor, seen: Tensor, *, reach: int = 0, worst: float = 1.0) -> Tensor:
    """Mean distance of two feature maps over the cells that hold data, or over the worst of them.

    The distance of a cell is one minus its cosine with the best match within reach in the other map, averaged over
    both ways of looking (:func:`~geo_noisy.models.ground.best_match_distance`).

    Args:
        first: Features at one date, [B, D, h, w].
        second: Features at the other, likewise.
        seen: Cells that hold data at both dates, [B, h, w] bool.
        reach: Cells of misregistration to forgive.
        worst: Share of the cells that counts, those that agree least; 1 for all.

    Returns:
        Distances in [0, 2], [B]; NaN where no cell holds data.

    Raises:
        ValueError: If ``worst`` lies outside (0, 1].
    """
    if not 0 < worst <= 1:
        raise ValueError(f'worst is {worst}; it is a share of the cells and must lie in (0, 1].')
    apart = best_match_distance(first, second, reach=reach)
    if reach:
        apart = (apart + best_match_distance(second, first, reach=reach)) / 2
    falling = apart.masked_fill(~seen, -torch.inf).flatten(1).sort(dim=1, descending=True).values
    count = seen.flatten(1).sum(dim=1)
    chosen = (count * worst).round().clamp(min=1)
    taken = torch.arange(falling.shape[1], device=falling.device) < torch.minimum(chosen, count)[:, None]
    mean = falling.masked_fill(~taken, 0).sum(dim=1) / chosen
    return mean.masked_fill(count == 0, torch.nan)


def _probabilities(score: Floats) -> Floats:
    """Probability of a change by a mixture on the scores that were measured; NaN for the others."""
    measured, found = ~np.isnan(score), np.full(len(score), np.nan)
    if measured.sum() > 1:
        found[measured] = fit_mixture(score[measured]).probability(score[measured])
    return found


def pixel_distances(dataset: Lookup, keys: Iterable[PairKey]) -> Floats:
    """A baseline without an encoder: mean absolute difference of the pixels, each date standardised by band; [n]."""
    found = []
    for key in keys:
        image = dataset[key]['image'].double()
        centred = image - image.mean(dim=(2, 3), keepdim=True)
        standard = centred / centred.std(dim=(2, 3), keepdim=True).clamp(min=_SMALLEST)
        found.append(float((standard[0] - standard[1]).abs().mean()))
    return np.array(found)


def relative_scores(distance: Floats, location: NDArray[np.int64], scene: NDArray) -> Floats:
    """Logarithm of each distance over the median of the other distances of its location or, of few, its scene; [n].

    NaN where the distance was not measured.
    """
    score = np.full(len(distance), np.nan)
    measured = ~np.isnan(distance)
    frame = pd.DataFrame({'distance': distance, 'location': location, 'scene': scene})[measured]
    if frame.empty:
        return score
    pairs = frame.groupby('location')['distance'].transform('size').to_numpy()
    usual = np.where(
        pairs >= 3,
        frame.groupby('location')['distance'].transform(_other_medians).to_numpy(),
        frame.groupby('scene')['distance'].transform(_other_medians).to_numpy(),
    )
    score[measured] = np.log(np.maximum(frame['distance'], _SMALLEST) / np.maximum(usual, _SMALLEST))
    return score


def _other_medians(values: 'pd.Series[float]') -> Floats:
    """For each value the median of the others; of a single one, itself."""
    array = np.asarray(values.to_numpy(), dtype=np.float64)
    if len(array) == 1:
        return array
    order: Floats = np.sort(array)
    place = np.searchsorted(order, array)
    middle = len(array) // 2
    if len(array) % 2 == 0:  # an odd number is left: its middle moves by one for those below it
        return np.asarray(np.where(place < middle, order[middle], order[middle - 1]))
    low = np.where(place < middle, order[middle], order[middle - 1])
    high = np.where(place <= middle, order[middle + 1], order[middle])
    return np.asarray((low + high) / 2)


def _seen(sample: Sample, size: torch.Size) -> Tensor:
    """Cells that hold data at both dates, [h, w]; all where the data set does not say."""
    valid = sample.get('valid')
    if valid is None:
        return torch.ones(size, dtype=torch.bool)
    return cells_with_data(valid.all(dim=0), size)


def cells_with_data(valid: Tensor, size: torch.Size) -> Tensor:
    """Cells of a feature map of which more than half the pixels hold data, [H, W] to [h, w] bool."""
    return F.adaptive_avg_pool2d(valid[None].float(), (size[0], size[1]))[0] > 0.5
