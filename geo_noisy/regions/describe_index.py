"""What a checkpoint keeps of an index: enough to read other images in the same way, and for a model card."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.pair_index import PairIndex


def describe_index(index: PairIndex, *, bands: Sequence[int | str] | None = None) -> dict[str, Any]:
    """Bands, units, pixel size, dates and noise of an index, in plain values.

    Args:
        index: The index.
        bands: Bands that are taken of it, by name or number; all by default.

    Returns:
        ``bands`` (names), ``named`` (whether the files name them), ``product``, ``scales`` and ``offsets`` of these
        bands (NaN where unknown), ``res`` (x and y, of the first site), ``crs``, ``size_px``, ``locations``, ``dates``
        (first and last), ``captures``, ``noise`` (how it was measured, or ``unknown``).
    """
    chosen = [number - 1 for number in index.band_numbers(bands)]
    first, site, days = index.files.iloc[0], index.sites.iloc[0], np.sort(index.times)[[0, -1]]
    scales, offsets = (index.content.scales or first['scales']), (index.content.offsets or first['offsets'])
    return {
        'bands': [index.bands[band] for band in chosen],
        'named': bool(index.content.bands),
        'product': index.content.product,
        'scales': [float(scales[band]) for band in chosen],
        'offsets': [float(offsets[band]) for band in chosen],
        'res': [float(site['res_x']), float(site['res_y'])],
        'crs': str(site['crs']),
        'size_px': index.size_px,
        'locations': len(index),
        'captures': int(index.files['capture'].nunique()),
        'dates': [f'{day:%Y-%m-%d}' for day in from_seconds(days)],
        'noise': 'unknown' if index.events is None else index.noise_method,
    }
