"""TorchGeo's spatial samplers choose ground; the pair index chooses pairs there."""

import numpy as np
import shapely
from torchgeo.samplers import SpatialSampler

from geo_noisy.regions.pair_index import PairIndex


def select_patches(index: PairIndex, sampler: SpatialSampler, *, crs: str | None = None) -> PairIndex:
    """Keep the locations whose middle lies in a patch that a TorchGeo sampler draws.

    Args:
        index: The index.
        sampler: TorchGeo's sampler; it is drawn from once.
        crs: CRS of the sampler's data set; that of ``index`` by default.

    Raises:
        ValueError: If no location lies in any patch.
    """
    patches = [shapely.box(x.start, y.start, x.stop, y.stop) for x, y in sampler]
    middles = shapely.centroid(index.windows_in(crs or index.crs))
    found = shapely.STRtree(patches).query(middles, predicate='intersects')[0]
    return index.select(locations=np.unique(found))
