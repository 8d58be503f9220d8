"""What a sampler hands to a data set: which pair comes next."""

from typing import NamedTuple


class PairKey(NamedTuple):
    """Names one temporal pair of one location, and the random views drawn from it.

    A pair data set is a pure look-up from such a key to a sample, so neither workers nor ranks nor a
    resumed run can change what is trained on.
    """

    location: int
    """Row of the data set's ``index``."""
    earlier: int
    """Position of the earlier image among the location's dates, sorted by time."""
    later: int
    """Position of the later image among the location's dates."""
    exposure: bool = False
    """A mere-exposure pair: the later image twice, in place of a noisy pair (paper, section V-C)."""
    draw: int = 0
    """Seed of everything random about this visit (views, query role): a function of (seed, epoch, position)."""
