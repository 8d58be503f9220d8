"""The estimate without labels for every two dates of an index."""

import os
from dataclasses import replace

from geo_noisy.regions.pair_index import PairIndex


def estimate_index(
    index: PairIndex,
    weights: str | os.PathLike[str],
    *,
    scale: float | None = None,
    reach: int = 1,
    worst: float = 0.1,
    batch_size: int = 32,
) -> PairIndex:
    """Estimate how much every two dates of each location differ; beside the flags, never in their place.

    The distance of two dates is that of their dense features at the same ground, the best match within reach, averaged
    over the cells that agree least. The estimate is the logarithm of its ratio to what is usual: the median of the
    location's other pairs or, with fewer than three, of the other pairs of its site (see
    :func:`~geo_noisy.audit.estimate_noise`). 0 is usual; NaN is not measured: the dates share no ground with data.

    Args:
        index: The index.
        weights: Checkpoint of an encoder, best pretrained by GroundContrast on such images.
        scale: Sensor value that becomes 1, as in the pretraining: 255 for bytes, 10000 for Sentinel-2.
        reach: Cells of misregistration to forgive.
        worst: Share of a window's cells that counts, those that agree least.
        batch_size: Images encoded at once.

    Returns:
        The index with estimates.

    Raises:
        InputError: If the encoder takes other bands than the index has, or nothing tells the scale.
        FileNotFoundError: If there are no such weights.
    """
    from geo_noisy.audit.index_distances import index_scores  # torch takes seconds to import, and few ask for this

    scores = index_scores(index, weights, scale=scale, reach=reach, worst=worst, batch_size=batch_size)
    return replace(index, estimate=scores)
