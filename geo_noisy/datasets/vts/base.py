"""What the two VTS data sets share: their arguments, their textures and their images."""

from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray
from torch import Tensor
from torchgeo.datasets import DatasetNotFoundError, NonGeoDataset
from torchgeo.datasets.utils import Path, Sample

from geo_noisy.datasets.shared_memory import stack_in_shared_memory
from geo_noisy.datasets.vts.mosaic import Mosaics, TextureSplit
from geo_noisy.datasets.vts.textures import (
    SPLITS,
    FolderTextures,
    ProceduralTextures,
    TextureSource,
    download_dtd,
    find_images_folder,
)

Split = Literal['train', 'val', 'test']

_EMBEDDED = ('layered', 'veined', 'matted')
_DTD = ('stratified', 'veined', 'matted')  # paper, section IV-B

_FULL_SIZE_PX = 256  # images of the paper's size show textures as they are

LARGEST_SIDE_PX = 8192  # an image is made in memory, at once


class VTS(NonGeoDataset):
    """Base class of the Voronoi-cell texture segmentation data sets.

    An image is a pure function of (seed, split, index): nothing is stored, and any process makes the same.
    """

    all_bands = ('R', 'G', 'B')
    rgb_bands = ('R', 'G', 'B')
    cmap = ListedColormap(['#0072B2', '#E69F00', '#CC79A7'])  # Okabe and Ito's, told apart by colour-blind eyes
    counts: ClassVar[dict[str, int]] = {'train': 6000, 'val': 3600, 'test': 2400}

    title: ClassVar[str]
    """Name on progress bars."""
    kinds = 3
    """Texture categories in use: two classes, and the noise."""
    _stream: ClassVar[int]
    """Sets the images of a subclass apart from those of another."""

    def __init__(
        self,
        root: Path | None = None,
        *,
        split: Split = 'train',
        transforms: Callable[[Sample], Sample] | None = None,
        download: bool = False,
        size_px: int = 256,
        cells: int = 20,
        count: int | None = None,
        categories: tuple[str, str] | None = None,
        noise_category: str | None = None,
        seed: int = 0,
        split_seed: int = 0,
        shrink_textures: bool = False,
        texture_colors: bool = False,
        in_memory: bool = False,
    ) -> None:
        """Initialise a new data set of Voronoi textures.

        Args:
            root: Folder with ``images/<category>/*.jpg`` (the layout of DTD); None takes embedded textures.
            split: One of 'train', 'val' or 'test'; no texture image is in two of them.
            transforms: Takes a sample and returns a transformed one.
            download: Whether to download DTD into ``root`` where it is not there.
            size_px: Height and width of the images.
            cells: Voronoi cells of an image, even.
            count: Images in this split; 6000, 3600 or 2400 by default, as in the paper.
            categories: Textures of class 0 and 1; ('layered', 'veined') embedded, ('stratified', 'veined')
                with a root.
            noise_category: Texture of the noise; 'matted' by default.
            seed: Seed of the images.
            split_seed: Seed of the split of the texture images. Data sets that are used together need the
                same one, or texture images of one's test split are in another's training split.
            shrink_textures: Whether to shrink the pictures of ``root`` with the images, in the paper's proportion: to
                ``size_px`` / 256 of their side, so to a quarter at 64 px. Otherwise a small image is a crop of a small
                part of a texture (a sixth of the side of DTD's at 64 px), often of one colour.
            texture_colors: Whether each embedded texture image has colours of its own. Networks then learn the images
                by heart: only views that take colours away help (``VTSViews(color='free')``). Otherwise all are grey,
                and only structure tells them apart. Pictures of ``root`` keep their colours.
            in_memory: Whether to make all images at the start, into memory that data loader workers share.

        Raises:
            DatasetNotFoundError: If there are no textures in *root* and *download* is False.
            ValueError: If an argument is out of its range, or a texture category or image is unfit.
        """
        _check_arguments(split=split, size_px=size_px, cells=cells, seed=seed, split_seed=split_seed)
        self.root = root
        self.split = split
        self.transforms = transforms
        self.download = download
        self.shrink_textures = shrink_textures
        self.texture_colors = texture_colors
        self.size_px = size_px
        self.cells = cells
        self.count = self.counts[split] if count is None else count
        self.categories = choose_categories(root, categories, noise_category)[: self.kinds]
        self.seed = seed
        self.split_seed = split_seed
        if self.count < 1:
            raise ValueError(f'count is {count}; a split needs at least one image.')
        if len(set(self.categories)) < len(self.categories):
            raise ValueError(f'The texture categories {self.categories} repeat one; classes and noise need one each.')
        textures = TextureSplit.of(self._open_textures(), categories=self.categories, split=split, seed=split_seed)
        stream = (seed, SPLITS.index(split), self._stream)
        self.mosaics = Mosaics(textures, stream=stream, size_px=size_px, cells=cells)
        self._rows = (
            stack_in_shared_memory(self._make, count=len(self), description=f'{self.title}, {split}')
            if in_memory
            else None
        )

    def __len__(self) -> int:
        """Number of images."""
        return self.count

    @abstractmethod
    def _make(self, number: int) -> tuple[NDArray, ...]:
        """Make the arrays of one image, the same shapes and types for every number."""

    def _row(self, number: int) -> tuple[Tensor, ...]:
        """The arrays of one image, made now or at the start."""
        if self._rows is not None:
            return tuple(stack[number] for stack in self._rows)
        return tuple(torch.from_numpy(array) for array in self._make(number))

    def _open_textures(self) -> TextureSource:
        if self.root is None:
            if self.shrink_textures:
                raise ValueError(
                    'shrink_textures=True shrinks the pictures of `root`, and there is none. Give `root`, or '
                    'leave shrink_textures out.'
                )
            if self.download:
                raise ValueError('download=True needs `root`, the folder to download the Describable Textures into.')
            return ProceduralTextures(side_px=self.size_px * 3 // 2, colors=self.texture_colors)
        if self.texture_colors:
            raise ValueError(
                'texture_colors=True is for the embedded textures; the pictures of `root` keep their colours anyway. '
                'Leave texture_colors out.'
            )
        folder = find_images_folder(self.root)
        if folder is None and self.download:
            download_dtd(self.root)
            folder = find_images_folder(self.root)
        if folder is None:
            raise DatasetNotFoundError(self)
        shrink = min(1.0, self.size_px / _FULL_SIZE_PX) if self.shrink_textures else 1.0
        return FolderTextures(folder, categories=self.categories, min_side_px=self.size_px, shrink=shrink)


def choose_categories(
    root: Path | None, categories: tuple[str, str] | None, noise_category: str | None
) -> tuple[str, str, str]:
    """Categories of class 0, class 1 and noise: as asked, or the embedded ones, or with a root the paper's."""
    default = _EMBEDDED if root is None else _DTD
    first, second = default[:2] if categories is None else categories
    return first, second, default[2] if noise_category is None else noise_category


def check_rate(name: str, value: float) -> None:
    """Check that a rate lies in [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f'{name} is {value}; it is a share and must lie in [0, 1].')


def _check_arguments(*, split: str, size_px: int, cells: int, seed: int, split_seed: int) -> None:
    if split not in SPLITS:
        raise ValueError(f'split is {split!r}; choose one of {SPLITS}.')
    if not 2 <= size_px <= LARGEST_SIDE_PX:
        raise ValueError(f'size_px is {size_px}; an image has from 2 to {LARGEST_SIDE_PX:,} pixels a side.')
    if cells < 2 or cells % 2:
        raise ValueError(
            f'cells is {cells}; the cells are split evenly between two classes. Use an even number, '
            f'such as {max(2, cells + 1)}.'
        )
    if cells > size_px**2:
        raise ValueError(f'cells is {cells}, more than the {size_px**2} pixels of an image. Lower it or raise size_px.')
    for name, value in (('seed', seed), ('split_seed', split_seed)):
        if value < 0:
            raise ValueError(f'{name} is {value}; use 0 or more.')
