"""How noisy pairs look to an encoder, without any label."""

from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from scipy.stats import mannwhitneyu
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.audit.mixture import fit_mixture
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


class Agreement(NamedTuple):
    """How well scores agree with flags.

    Attributes:
        auc: Area under the ROC curve; the chance that a noisy pair scores above a clean one.
        low: Lower end of its 95 % interval, bootstrapped over scenes.
        high: Upper end.
        noisy: Number of noisy pairs.
        clean: Number of clean pairs.
    """

    auc: float
    low: float
    high: float
    noisy: int
    clean: int


def estimate_noise(
    dataset: Lookup,
    keys: Sequence[PairKey],
    encode: Encode,
    *,
    scenes: ArrayLike | None = None,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Score pairs by how far their dense features disagree, against what is usual there.

    The distance of a pair is one minus the cosine of its two feature maps, averaged over cells that hold data at both
    dates. Usual is the median over the location's other pairs; with fewer than three pairs, that over the other
    pairs of the scene. The score is the logarithm of the ratio, and a mixture of two normal distributions on the
    scores (as in CACo, https://arxiv.org/abs/2303.05104) turns it to the probability of a change.

    Args:
        dataset: Data set that the keys belong to.
        keys: Pairs to score.
        encode: Encoder, in evaluation mode.
        scenes: Scene of each pair; one for all by default. Shape [n].
        batch_size: Pairs encoded at once.

    Returns:
        One row a pair: ``location``, ``earlier``, ``later``, ``scene``, ``distance``, ``score``, ``probability``.

    Raises:
        ValueError: If there are fewer than four pairs, too few for a mixture.
    """
    if len(keys) < 4:
        raise ValueError(f'{len(keys)} pairs are too few to say what is usual; give at least four.')
    scene = np.zeros(len(keys), dtype=np.int64) if scenes is None else np.asarray(scenes)
    distance = feature_distances(dataset, keys, encode, batch_size=batch_size)
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
            'probability': fit_mixture(score).probability(score),
        }
    )


@torch.no_grad()
def feature_distances(dataset: Lookup, keys: Iterable[PairKey], encode: Encode, *, batch_size: int = 32) -> Floats:
    """Mean over cells of one minus the cosine of the features at both dates; shape [n]."""
    found = []
    for chunk in batched(keys, batch_size):
        samples = [dataset[key] for key in chunk]
        features = encode(torch.cat([sample['image'] for sample in samples]))
        pairs = features.view(len(samples), 2, *features.shape[1:])
        apart = 1 - F.cosine_similarity(pairs[:, 0], pairs[:, 1], dim=1)
        seen = torch.stack([_seen(sample, apart.shape[-2:]) for sample in samples]).to(apart)
        found.append((apart * seen).sum(dim=(1, 2)) / seen.sum(dim=(1, 2)).clamp(min=1))
    return torch.cat(found).double().cpu().numpy()


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
    """Logarithm of each distance over the median of the other distances of its location or, of few, its scene; [n]."""
    frame = pd.DataFrame({'distance': distance, 'location': location, 'scene': scene})
    pairs = frame.groupby('location')['distance'].transform('size').to_numpy()
    usual = np.where(
        pairs >= 3,
        frame.groupby('location')['distance'].transform(_other_medians).to_numpy(),
        frame.groupby('scene')['distance'].transform(_other_medians).to_numpy(),
    )
    return np.asarray(np.log(np.maximum(distance, _SMALLEST) / np.maximum(usual, _SMALLEST)))


def agreement(score: Floats, noisy: NDArray[np.int8], scene: NDArray, *, draws: int = 1000, seed: int = 0) -> Agreement:
    """Compare scores with flags.

    Args:
        score: Scores, higher for noisier pairs, [n].
        noisy: 1 noisy, 0 clean; pairs with -1 (unknown) are left out. Shape [n].
        scene: Scene of each pair; scenes are drawn whole, for their windows are alike. Shape [n].
        draws: Bootstrap draws; those without both kinds of pairs do not count.
        seed: Seed of the draws.

    Raises:
        ValueError: If there are no noisy or no clean pairs among the known ones.
    """
    known = noisy >= 0
    score, flag, scene = score[known], noisy[known] == 1, scene[known]
    if flag.all() or not flag.any():
        raise ValueError(f'An AUC needs noisy and clean pairs; there are {int(flag.sum())} and {int((~flag).sum())}.')
    rng, groups = np.random.default_rng(seed), [np.flatnonzero(scene == name) for name in np.unique(scene)]
    found = []
    for _ in range(draws):
        rows = np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))])
        if flag[rows].any() and not flag[rows].all():
            found.append(_auc(score[rows], flag[rows]))
    low, high = np.quantile(found, (0.025, 0.975)) if found else (np.nan, np.nan)
    return Agreement(_auc(score, flag), float(low), float(high), int(flag.sum()), int((~flag).sum()))


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


def _auc(score: Floats, flag: NDArray[np.bool_]) -> float:
    """Share of (noisy, clean) pairs in the right order; ties count a half (Mann and Whitney's U)."""
    above = mannwhitneyu(score[flag], score[~flag], method='asymptotic').statistic
    return float(above / (flag.sum() * (~flag).sum()))


def _seen(sample: Sample, size: torch.Size) -> Tensor:
    """Cells that hold data at both dates, [h, w]; all where the data set does not say."""
    valid = sample.get('valid')
    if valid is None:
        return torch.ones(size)
    both = valid.all(dim=0, keepdim=True).float()
    return (F.adaptive_avg_pool2d(both, (size[0], size[1]))[0] > 0.5).float()
