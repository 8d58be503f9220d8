"""A mixture of two normal distributions on a line, fitted by expectation maximisation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
_NARROWEST = 1e-3  # of the spread of all values, so that no component shrinks to a point


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions; the second has the higher mean.

    Attributes:
        weight: Share of each, [2].
        mean: Mean of each, [2].
        std: Standard deviation of each, [2].
    """

    weight: Floats
    mean: Floats
    std: Floats

    def probability(self, values: Floats) -> Floats:
        """Probability that values come from the higher component, [n].

        Below its mean it is that at the mean or less: a wide higher component would else claim the lowest values.
        """
        lifted = np.maximum(values, self.mean[0])
        return np.asarray(self._shares(lifted)[1])

    def _shares(self, values: Floats) -> Floats:
        logs = np.log(self.weight)[:, None] + norm.logpdf(values, self.mean[:, None], self.std[:, None])
        return np.asarray(np.exp(logs - np.logaddexp(logs[0], logs[1])))


def fit_mixture(values: Floats, *, steps: int = 200) -> Mixture:
    """Fit two components, starting from the lower and the upper half of the values.

    Args:
        values: At least two values, [n].
        steps: Steps of expectation maximisation.
    """
    order = np.sort(values)
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    floor = max(float(np.std(values)) * _NARROWEST, 1e-9)
    spread = max(float(np.std(values)), floor)
    found = Mixture(np.full(2, 0.5), np.array([half.mean() for half in halves]), np.full(2, spread))
    for _ in range(steps):
        shares = found._shares(values)
        mass = np.maximum(shares.sum(axis=1), 1e-12)
        mean = shares @ values / mass
        std = np.sqrt((shares * (values - mean[:, None]) ** 2).sum(axis=1) / mass)
        found = Mixture(mass / mass.sum(), mean, np.maximum(std, floor))
    upward = np.argsort(found.mean)
    return Mixture(found.weight[upward], found.mean[upward], found.std[upward])
