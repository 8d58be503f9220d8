"""Scale and offset of the bands at each date: compared, and brought to one where they differ."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from geo_noisy.regions.files.described import Described
from geo_noisy.regions.files.doubts import Doubt

Radiometry = Literal['auto', 'stored', 'physical']
RADIOMETRIES: tuple[Radiometry, ...] = ('auto', 'stored', 'physical')
_REMEDY = '--radiometry stored reads all as they are stored, --radiometry physical as value * scale + offset.'
Floats = tuple[float, ...]
_RAISED = 1_643_068_800  # Sentinel-2's processing baseline 04.00


class Units(NamedTuple):
    """Scale and offset of each band: a physical value is value * scale + offset."""

    scales: Floats
    offsets: Floats

    def __str__(self) -> str:
        """Shortly, for messages."""
        told = dict.fromkeys(zip(self.scales, self.offsets, strict=True))
        return ' and '.join(f'scale {scale:g}, offset {offset:g}' for scale, offset in told)


def settle_radiometry(
    captures: Sequence[Described], radiometry: Radiometry
) -> tuple[list[Units], Units | None, list[Doubt]]:
    """Find the units of each capture, and those that all are brought to.

    Args:
        captures: The captures.
        radiometry: ``stored`` reads values as they are, ``physical`` applies scale and offset, ``auto`` brings all to
            the units of the most captures where they differ, and else reads values as they are.

    Returns:
        Units of each capture, units to bring all to (None to leave values as stored), and what was assumed.

    Raises:
        ValueError: If ``radiometry`` is none of these, or ``physical`` where no scale and offset are known.
    """
    if radiometry not in RADIOMETRIES:
        raise ValueError(f'radiometry is {radiometry!r}; choose one of {RADIOMETRIES}.')
    told = [_units(capture) for capture in captures]
    known = [units for units in told if not np.isnan([*units.scales, *units.offsets]).any()]
    bands = len(captures[0].bands)
    usual = Counter(known).most_common(1)[0][0] if known else Units((1.0,) * bands, (0.0,) * bands)
    found = [units if units in known else usual for units in told]
    doubts = _unknown(captures, told, known)
    if radiometry == 'physical' and set(found) == {Units((1.0,) * bands, (0.0,) * bands)}:
        raise ValueError(
            'radiometry is physical, but nothing tells a scale and an offset: no file declares them, and no product '
            'does, or for Sentinel-2 no folder with the processing baseline (keep the SAFE folders).'
        )
    if radiometry == 'physical':
        return found, Units((1.0,) * bands, (0.0,) * bands), doubts
    others = [capture for capture, units in zip(captures, found, strict=True) if units != usual]
    if not others:
        return found, None, doubts
    done = 'are brought to' if radiometry == 'auto' else 'are read as stored, unlike'
    text = f'{len(others)} of {len(captures)} dates {done} {usual}, of the most dates'
    doubts.append(Doubt('radiometry', text, _REMEDY, len(others), others[0].capture.paths[0]))
    return found, usual if radiometry == 'auto' else None, doubts


def _units(capture: Described) -> Units:
    """What the files say, else what the product says; without a product, values are as they are."""
    scales, offsets = [], []
    for band in capture.bands:
        header = capture.headers[band.path]
        scale, offset = header.scales[band.number - 1], header.offsets[band.number - 1]
        if (scale, offset) == (1.0, 0.0) and not np.isnan(capture.capture.scale):
            scale, offset = capture.capture.scale, capture.capture.offset
        scales.append(float(scale))
        offsets.append(float(offset))
    return Units(tuple(scales), tuple(offsets))


def _unknown(captures: Sequence[Described], told: list[Units], known: list[Units]) -> list[Doubt]:
    """Captures whose offset depends on a processing version that their path does not tell."""
    unknown = [capture for capture, units in zip(captures, told, strict=True) if units not in known]
    if not unknown:
        return []
    if len(unknown) == len(captures):
        return _before_baseline(captures)
    text = 'no folder tells the processing baseline, so their offset is taken to be that of the most dates'
    return [Doubt('radiometry', text, 'Keep the SAFE folders.', len(unknown), unknown[0].capture.paths[0])]


def _before_baseline(captures: Sequence[Described]) -> list[Doubt]:
    """Dates of no known processing baseline, some before all values were raised."""
    early = [capture for capture in captures if (capture.capture.time or 0) < _RAISED]
    if not early:
        return []
    text = 'no folder tells the processing baseline; since 25 January 2022 values lie 1000 higher than before'
    return [Doubt('radiometry', text, 'Keep the SAFE folders.', len(early), early[0].capture.paths[0])]


def compare_types(captures: Sequence[Described]) -> list[Doubt]:
    """Dates whose pixels are of another type than most."""
    types = Counter(capture.dtype(capture.bands[0]) for capture in captures)
    if len(types) == 1:
        return []
    usual = types.most_common(1)[0][0]
    others = [capture for capture in captures if capture.dtype(capture.bands[0]) != usual]
    text = f'dates are of {" and ".join(types)}, so their values may not compare'
    return [Doubt('radiometry', text, 'Index them apart, or convert them.', len(others), others[0].capture.paths[0])]
