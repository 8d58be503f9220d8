"""The clean and the noisy stratum of a source, as a policy sees them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.source import PairSource


@dataclass(frozen=True)
class Strata:
    """The two strata a policy draws from; unknown pairs are counted into ``clean`` where allowed.

    Attributes:
        source: Where the pairs come from.
        clean: Number of clean pairs, the unknown ones included where they count as clean.
        noisy: Number of noisy pairs.
    """

    source: PairSource
    clean: int
    noisy: int

    def keys(self, noisy: NDArray[np.bool_], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows ``(location, earlier, later)`` of mixed strata, in order; shape [n, 3]."""
        rows = np.empty((len(ranks), 3), dtype=np.int64)
        known = self.source.count('clean')
        unknown = ~noisy & (ranks >= known)
        for stratum, chosen, shift in (
            ('noisy', noisy, 0),
            ('clean', ~noisy & ~unknown, 0),
            ('unknown', unknown, known),
        ):
            if chosen.any():
                rows[chosen] = self.source.keys(stratum, ranks[chosen] - shift)
        return rows


def strata_of(source: PairSource, policy: PairPolicy) -> Strata:
    """The strata of a source under a policy.

    Raises:
        ValueError: If there are no pairs, the rate cannot be met, or noise is unknown and
            ``policy.unknown`` is ``'error'``.
    """
    clean, noisy, unknown = (source.count(stratum) for stratum in ('clean', 'noisy', 'unknown'))
    if clean + noisy + unknown == 0:
        raise ValueError('There are no pairs to draw from: the data set is empty, or no location has two dates.')
    if policy.rate is None:
        if policy.mere_exposure and unknown and policy.unknown == 'error':
            raise ValueError(_unknown_message(unknown, 'mere_exposure'))
        return _check_left(Strata(source, clean + (0 if policy.unknown == 'drop' else unknown), noisy), unknown)
    if unknown and policy.unknown == 'error':
        raise ValueError(_unknown_message(unknown, f'rate={policy.rate}'))
    strata = Strata(source, clean + (unknown if policy.unknown == 'clean' else 0), noisy)
    return _check_rate(_check_left(strata, unknown), policy.rate)


def _check_left(strata: Strata, unknown: int) -> Strata:
    if strata.clean + strata.noisy == 0:
        raise ValueError(
            f"All {unknown} pairs have unknown noise, and PairPolicy.unknown is 'drop': none is left. "
            "Give polygons or a change raster, or set PairPolicy.unknown to 'clean'."
        )
    return strata


def _check_rate(strata: Strata, rate: float) -> Strata:
    if rate > 0 and strata.noisy == 0:
        raise ValueError(f'PairPolicy.rate is {rate}, but none of the {strata.clean} known pairs is noisy. Use rate 0.')
    if rate < 1 and strata.clean == 0:
        raise ValueError(f'PairPolicy.rate is {rate}, but all {strata.noisy} known pairs are noisy. Use rate 1.')
    return strata


def _unknown_message(unknown: int, wanted: str) -> str:
    return (
        f'{unknown} pairs have unknown noise, so {wanted} cannot be met. Give polygons or a change raster, '
        "or set PairPolicy.unknown to 'drop' or 'clean'."
    )
