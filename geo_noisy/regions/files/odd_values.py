"""What looks odd in single files of a sample: values that mean no data elsewhere, empty pictures, copies of a date."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.oddities import Sampled

_MEAN_NO_DATA = (-9999.0, -99999.0, -999.0, -32768.0, -32767.0)
_FAR = 1e9  # no sensor measures this
_FEW = 1e-3  # of all pixels
_DAY_S = 86_400


def odd_values(sampled: Sequence[Sampled], nodata: Sequence[float]) -> list[Doubt]:
    """All doubts about the values of some captures."""
    return [*_undeclared(sampled, nodata), *_empty(sampled), *_copies(sampled)]


def _undeclared(sampled: Sequence[Sampled], nodata: Sequence[float]) -> list[Doubt]:
    """Values that mean no data by custom, or are far from any measurement, and are declared nowhere."""
    odd: dict[float, list[str]] = {}
    for capture, sample in sampled:
        declared = (*nodata, capture.first.nodata, capture.capture.nodata)
        for value in _suspects(sample.values):
            if not np.isclose(declared, value).any():
                odd.setdefault(value, []).append(capture.first.path)
    return [
        Doubt(
            'nodata',
            f'pixels hold {value:g}, which means no data by custom, and count as data',
            f'--nodata {value!r} takes it for no data.',
            len(paths),
            paths[0],
        )
        for value, paths in odd.items()
    ]


def _suspects(values: NDArray[Any]) -> list[float]:
    """Of the values of the bands, those that are as good as never measured and fill some of the pixels."""
    found, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    often = found[counts >= _FEW * values.size].astype(np.float64)
    return [float(value) for value in often if value in _MEAN_NO_DATA or abs(value) >= _FAR]


def _empty(sampled: Sequence[Sampled]) -> list[Doubt]:
    """Captures that hold one value where others hold a picture."""
    flat = [capture for capture, sample in sampled if _value_of(sample.values) is not None]
    if not flat or len(flat) == len(sampled):
        return []
    first = next(sample for capture, sample in sampled if capture is flat[0])
    text = f'all pixels that were looked at are {_value_of(first.values):g} at some dates, and count as data'
    remedy = f'--nodata {_value_of(first.values):g} takes it for no data; else leave these files away.'
    return [Doubt('nodata', text, remedy, len(flat), flat[0].first.path)]


def _value_of(values: NDArray[Any]) -> float | None:
    """The one value of all pixels; None where there are several."""
    return float(values.flat[0]) if values.size and bool((values == values.flat[0]).all()) else None


def _copies(sampled: Sequence[Sampled]) -> list[Doubt]:
    """Captures of different days with the very same pixels, as copies of one file under two dates have."""
    seen: dict[bytes, Any] = {}
    copies: list[tuple[str, str]] = []
    for capture, sample in sampled:
        if _value_of(sample.values) is not None:
            continue
        first = seen.setdefault(sample.values.tobytes(), capture)
        if abs((first.capture.time or 0) - (capture.capture.time or 0)) >= _DAY_S:
            copies.append((first.first.path, capture.first.path))
    if not copies:
        return []
    text = 'dates hold the very same pixels as another, as copies of one file do'
    remedy = 'Leave the copies away, or correct their dates (--date-regex, --date-tag, a table).'
    return [Doubt('dates', text, remedy, len(copies), ' and '.join(copies[0]))]
