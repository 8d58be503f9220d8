"""What looks odd in a sample of the pixels: a border value that may be no data, classes, dates of unlike values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.files.described import Described
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.paths import is_far
from geo_noisy.regions.files.remote import in_threads
from geo_noisy.regions.files.samples import Sample, evenly, sample_layers

_MUCH = 0.2  # of all pixels
_FEW_VALUES, _MANY_PIXELS = 16, 1024
_UNLIKE = 20.0  # times another date's median
Sampled = tuple[Described, Sample]


def sample_captures(captures: Sequence[Described], *, all_bands: bool) -> list[Sampled]:
    """Read samples of some captures, of all their bands or of the first."""
    chosen = evenly(captures)
    layers = [capture.bands if all_bands else capture.bands[:1] for capture in chosen]
    far = any(is_far(layer.path) for bands in layers for layer in bands)
    samples = in_threads(sample_layers, layers) if far else map(sample_layers, layers)
    return [(capture, sample) for capture, sample in zip(chosen, samples, strict=True) if sample is not None]


def classes_in(sampled: Sequence[Sampled]) -> tuple[set[int], list[Doubt]]:
    """Positions of bands that hold classes: those with a colour table, and whole numbers of few values at all dates."""
    if not sampled:
        return set(), []
    first = sampled[0][0]
    tables = {k for k, band in enumerate(first.bands) if band.number in first.headers[band.path].classes}
    bands = range(min(len(sample.values) for _, sample in sampled))
    seen = [sample.without((capture.first.nodata, capture.capture.nodata)) for capture, sample in sampled]
    few = {k for k in bands if _look_like_classes([sample.values[k] for sample in seen])} - tables
    if not few:
        return tables, []
    names = ', '.join(first.bands[position].name for position in sorted(few))
    text = f'band {names} holds at most {_FEW_VALUES} values and is taken for classes, never interpolated'
    remedy = '--categorical names the bands with classes.'
    return tables | few, [Doubt('classes', text, remedy, len(sampled), first.capture.paths[0])]


def _look_like_classes(dates: Sequence[NDArray[Any]]) -> bool:
    """Whether values at some dates are codes: whole, few, and from 0 or 1 or with gaps, unlike a faint picture's."""
    if not all(np.issubdtype(values.dtype, np.integer) for values in dates) or not sum(map(len, dates)):
        return False
    found = np.unique(np.concatenate(dates)).astype(np.int64)
    coded = found[0] <= 1 or np.diff(found).max(initial=1) > 1
    return 2 < len(found) <= _FEW_VALUES and sum(map(len, dates)) >= _MANY_PIXELS and bool(coded)


def odd_borders(sampled: Sequence[Sampled], nodata: Sequence[float]) -> list[Doubt]:
    """Files of which a fifth has exactly one value that also is the most common one at the border."""
    odd: dict[float, list[str]] = {}
    for capture, sample in sampled:
        told = sample.without((*nodata, capture.first.nodata, capture.capture.nodata))
        value = told.border_value
        if not np.isnan(value) and _MUCH <= told.share_of(value) < 1:
            odd.setdefault(value, []).append(capture.first.path)
    return [
        Doubt(
            'nodata',
            f'a fifth or more of the pixels are exactly {value:g}, also at the border, and count as data',
            f'--nodata {value:g} takes it for no data.',
            len(paths),
            paths[0],
        )
        for value, paths in odd.items()
    ]


def mixed_nodata(captures: Sequence[Described], nodata: Sequence[float]) -> list[Doubt]:
    """Files that declare no value without data, where others do."""
    told = [header.nodata for capture in captures for header in capture.headers.values() if header.path in
            {band.path for band in capture.bands}]  # fmt: skip
    values = sorted({value for value in told if not np.isnan(value)})
    silent = int(np.isnan(told).sum())
    product = any(not np.isnan(capture.capture.nodata) for capture in captures)
    if not values or not silent or product or set(values) <= set(nodata):
        return []
    shown = ', '.join(f'{value:g}' for value in values)
    text = f'{len(told) - silent} files declare {shown} to be no data, {silent} declare nothing'
    return [Doubt('nodata', text, f'--nodata {values[0]:g} takes it for no data in all.', silent)]


def unlike_values(sampled: Sequence[Sampled]) -> list[Doubt]:
    """Dates whose values are many times those of others."""
    middles = []
    for capture, sample in sampled:
        values = sample.values[0].astype(np.float64)
        kept = values[np.isfinite(values) & (values != capture.first.nodata) & (values != 0)]
        if len(kept):
            middles.append((float(np.median(np.abs(kept))), capture.first.path))
    if len(middles) < 2:
        return []
    (low, _), (high, path) = min(middles), max(middles)
    if low == 0 or high / low < _UNLIKE:
        return []
    text = f'medians of the first band run from {low:.3g} to {high:.3g} between dates'
    return [Doubt('radiometry', text, 'Index them apart, or bring them to one scale.', 1, path)]
