"""Procedural textures: three families that differ in structure and share one distribution of colours."""

from collections.abc import Callable

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Field = NDArray[np.float32]

_LEVELS = 1024
_MIN_SIDE_PX = 96  # bends and fibres need room; smaller images are cut out of one of this size
WAVELENGTH_PX = (9.0, 20.0)
"""Range of the wavelength of an image's structures, by default."""

_GREY = np.tile(np.linspace(37, 217, _LEVELS).astype(np.uint8), (3, 1))
"""The ramp of images without colours of their own."""

_GRAIN = 0.15  # share of pixel noise in a field, the same in every family
_FIBRE_DIRECTIONS = 4


def draw_texture(
    rng: np.random.Generator,
    *,
    family: str,
    side_px: int,
    wavelength_px: tuple[float, float] = WAVELENGTH_PX,
    colors: bool = False,
) -> NDArray[np.uint8]:
    """Draw a texture image.

    A family draws a field of structure; its values are then ranked, so that every field has the same flat
    histogram, and shown by a ramp of grey, or of colours drawn for it. So nothing about the colours of an image tells
    its family; colours of its own do tell the image.

    Args:
        rng: Source of everything random.
        family: One of ``FAMILIES``.
        side_px: Height and width in pixels.
        wavelength_px: Range that the wavelength of its structures is drawn from.
        colors: Whether the image has colours of its own, instead of the grey that all share.

    Returns:
        A colour image, shape [3, side_px, side_px].
    """
    own = _random_ramp(rng)  # drawn in any case, so that colours change nothing else
    ramp = own if colors else _GREY
    wavelength = rng.uniform(*wavelength_px)
    field = _standardised(FAMILIES[family](rng, max(side_px, _MIN_SIDE_PX), wavelength)[:side_px, :side_px])
    field += _GRAIN * rng.standard_normal(field.shape, dtype=np.float32)
    levels = _as_levels(field)
    return np.take(ramp[:, _ranks(levels)], levels, axis=1)


def _layered(rng: np.random.Generator, side_px: int, wavelength_px: float) -> Field:
    """Bands of uneven thickness along one direction, gently bent."""
    angle = rng.uniform(0, np.pi)
    bend_px = rng.uniform(0.3, 1) * wavelength_px
    axis = np.arange(side_px, dtype=np.float32)
    across_px = np.add.outer(axis * np.float32(np.sin(angle)), axis * np.float32(np.cos(angle)))
    across_px += np.float32(bend_px) * _smooth_noise(rng, side_px, 6 * wavelength_px)
    steps = (4 * (across_px - across_px.min())).astype(np.int32)  # a quarter of a pixel each
    return np.asarray(_profile(rng, int(steps.max()) + 1, 4 * wavelength_px)[steps])


def _veined(rng: np.random.Generator, side_px: int, wavelength_px: float) -> Field:
    """Thin lines that wander, meet and part on smooth ground."""
    coarse = np.abs(_smooth_noise(rng, side_px, 3 * wavelength_px))
    fine = np.abs(_smooth_noise(rng, side_px, 2 * wavelength_px))
    return -np.sqrt(np.minimum(coarse, np.float32(rng.uniform(1, 2)) * fine))


def _matted(rng: np.random.Generator, side_px: int, wavelength_px: float) -> Field:
    """Short fibres in many directions, on top of each other."""
    spectrum = _white_spectrum(rng, side_px)
    start = rng.uniform(0, np.pi)
    angles = start + np.pi * np.arange(_FIBRE_DIRECTIONS) / _FIBRE_DIRECTIONS
    layers = [_filtered(spectrum * _fibre_filter(side_px, wavelength_px, angle), side_px) for angle in angles]
    return np.asarray(np.maximum.reduce(layers))


FAMILIES: dict[str, Callable[[np.random.Generator, int, float], Field]] = {
    'layered': _layered,
    'veined': _veined,
    'matted': _matted,
}


def _random_ramp(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Colours from the lowest to the highest rank, shape [3, levels]."""
    middle = rng.uniform(80, 175) + rng.uniform(-30, 30, size=(3, 1))
    reach = rng.choice([-1, 1]) * rng.uniform(30, 65) + rng.uniform(-20, 20, size=(3, 1))
    position = np.linspace(0, 1, _LEVELS) ** np.exp(rng.uniform(-0.7, 0.7))
    return np.asarray(np.clip(middle + reach * (2 * position - 1), 0, 255), dtype=np.uint8)


def _as_levels(field: Field) -> NDArray[np.intp]:
    """Cut the range of a field into levels."""
    low, high = field.min(), field.max()
    return ((field - low) * ((_LEVELS - 1) / (high - low))).astype(np.intp)


def _ranks(levels: NDArray[np.intp]) -> NDArray[np.intp]:
    """The table that takes each level to its rank among the pixels, spread over all levels."""
    counts = np.bincount(levels.ravel(), minlength=_LEVELS)
    middle = np.cumsum(counts) - counts / 2
    return (middle * ((_LEVELS - 1) / levels.size)).astype(np.intp)


def _standardised(field: Field) -> Field:
    return (field - field.mean()) / field.std()


def _white_spectrum(rng: np.random.Generator, side_px: int) -> NDArray[np.complex64]:
    return np.asarray(scipy.fft.rfft2(rng.standard_normal((side_px, side_px), dtype=np.float32)))


def _filtered(spectrum: NDArray[np.complex64], side_px: int) -> Field:
    return np.asarray(scipy.fft.irfft2(spectrum, s=(side_px, side_px)))


def _smooth_noise(rng: np.random.Generator, side_px: int, wavelength_px: float) -> Field:
    """Isotropic noise around one wavelength, mean 0 and deviation 1."""
    rows, columns = _frequencies(side_px)
    return _standardised(
        _filtered(_white_spectrum(rng, side_px) * _band(wavelength_px, np.hypot(rows, columns)), side_px)
    )


def _profile(rng: np.random.Generator, length: int, wavelength: float) -> Field:
    """Noise along a line around one wavelength (in steps)."""
    spectrum = scipy.fft.rfft(rng.standard_normal(length, dtype=np.float32))
    band = _band(wavelength, scipy.fft.rfftfreq(length).astype(np.float32))
    return np.asarray(scipy.fft.irfft(spectrum * band, n=length))


def _fibre_filter(side_px: int, wavelength_px: float, angle: float) -> Field:
    """Passes stripes of half the wavelength across one direction that run for twice it along."""
    rows, columns = _frequencies(side_px)
    along = rows * np.float32(np.cos(angle)) - columns * np.float32(np.sin(angle))
    across = rows * np.float32(np.sin(angle)) + columns * np.float32(np.cos(angle))
    off_band = np.abs(across) * np.float32(wavelength_px) - 1
    return np.exp(-4 * (off_band * off_band + along * along * np.float32(wavelength_px**2)))


def _band(wavelength: float, frequency: Field) -> Field:
    """A pass band around a wavelength, narrow enough for its lines to have one width."""
    off_band = frequency * np.float32(wavelength) - 1
    return np.exp(-4 * (off_band * off_band))


def _frequencies(side_px: int) -> tuple[Field, Field]:
    """Cycles per pixel of the rows [side, 1] and columns [1, side // 2 + 1] of a spectrum."""
    rows = scipy.fft.fftfreq(side_px).astype(np.float32)[:, None]
    columns = scipy.fft.rfftfreq(side_px).astype(np.float32)[None, :]
    return rows, columns
