"""From building polygons to pixels: rasters of damage codes, and classes from codes."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datasets.xbd.labels import DAMAGED, UNCLASSIFIED, Label
from geo_noisy.datasets.xbd.pixels import without_place
from geo_noisy.datasets.xbd.schema import SIDE_PX

UNCLASSIFIED_AS = ('ignore', 'no-damage')
OVERLAPS = ('worst', 'file')


@dataclass(frozen=True)
class XBDLabels:
    """How labels become masks.

    Attributes:
        unclassified: What buildings of unknown damage count as: ``ignore`` (255 in masks), or ``no-damage`` as the
            official script and the xView2 winner draw them. They are never damage for the noise flag.
        overlap: Which building a pixel belongs to where several overlap: ``worst`` is the one with the most damage
            (un-classified, none, minor, major, destroyed, in rising order), ``file`` the last in the file, as
            the official script draws them.
        repair: Mend polygons that cross themselves or the image's edge, leave out empty ones, keep the worst damage of
            duplicated ones, and take buildings that only the pre-disaster label knows as un-classified (the noise
            of their tiles is unknown); otherwise they are bad input.
    """

    unclassified: Literal['ignore', 'no-damage'] = 'ignore'
    overlap: Literal['worst', 'file'] = 'worst'
    repair: bool = False

    def __post_init__(self) -> None:
        """Check the arguments once, where they enter."""
        for name, allowed in (('unclassified', UNCLASSIFIED_AS), ('overlap', OVERLAPS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f'XBDLabels.{name} is {getattr(self, name)!r}; choose one of {allowed}.')


def draw_codes(label: Label, *, overlap: Literal['worst', 'file'] = 'worst') -> NDArray[np.uint8]:
    """Draw the buildings of an image; a pixel belongs to a building that covers its centre.

    Args:
        label: The polygons, in pixels.
        overlap: Which building wins where several overlap (see :class:`XBDLabels`).

    Returns:
        0 background, 1 no damage, 2 minor, 3 major, 4 destroyed, 5 un-classified; shape [1024, 1024], uint8.
    """
    if not len(label):
        return np.zeros((SIDE_PX, SIDE_PX), dtype=np.uint8)
    severity = label.codes % UNCLASSIFIED  # un-classified comes first, and is drawn over by any known damage
    order = np.argsort(severity, kind='stable') if overlap == 'worst' else np.arange(len(label))
    shapes = [(label.polygons[row], int(label.codes[row])) for row in order]
    with without_place():
        return np.asarray(rasterize(shapes, out_shape=(SIDE_PX, SIDE_PX), fill=0, dtype='uint8'))


def class_mask(codes: NDArray[np.uint8], *, labels: XBDLabels, binary: bool) -> NDArray[np.uint8]:
    """Class of each pixel.

    Args:
        codes: Any shape, 0 to 5 as :func:`draw_codes` gives them.
        labels: What un-classified buildings count as.
        binary: Background against building, in place of the five classes.

    Returns:
        Classes of the same shape, uint8; 255 is ignored. It may be ``codes`` itself.
    """
    mask = (codes != 0).view(np.uint8) if binary else codes
    unclassified = codes == UNCLASSIFIED
    if not unclassified.any():  # most tiles; a look-up table would take ten times as long
        return mask
    return np.where(unclassified, np.uint8(IGNORE_INDEX if labels.unclassified == 'ignore' else 1), mask)


def damage_between(pre: NDArray[np.uint8], post: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the disaster changed, as the noise of a tile counts it: damage, where the pre tile holds none.

    Args:
        pre: Codes of the tile before the disaster, [H, W].
        post: Codes after it, [H, W].

    Returns:
        1 damaged, 0 not, 255 unknown (un-classified buildings, whatever they count as in masks), [H, W] uint8.
    """
    if np.isin(pre, DAMAGED).any():
        return np.zeros_like(post)
    return np.where(post == UNCLASSIFIED, np.uint8(IGNORE_INDEX), np.isin(post, DAMAGED).view(np.uint8))


def tile_counts(codes: NDArray[np.uint8], tile_px: int) -> NDArray[np.int64]:
    """Count the pixels of each code in each tile.

    Args:
        codes: Shape [1024, 1024].
        tile_px: Side of a tile.

    Returns:
        Shape [tiles, 6]; tiles run row by row.
    """
    side = SIDE_PX // tile_px
    tiles = codes.reshape(side, tile_px, side, tile_px).swapaxes(1, 2).reshape(side * side, -1)
    return np.stack([np.bincount(tile, minlength=UNCLASSIFIED + 1) for tile in tiles])
