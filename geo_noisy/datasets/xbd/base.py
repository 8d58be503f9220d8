"""What pair and segmentation data sets of xBD share: the index of a split, and the pixels of its tiles."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
from torchgeo.datasets import DatasetNotFoundError, NonGeoDataset
from torchgeo.datasets.utils import Path as PathLike
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.xbd.files import FOLDERS, Problem, XBDDataError, refuse_nearby, subset_places
from geo_noisy.datasets.xbd.index import IndexRequest, load_index
from geo_noisy.datasets.xbd.masks import XBDLabels
from geo_noisy.datasets.xbd.schema import SIDE_PX
from geo_noisy.datasets.xbd.splits import SPLITS, XBDSplit, assign_splits, unstratified
from geo_noisy.datasets.xbd.tiles import TileReader, TileSource
from geo_noisy.errors import check_kind
from geo_noisy.home_paths import with_home

Split = Literal['train', 'val', 'test', 'hold']
OnError = Literal['refuse', 'drop']

_FILE_COLUMNS = ['image', 'tile', 'path_pre', 'path_post', 'label_pre', 'label_post', 'fingerprint']


class XBDTiles(NonGeoDataset):
    """Tiles of xBD; not used itself, but as :class:`XBDPairs` and :class:`XBDSegmentation`.

    Attributes:
        index: One row a tile of the split, ``location`` being its number.
    """

    def __init__(
        self,
        root: PathLike | Sequence[PathLike] = 'data',
        *,
        split: Split = 'train',
        tile_px: int = 512,
        labels: XBDLabels | None = None,
        splits: XBDSplit | None = None,
        folders: Sequence[str] = ('train', 'tier3'),
        on_error: OnError = 'refuse',
        cache_dir: PathLike | None = None,
        tile_cache: PathLike | None = None,
        max_images: int = 8,
        workers: int | None = None,
        progress: bool = True,
        transforms: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Initialise new tiles.

        Args:
            root: Folder that holds ``train``, ``tier3``, ``test`` or ``hold``, or several such folders.
            split: ``train`` and ``val`` share out the folders named by ``folders``; ``test`` and ``hold`` are
                the official sets.
            tile_px: Side of a tile, a divisor of 1024; tiles do not overlap.
            labels: How labels become masks.
            splits: How tiles are shared out over ``train`` and ``val``; the paper's split by default.
            folders: Folders that are shared out.
            on_error: ``refuse`` bad files, or ``drop`` the image pairs that have any and warn with their number.
            cache_dir: Where the index is kept; ``~/.cache/geo-noisy/xbd`` by default.
            tile_cache: Keep decoded tiles in this folder (8 MiB an image pair); by default nothing is written.
            max_images: Images (of one date) that each worker keeps decoded in memory, 4 MiB each.
            workers: Threads that read the labels for the index.
            progress: Show a progress bar while the index is built.
            transforms: Changes a sample before it is returned.

        Raises:
            DatasetNotFoundError: If none of the published folders is there.
            FileNotFoundError: If a folder that was asked for is not.
            XBDDataError: If files are bad (all are named at once), unless they are left out.
        """
        _check(split=split, tile_px=tile_px, folders=folders, on_error=on_error, max_images=max_images)
        self.root = root
        self.split = split
        self.tile_px = tile_px
        self.labels = labels or XBDLabels()
        self.splits = splits or XBDSplit()
        check_kind(self.labels, XBDLabels, 'labels')
        check_kind(self.splits, XBDSplit, 'splits')
        self.transforms = transforms
        roots = (root,) if isinstance(root, str | Path) or not isinstance(root, Sequence) else tuple(root)
        wanted = tuple(folders) if split in ('train', 'val') else (split,)
        request = IndexRequest(tuple(Path(with_home(str(place))) for place in roots), wanted, tile_px, self.labels)
        if not any(subset_places(place, folder) for place in request.roots for folder in FOLDERS):
            refuse_nearby(request.roots)
            raise DatasetNotFoundError(self)
        cache = Path(cache_dir) if cache_dir is not None else None
        tiles = load_index(request, on_error=on_error, cache_dir=cache, workers=workers, progress=progress)
        if tiles.empty:
            raise DatasetNotFoundError(self)
        self.index = self._select(tiles, on_error)
        self._files = self.index[_FILE_COLUMNS].to_numpy(dtype=object)
        self._reader = TileReader(
            tile_px=tile_px,
            labels=self.labels,
            cache_dir=Path(tile_cache) if tile_cache is not None else None,
            max_images=max_images,
        )

    def __len__(self) -> int:
        """Number of tiles."""
        return len(self.index)

    def _select(self, tiles: gpd.GeoDataFrame, on_error: OnError) -> gpd.GeoDataFrame:
        """The rows of this split, numbered by ``location``."""
        if self.split in ('train', 'val'):
            tiles = _without_small_disasters(tiles, self.splits, on_error)
        tiles = tiles.assign(split=assign_splits(tiles, self.splits))
        tiles = tiles[tiles['split'] == self.split].reset_index(drop=True)
        tiles.insert(0, 'location', np.arange(len(tiles)))
        return tiles

    def _source(self, row: int) -> TileSource:
        image, tile, image_pre, image_post, label_pre, label_post, stamp = self._files[row]
        return TileSource(image, int(tile), (image_pre, image_post), (label_pre, label_post), stamp)


def _without_small_disasters(tiles: gpd.GeoDataFrame, splits: XBDSplit, on_error: OnError) -> gpd.GeoDataFrame:
    """Refuse or leave out disasters that are too small to be on both sides of the split."""
    small = unstratified(tiles, splits)
    if not small:
        return tiles
    reason = f'too few {splits.by}s to be both in training and in validation: take them out of the folder, or use more'
    if on_error == 'refuse':
        raise XBDDataError([Problem(name, f'the disaster has {reason}', f'all of {name}') for name in small])
    kept = tiles[~tiles['disaster'].isin(small)]
    count = tiles['image'].nunique() - kept['image'].nunique()
    warnings.warn(
        f'Left out {count} image pairs of {len(small)} disasters ({", ".join(small)}): {reason}', stacklevel=5
    )
    return kept


def _check(*, split: str, tile_px: int, folders: Sequence[str], on_error: str, max_images: int) -> None:
    if split not in SPLITS:
        raise ValueError(f'split is {split!r}; choose one of {SPLITS}.')
    if tile_px < 1 or SIDE_PX % tile_px:
        raise ValueError(f'tile_px is {tile_px}; it must divide {SIDE_PX}, such as 256, 512 or 1024.')
    if isinstance(folders, str) or not folders or not set(folders) <= set(FOLDERS):
        raise ValueError(f'folders is {folders!r}; give some of {FOLDERS}.')
    if on_error not in ('refuse', 'drop'):
        raise ValueError(f"on_error is {on_error!r}; choose 'refuse' or 'drop'.")
    if max_images < 1:
        raise ValueError(f'max_images is {max_images}; at least one image must be kept.')
