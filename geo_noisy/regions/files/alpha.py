"""A band flagged as alpha: the fourth of NAIP and of anything that GDAL wrote by default is data, others are masks."""

from collections.abc import Sequence
from typing import Literal

from geo_noisy.regions.files.described import Described
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.files.products import MaskCodes
from geo_noisy.regions.files.samples import Sample, evenly, sample_layers

Alpha = Literal['auto', 'data', 'mask']
ALPHAS: tuple[Alpha, ...] = ('auto', 'data', 'mask')
ALPHA_MASK = MaskCodes('alpha', nodata=(0,))
_REMEDY = '--alpha data or --alpha mask settles it.'
_SHAPES = (2, 4)  # bands of grey and of colours with a mask


def settle_alpha(captures: Sequence[Described], alpha: Alpha) -> tuple[list[Described], str, list[Doubt]]:
    """Take bands flagged as alpha for data or for masks, in all captures alike.

    Args:
        captures: The captures.
        alpha: ``data``, ``mask``, or ``auto``: masks where most of what lies above 0 is 255.

    Returns:
        The captures, what was decided (empty where there is nothing to decide), and what was assumed.

    Raises:
        ValueError: If ``alpha`` is none of these, or stated where no file has such a band.
    """
    if alpha not in ALPHAS:
        raise ValueError(f'alpha is {alpha!r}; choose one of {ALPHAS}.')
    flagged = [capture for capture in captures if capture.flagged]
    if alpha == 'mask':
        return _masked(captures)
    if not flagged:
        doubts = _unflagged(captures)
        if alpha == 'data' and not doubts:
            raise ValueError(
                'alpha is data, but no file has a band flagged as alpha, or a last band of 0 and 255 alone.'
            )
        return list(captures), '', doubts if alpha == 'auto' else []
    if alpha == 'data' or all(capture.capture.alpha == 'data' for capture in flagged):
        return list(captures), 'data', []
    samples = [_sample(capture, capture.flagged) for capture in evenly(flagged)]
    number, example = flagged[0].flagged, flagged[0].capture.paths[0]
    if all(sample is not None and sample.looks_like_feathered_mask(1) for sample in samples):
        sharp = all(sample is not None and sample.looks_like_mask(1) for sample in samples)
        held = '0 and 255 alone' if sharp else '0, 255 and soft edges between them, which count as data,'
        text = f'band {number}, flagged as alpha, holds {held} and is taken for a mask'
        return [_with_mask(capture) for capture in captures], 'mask', [
            Doubt('alpha', text, _REMEDY, len(flagged), example)
        ]  # fmt: skip
    text = f'band {number}, flagged as alpha, holds other values than 0 and 255 and is taken for data'
    return list(captures), 'data', [Doubt('alpha', text, _REMEDY, len(flagged), example)]


def _with_mask(capture: Described) -> Described:
    return capture.with_alpha_as_mask(capture.flagged) if capture.flagged else capture


def _masked(captures: Sequence[Described]) -> tuple[list[Described], str, list[Doubt]]:
    """Take flagged bands for masks, and last bands that look like one."""
    found = []
    for capture in captures:
        last = _unflagged_mask(capture)
        number = capture.flagged or last
        found.append(capture.with_alpha_as_mask(number) if number else capture)
    if all(capture.bands == before.bands for capture, before in zip(found, captures, strict=True)):
        raise ValueError('alpha is mask, but no file has a band flagged as alpha, or a last band of 0 and 255 alone.')
    return found, 'mask', []


def _unflagged(captures: Sequence[Described]) -> list[Doubt]:
    suspects = [capture for capture in evenly(captures) if _unflagged_mask(capture)]
    if not suspects:
        return []
    text = f'band {len(suspects[0].bands)} holds 0 and 255 alone, as masks do, and is taken for data'
    return [Doubt('alpha', text, '--alpha mask takes it for a mask, --alpha data for data.', len(suspects),
                  suspects[0].capture.paths[0])]  # fmt: skip


def _unflagged_mask(capture: Described) -> int:
    """The last band of a file of bytes where it looks like a mask; 0 otherwise."""
    count = len(capture.bands)
    one_file = len(capture.capture.paths) == 1 and not capture.capture.bands and not capture.flagged
    bytes_only = all(capture.dtype(band) == 'uint8' for band in capture.bands)
    return count if one_file and count in _SHAPES and bytes_only and _looks_like_mask(capture, count) else 0


def _looks_like_mask(capture: Described, number: int) -> bool:
    sample = _sample(capture, number)
    return sample is not None and sample.looks_like_mask(1)


def _sample(capture: Described, number: int) -> Sample | None:
    """Some pixels of a band; None where it cannot be read."""
    return sample_layers([next(band for band in capture.bands if band.number == number)])
