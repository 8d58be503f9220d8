"""What the two VTS data sets share: their arguments, their textures and their images."""

from collections.abc import Callable
from typing import ClassVar, Literal

from matplotlib.colors import ListedColormap
from torchgeo.datasets import DatasetNotFoundError, NonGeoDataset
from torchgeo.datasets.utils import Path, Sample

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


class VTS(NonGeoDataset):
    """Base class of the Voronoi-cell texture segmentation data sets.

    An image is a pure function of (seed, split, index): nothing is stored, and any process makes the same.
    """

    all_bands = ('R', 'G', 'B')
    rgb_bands = ('R', 'G', 'B')
    cmap = ListedColormap(['#0072B2', '#E69F00', '#CC79A7'])  # Okabe and Ito's, told apart by colour-blind eyes
    counts: ClassVar[dict[str, int]] = {'train': 6000, 'val': 3600, 'test': 2400}

    _stream: ClassVar[int]
    """Sets the images of a subclass apart from those of another."""

    def __init__(
        self,
        root: Path | None,
        *,
        split: Split,
        transforms: Callable[[Sample], Sample] | None,
        download: bool,
        size_px: int,
        cells: int,
        count: int | None,
        categories: tuple[str, ...],
        seed: int,
        split_seed: int,
    ) -> None:
        """Check the arguments once, where they enter, and open the textures."""
        _check_arguments(split=split, size_px=size_px, cells=cells, seed=seed, split_seed=split_seed)
        self.root = root
        self.split = split
        self.transforms = transforms
        self.download = download
        self.size_px = size_px
        self.cells = cells
        self.count = self.counts[split] if count is None else count
        self.categories = categories
        self.seed = seed
        self.split_seed = split_seed
        if self.count < 1:
            raise ValueError(f'count is {count}; a split needs at least one image.')
        if len(set(categories)) < len(categories):
            raise ValueError(f'The texture categories {categories} repeat one; classes and noise need one each.')
        textures = TextureSplit.of(self._open_textures(), categories=categories, split=split, seed=split_seed)
        stream = (seed, SPLITS.index(split), self._stream)
        self.mosaics = Mosaics(textures, stream=stream, size_px=size_px, cells=cells)

    def __len__(self) -> int:
        """Number of images."""
        return self.count

    def _open_textures(self) -> TextureSource:
        if self.root is None:
            if self.download:
                raise ValueError('download=True needs `root`, the folder to download the Describable Textures into.')
            return ProceduralTextures(side_px=self.size_px * 3 // 2)
        folder = find_images_folder(self.root)
        if folder is None and self.download:
            download_dtd(self.root)
            folder = find_images_folder(self.root)
        if folder is None:
            raise DatasetNotFoundError(self)
        return FolderTextures(folder, categories=self.categories, min_side_px=self.size_px)


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
    if size_px < 2:
        raise ValueError(f'size_px is {size_px}; an image needs at least 2 pixels a side.')
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
