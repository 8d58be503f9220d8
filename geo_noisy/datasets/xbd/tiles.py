"""Pixels of xBD tiles: images decoded once for the tiles drawn near each other, or tiles kept decoded on disk."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from geo_noisy.datasets.xbd.labels import read_label, with_lost_buildings
from geo_noisy.datasets.xbd.masks import XBDLabels, draw_codes
from geo_noisy.datasets.xbd.pixels import decode_image
from geo_noisy.datasets.xbd.schema import SIDE_PX
from geo_noisy.whole_file import whole_file

_LAYOUT_VERSION = 2


@dataclass(frozen=True)
class TileSource:
    """Where the pixels of a tile come from.

    Attributes:
        image: Name of the image pair.
        tile: Number of the tile, row by row.
        images: Paths of the pre and the post image.
        labels: Paths of the pre and the post label.
        fingerprint: A text that changes when one of these files changes.
    """

    image: str
    tile: int
    images: tuple[str, str]
    labels: tuple[str, str]
    fingerprint: str


class TileReader:
    """Reads tiles; each worker process has one of its own, with the images it decoded last."""

    def __init__(self, *, tile_px: int, labels: XBDLabels, cache_dir: Path | None = None, max_images: int = 8) -> None:
        """Initialise a new TileReader.

        Args:
            tile_px: Side of a tile, a divisor of 1024.
            labels: How buildings are drawn.
            cache_dir: Keep the tiles decoded in this folder, 8 MiB an image pair; without, nothing is written.
            max_images: Images (of one date) to keep decoded in memory, 4 MiB each.
        """
        self.tile_px = tile_px
        self.labels = labels
        self.cache_dir = cache_dir
        self.max_images = max_images
        self._decoded: LRUCache[str, NDArray[np.uint8]] = LRUCache(max_images)

    def __getstate__(self) -> dict[str, object]:
        """Leave the decoded images behind when a worker gets its copy."""
        return self.__dict__ | {'_decoded': LRUCache(self.max_images)}

    def read(self, source: TileSource, date: int) -> NDArray[np.uint8]:
        """Pixels of a tile at one date.

        Args:
            source: Which tile.
            date: 0 for pre, 1 for post.

        Returns:
            Red, green, blue and the codes of buildings (see :func:`draw_codes`); shape [4, tile_px, tile_px].
        """
        if self.cache_dir is not None:
            return self._cached(source, date)
        side = SIDE_PX // self.tile_px
        row, col = (place * self.tile_px for place in divmod(source.tile, side))
        return self._image(source, date)[:, row : row + self.tile_px, col : col + self.tile_px]

    def _image(self, source: TileSource, date: int) -> NDArray[np.uint8]:
        """The whole image with its codes, [4, 1024, 1024], from memory or decoded now."""
        path = source.images[date]
        if path in self._decoded:
            return self._decoded[path]
        label = read_label(Path(source.labels[date]), post=date == 1, repair=self.labels.repair)
        if date == 1 and self.labels.repair:  # otherwise both labels know the same buildings
            label = with_lost_buildings(label, read_label(Path(source.labels[0]), post=False, repair=True))
        image = np.concatenate([decode_image(path), draw_codes(label, overlap=self.labels.overlap)[None]])
        self._decoded[path] = image
        return image

    def _cached(self, source: TileSource, date: int) -> NDArray[np.uint8]:
        """One tile from disk, [4, tile_px, tile_px]; where absent, all tiles of its pair are written first."""
        path = self._cache_path(source)
        if not path.exists():
            with whole_file(path) as unfinished:
                self._cut(source).tofile(unfinished)
        shape = (4, self.tile_px, self.tile_px)
        start = (2 * source.tile + date) * math.prod(shape)
        return np.fromfile(path, dtype=np.uint8, count=math.prod(shape), offset=start).reshape(shape)

    def _cut(self, source: TileSource) -> NDArray[np.uint8]:
        """All tiles of a pair: [tiles, dates, 4, tile_px, tile_px]."""
        side = SIDE_PX // self.tile_px
        both = np.stack([self._image(source, date) for date in (0, 1)])
        grid = both.reshape(2, 4, side, self.tile_px, side, self.tile_px)
        return np.ascontiguousarray(grid.transpose(2, 4, 0, 1, 3, 5))

    def _cache_path(self, source: TileSource) -> Path:
        parts = (_LAYOUT_VERSION, source.fingerprint, self.tile_px, self.labels.overlap, self.labels.repair)
        key = hashlib.sha256('\n'.join(map(str, parts)).encode()).hexdigest()[:16]
        return (self.cache_dir or Path()) / f'{source.image}-{self.tile_px}px-{key}.tiles'
