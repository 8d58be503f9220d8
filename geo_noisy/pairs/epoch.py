"""Which pairs an epoch holds, and in which order: a function of (seed, epoch), looked up position by position."""

import numpy as np
from numpy.typing import NDArray

from geo_noisy.pairs.matches import matching
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.source import PairSource
from geo_noisy.pairs.strata import strata_of


class Epoch:
    """The pairs of one epoch. Any position can be asked for at once, so ranks and resumed runs do no extra work."""

    def __init__(
        self,
        source: PairSource,
        policy: PairPolicy,
        *,
        seed: int,
        epoch: int,
        length: int | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """Initialise a new Epoch.

        Args:
            source: The pairs to choose from.
            policy: The rate and how it is met.
            seed: Seed of the order (the subsets have their own, ``policy.seed``).
            epoch: Number of the epoch, from 0.
            length: Pairs in an epoch instead of the policy's own size; the next epoch goes on where this
                one stops, until every pair was seen as often as any other.
            weights: A weight for each location; pairs are then drawn with replacement. Shape [locations].

        Raises:
            ValueError: If the policy cannot be met, noise is unknown and ``policy.unknown`` is ``'error'``,
                or weights are given to a policy that draws without replacement.
        """
        self.policy, self.seed, self.epoch = policy, seed, epoch
        self._strata = strata_of(source, policy)
        self._matching = matching(policy)(self._strata, policy, seed=seed, epoch=epoch, length=length, weights=weights)
        self._size = len(self._matching)

    def __len__(self) -> int:
        """Number of pairs in the epoch."""
        return self._size

    def pairs(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Look up the pairs at some positions of the epoch.

        Args:
            positions: Where to look, each in [0, len(self)); shape [n].

        Returns:
            Rows ``(location, earlier, later)``, shape [n, 3], and which of them are mere-exposure pairs, [n].
        """
        noisy, ranks = self._matching.draw(positions)
        return self._strata.keys(noisy, ranks), noisy & self.policy.mere_exposure

    def noisy(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which pairs at some positions come from the noisy stratum, mere-exposure pairs among them; shape [n]."""
        return self._matching.draw(positions)[0]
