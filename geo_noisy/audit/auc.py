"""How well scores of pairs agree with their flags."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

Floats = NDArray[np.float64]


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


def agreement(
    score: Floats, noisy: NDArray[np.int8], scene: NDArray, *, within: bool = False, draws: int = 1000, seed: int = 0
) -> Agreement:
    """Compare scores with flags.

    Args:
        score: Scores, higher for noisier pairs; pairs of score NaN are left out. Shape [n].
        noisy: 1 noisy, 0 clean; pairs with -1 (unknown) are left out. Shape [n].
        scene: Scene of each pair; scenes are drawn whole, for their windows are alike. Shape [n].
        within: Compare noisy pairs with clean ones of their own scene alone: what tells one scene from another does not
            count then.
        draws: Bootstrap draws; those without both kinds of pairs do not count.
        seed: Seed of the draws.

    Raises:
        ValueError: If there are no noisy or no clean pairs among the known ones (or, within, in any one scene).
    """
    known = (noisy >= 0) & ~np.isnan(score)
    score, flag, scene = score[known], noisy[known] == 1, scene[known]
    if flag.all() or not flag.any():
        raise ValueError(f'An AUC needs noisy and clean pairs; there are {int(flag.sum())} and {int((~flag).sum())}.')
    groups = [np.flatnonzero(scene == name) for name in np.unique(scene)]
    if within:
        right, compared = _compared_within(score, flag, groups)
        measure = partial(_within, right=right, compared=compared)
    else:
        measure = partial(_across, score=score, flag=flag, groups=groups)
    auc = measure(np.arange(len(groups)))
    if np.isnan(auc):
        raise ValueError('An AUC within scenes needs a scene with noisy and clean pairs; there is none.')
    rng = np.random.default_rng(seed)
    found = np.array([measure(rng.integers(len(groups), size=len(groups))) for _ in range(draws)])
    found = found[~np.isnan(found)]
    low, high = np.quantile(found, (0.025, 0.975)) if len(found) else (np.nan, np.nan)
    return Agreement(auc, float(low), float(high), int(flag.sum()), int((~flag).sum()))


def _across(drawn: NDArray[np.int64], *, score: Floats, flag: NDArray[np.bool_], groups: Sequence[NDArray]) -> float:
    """The AUC over all pairs of drawn scenes; NaN where they lack noisy or clean ones."""
    rows = np.concatenate([groups[k] for k in drawn])
    both = flag[rows].any() and not flag[rows].all()
    return _auc(score[rows], flag[rows]) if both else float('nan')


def _within(drawn: NDArray[np.int64], *, right: Floats, compared: Floats) -> float:
    """The AUC within drawn scenes, from how many (noisy, clean) pairs of each are right; NaN where none has any."""
    return float(right[drawn].sum() / compared[drawn].sum()) if compared[drawn].any() else float('nan')


def _compared_within(score: Floats, flag: NDArray[np.bool_], groups: Sequence[NDArray]) -> tuple[Floats, Floats]:
    """Of each scene, how many (noisy, clean) pairs are in the right order, and how many there are."""
    compared = np.array([flag[rows].sum() * (~flag[rows]).sum() for rows in groups], dtype=np.float64)
    right = [count and count * _auc(score[rows], flag[rows]) for rows, count in zip(groups, compared, strict=True)]
    return np.array(right), compared


def _auc(score: Floats, flag: NDArray[np.bool_]) -> float:
    """Share of (noisy, clean) pairs in the right order; ties count a half (Mann and Whitney's U)."""
    above = mannwhitneyu(score[flag], score[~flag], method='asymptotic').statistic
    return float(above / (flag.sum() * (~flag).sum()))
