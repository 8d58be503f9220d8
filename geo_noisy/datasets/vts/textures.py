"""Where the textures of VTS come from: a folder of JPEGs, or drawn from a seed."""

import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from PIL import Image

from geo_noisy.datasets.vts.procedural import FAMILIES, WAVELENGTH_PX, draw_texture
from geo_noisy.errors import InputError

Picture = NDArray[np.uint8]

SPLITS = ('train', 'val', 'test')
LARGEST_PX = 64_000_000  # of a picture: 192 MB when decoded
MIN_PICTURES = 3  # one for each split


class TextureSource(Protocol):
    """Numbered texture images, by category."""

    def count(self, category: str) -> int:
        """Number of images of a category."""
        ...

    def picture(self, category: str, number: int) -> Picture:
        """An image, shape [3, H, W]; not to be written to."""
        ...


class PictureCache:
    """Keeps pictures up to a number of bytes; those not used for longest go first."""

    def __init__(self, *, max_bytes: int) -> None:
        """Initialise an empty PictureCache.

        Args:
            max_bytes: Memory that the kept pictures may take together.
        """
        self._pictures: LRUCache[Hashable, Picture] = LRUCache(max_bytes, getsizeof=lambda picture: picture.nbytes)

    @property
    def bytes(self) -> int:
        """Memory that the kept pictures take."""
        return int(self._pictures.currsize)

    def get(self, key: Hashable, make: Callable[[], Picture]) -> Picture:
        """The picture kept under a key, made when it is not there."""
        if key in self._pictures:
            return self._pictures[key]
        picture = make()
        picture.flags.writeable = False
        if picture.nbytes <= self._pictures.maxsize:
            self._pictures[key] = picture
        return picture


# One for each process, shared by its data sets: DTD's three categories take about 200 MB when decoded.
_PICTURES = PictureCache(max_bytes=512 * 2**20)


class ProceduralTextures:
    """The embedded textures: families that differ in structure, never in colour.

    An image is a function of (seed, category, number, side) and of the options: nothing is stored, and each process
    draws what it needs once.
    """

    def __init__(
        self,
        *,
        side_px: int,
        pictures: int = 120,
        seed: int = 0,
        wavelength_px: tuple[float, float] = WAVELENGTH_PX,
        colors: bool = False,
    ) -> None:
        """Initialise a new ProceduralTextures source.

        Args:
            side_px: Height and width of each image.
            pictures: Images of each category, as many as in DTD by default.
            seed: Seed of all images.
            wavelength_px: Range of the wavelengths of their structures.
            colors: Whether each image has colours of its own, instead of the grey that all share.
        """
        self.side_px = side_px
        self.pictures = pictures
        self.seed = seed
        self.wavelength_px = wavelength_px
        self.colors = colors

    def count(self, category: str) -> int:
        """Number of images of a category.

        Raises:
            ValueError: If there is no such category.
        """
        if category not in FAMILIES:
            raise ValueError(
                f'There is no embedded texture category {category!r}; choose from {tuple(FAMILIES)}, '
                'or give `root`, a folder with images/<category>/*.jpg.'
            )
        return self.pictures

    def picture(self, category: str, number: int) -> Picture:
        """An image, shape [3, side_px, side_px]."""
        key = (self.seed, tuple(FAMILIES).index(category), number, self.side_px)
        return _PICTURES.get(
            (*key, *self.wavelength_px, self.colors),
            lambda: draw_texture(
                np.random.default_rng(np.random.SeedSequence(key)),
                family=category,
                side_px=self.side_px,
                wavelength_px=self.wavelength_px,
                colors=self.colors,
            ),
        )


class FolderTextures:
    """Texture images in ``<folder>/<category>/*.jpg``, the layout of the Describable Textures Dataset (DTD).

    If you use DTD in your research, please cite https://doi.org/10.1109/CVPR.2014.461.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        categories: Sequence[str],
        min_side_px: int = 1,
        shrink: float = 1.0,
    ) -> None:
        """Initialise a new FolderTextures source; only the headers of the images are read.

        Args:
            folder: Folder with a folder of JPEGs for each category.
            categories: Categories that will be used.
            min_side_px: Smallest height and width an image may have, once shrunk: the size of the crops.
            shrink: Side of the images as a share of that of their files, in (0, 1].

        Raises:
            ValueError: If a category is missing or has too few images, or an image is too small or no image.
        """
        self.folder, self.shrink = Path(folder), shrink
        self._files = {category: _list_category(self.folder, category) for category in categories}
        for files in self._files.values():
            for file in files:
                _check_side(file, min_side_px, shrink)

    def count(self, category: str) -> int:
        """Number of images of a category."""
        return len(self._files[category])

    def picture(self, category: str, number: int) -> Picture:
        """An image, shape [3, H, W].

        Raises:
            ValueError: If the file cannot be decoded.
        """
        file = self._files[category][number]
        return _PICTURES.get((file, self.shrink), lambda: _decode(file, self.shrink))


def find_images_folder(root: str | os.PathLike[str]) -> Path | None:
    """The folder of categories under a root: ``images``, or where torchvision's DTD puts it."""
    candidates = (Path(root, 'images'), Path(root, 'dtd', 'dtd', 'images'))
    return next((folder for folder in candidates if folder.is_dir()), None)


def download_dtd(root: str | os.PathLike[str]) -> None:
    """Download the Describable Textures Dataset into a root (600 MB), by torchvision."""
    from torchvision.datasets import DTD  # here, as most users never download

    DTD(root, download=True)


def split_pictures(count: int, *, split: str, seed: int) -> NDArray[np.int64]:
    """Numbers of the texture images of a split: .5/.3/.2 of a seeded permutation, at least one in each.

    Args:
        count: Number of images of the category, at least 3.
        split: One of 'train', 'val' or 'test'.
        seed: Seed of the permutation.
    """
    val, test = round(0.3 * count), round(0.2 * count)  # from 3 images on, each is at least 1
    train = count - val - test
    order = np.random.default_rng(np.random.SeedSequence([seed, count])).permutation(count)
    return np.split(order, [train, train + val])[SPLITS.index(split)]


def _list_category(folder: Path, category: str) -> list[Path]:
    """Files of a category, in the order of their names."""
    place = folder / category
    if not place.is_dir():
        there = sorted(path.name for path in folder.iterdir() if path.is_dir())
        raise InputError(f'There is no texture category {category!r} in {folder}; the categories there are {there}.')
    files = sorted(path for path in place.glob('[!.]*') if path.suffix.lower() in ('.jpg', '.jpeg'))
    if len(files) < MIN_PICTURES:
        raise InputError(
            f'Texture category {category!r} has {len(files)} JPEG images in {place}; at least {MIN_PICTURES} are '
            'needed, one for each of train, val and test. Add images or choose another category.'
        )
    return files


def _check_side(file: Path, min_side_px: int, shrink: float) -> None:
    if not file.is_file():
        raise InputError(f'Texture image {file} is a folder, pipe or broken link; take it out of the folder.')
    with _opened(file) as picture:
        width, height = picture.size
    if width * height > LARGEST_PX:
        raise InputError(
            f'Texture image {file} has {width} x {height} pixels, more than the {LARGEST_PX:,} that are decoded at '
            'once. Make it smaller, or take it out of the folder.'
        )
    if min(_shrunk((width, height), shrink)) < min_side_px:
        shrunk = '' if shrink == 1 else f' when shrunk to {shrink:g} of its side'
        remedy = 'Lower `size_px`' if shrink == 1 else 'Leave `shrink_textures` out'
        raise InputError(
            f'Texture image {file} has {width} x {height} pixels (width x height), too few for a crop of '
            f'{min_side_px} x {min_side_px}{shrunk}. {remedy}, enlarge the image or take it out of the folder.'
        )


def _shrunk(sides_px: tuple[int, int], shrink: float) -> tuple[int, int]:
    width, height = sides_px
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def _decode(file: Path, shrink: float) -> Picture:
    with _opened(file) as picture:
        colours = picture.convert('RGB')
        if shrink < 1:
            colours = colours.resize(_shrunk(colours.size, shrink), Image.Resampling.BOX)  # means: no false patterns
        pixels = np.asarray(colours)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """A picture, of no other format than JPEG: some start other programs."""
    try:
        with Image.open(file, formats=('JPEG',)) as picture:
            yield picture
    except (OSError, Image.DecompressionBombError) as error:
        raise InputError(
            f'Texture image {file} cannot be read: {error}. Copy or download it again, or take it out of the folder.'
        ) from error
