"""From distances to the share of cases with such a distance that did change, by cross-fitting."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo_noisy.errors import InputError

Method = Literal['logistic', 'isotonic']


def calibrated_scores(
    distance: NDArray[np.float64],
    changed: NDArray[np.float64],
    *,
    groups: NDArray[np.int64] | None = None,
    method: Method = 'logistic',
    folds: int = 5,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Calibrate distances on those cases whose truth is known.

    The score of a known case comes from a fit that did not see it, nor its group; that of an unknown one is the mean of
    all fits.

    Args:
        distance: Distances; NaN where there is none, [n].
        changed: 1 changed, 0 not, NaN unknown, [n].
        groups: Cases of one group are held out together, as neighbours are, [n]; each by itself by default.
        method: ``logistic``, or ``isotonic`` where there are hundreds of known cases.
        folds: Number of fits; as many as the rarer class has groups where that is less.
        seed: Seed of the folds.

    Returns:
        Scores in [0, 1], NaN where there is no distance, [n].

    Raises:
        InputError: If fewer than two known cases of either class have a distance.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # takes seconds to import

    groups = np.arange(len(distance)) if groups is None else groups
    known = np.flatnonzero(np.isfinite(distance) & np.isfinite(changed))
    truth = changed[known].astype(int)
    fewest = min(len(np.unique(groups[known][truth == value])) for value in (0, 1))
    if fewest < 2:
        counts = f'{int((truth == 1).sum())} changed and {int((truth == 0).sum())} unchanged'
        raise InputError(f'A calibrated score needs two labelled cases of each kind, apart; there are {counts}.')
    scores, fits = np.full(len(distance), np.nan), []
    cut = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    for rest, held in cut.split(known, truth, groups[known]):
        if len(np.unique(truth[rest])) < 2:
            continue
        fit = _Fit(distance[known[rest]], truth[rest], method)
        scores[known[held]] = fit(distance[known[held]])
        fits.append(fit)
    others = np.setdiff1d(np.flatnonzero(np.isfinite(distance)), known[np.isfinite(scores[known])])
    if len(others):
        scores[others] = np.mean([fit(distance[others]) for fit in fits], axis=0)
    return scores


class _Fit:
    """One fit of truth on distance."""

    def __init__(self, distance: NDArray[np.float64], truth: NDArray[np.int64], method: Method) -> None:
        from sklearn.isotonic import IsotonicRegression
        from sklearn.linear_model import LogisticRegression

        self.middle, self.spread = float(distance.mean()), float(distance.std()) or 1.0
        self.isotonic = method == 'isotonic'
        model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds='clip') if self.isotonic else LogisticRegression()
        self.model = model.fit(self._units(distance), truth)

    def __call__(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        units = self._units(distance)
        return np.asarray(self.model.predict(units) if self.isotonic else self.model.predict_proba(units)[:, 1])

    def _units(self, distance: NDArray[np.float64]) -> NDArray[np.float64]:
        return ((distance - self.middle) / self.spread)[:, None]
