"""Embeddings by window: one vector for each window and date, as pretraining sees them."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import geopandas as gpd
import numpy as np
import shapely
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from geo_noisy.errors import InputError
from geo_noisy.inference.blocks import Blocks, blocks_beside
from geo_noisy.inference.network import Pixels, Prepared, check_share, read_box
from geo_noisy.inference.raster_run import plan_of
from geo_noisy.inference.scenes import Scene
from geo_noisy.inference.window_table import Rows, write_windows
from geo_noisy.regions.files.paths import is_far
from geo_noisy.regions.files.remote import in_threads
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.grid import WGS84
from geo_noisy.regions.windows.reader import Box, WindowReader

_PART = 256  # windows
_LARGEST_PX = 100_000  # side of a window that no memory holds
Ints = NDArray[np.int64]
Split = Literal['train', 'val', 'test']


def embed_windows(
    scenes: Sequence[Scene],
    network: Prepared,
    output: Path,
    *,
    index: PairIndex | None = None,
    split: Split | None = None,
    size_px: int | None = None,
    stride_px: int | None = None,
    max_nodata: float = 0.1,
    batch_size: int = 16,
    progress: bool = True,
) -> int:
    """Write the mean feature of each window and date as GeoParquet.

    Args:
        scenes: The scenes.
        network: An encoder, see :func:`~geo_noisy.inference.load.prepare_encoder`.
        output: The file.
        index: Take the windows of this index, at its dates.
        split: Take those of one split of the index alone.
        size_px: Side of the windows of images, 256 by default; an index has its own.
        stride_px: Distance of neighbouring windows of images; ``size_px`` by default.
        max_nodata: Largest share of a window's pixels that may lack data.
        batch_size: Windows that are run at once.
        progress: Show a progress bar.

    Returns:
        Number of windows.

    Raises:
        InputError: If no window is left.
        ValueError: If windows of an index are to have another size.
    """
    if index is not None and (size_px, stride_px) != (None, None):
        raise ValueError(f'size_px and stride_px cannot act on an index, whose windows have {index.size_px} px.')
    if split is not None and index is None:
        raise ValueError(f'split is {split}, which cannot act without an index.')
    index = index.split(split) if index is not None and split is not None else index
    size = index.size_px if index is not None else 256 if size_px is None else size_px
    stride = size if stride_px is None else stride_px
    for name, value, most in (('size_px', size, _LARGEST_PX), ('stride_px', stride, _LARGEST_PX)):
        if not 1 <= value <= most:
            raise ValueError(f'{name} is {value}; it must lie between 1 and {most}.')
    if batch_size < 1:
        raise ValueError(f'batch_size is {batch_size}; it must be at least 1.')
    check_share(max_nodata, 'max_nodata')
    corners = [_of_grid(scene, size, stride) if index is None else _of_index(scene, index) for scene in scenes]
    parts = [(n, start) for n, found in enumerate(corners) for start in range(0, len(found), _PART)]
    plan = {'digest': network.digest, 'scale': network.scale, 'size': size, 'max_nodata': max_nodata}
    plan |= {'scenes': [plan_of(scene) for scene in scenes], 'corners': [found.tolist() for found in corners]}
    crs = _common_crs(scenes)
    with blocks_beside(output, plan) as blocks:
        reader, left = WindowReader(), [n for n in range(len(parts)) if not blocks.done(n)]
        todo = tqdm(left, desc=output.name, unit='part', total=len(parts), initial=len(parts) - len(left),
                    disable=not progress)  # fmt: skip
        for number in todo:
            scene, start = parts[number]
            chosen = corners[scene][start : start + _PART]
            features, nodata = _features(scenes[scene], chosen, network, reader, size, max_nodata, batch_size)
            blocks.write(number, {'features': features, 'nodata': nodata})
        reader.close()
        kept = _rows(blocks, parts, scenes, corners, size=size, crs=crs, max_nodata=max_nodata)
        count = write_windows(output, kept, crs=crs, model=network.digest, features=network.features)
    if count == 0:
        output.unlink()
        windows = sum(map(len, corners))
        raise InputError(f'None of {windows} windows of {size} px has enough data (max_nodata is {max_nodata:g}).')
    return count


def _of_grid(scene: Scene, size: int, stride: int) -> Ints:
    """Corners (column, row) of windows that lie whole in a scene, at multiples of the stride on its grid, [n, 2]."""
    box = scene.box
    starts = [
        np.arange(-(-first // stride) * stride, first + length - size + 1, stride)
        for first, length in ((box.col, box.width_px), (box.row, box.height_px))
    ]
    cols, rows = np.meshgrid(*starts)
    return np.column_stack([cols.ravel(), rows.ravel()]).astype(np.int64)


def _of_index(scene: Scene, index: PairIndex) -> Ints:
    """Corners of the windows of an index that have a date of this capture, [n, 2]."""
    capture, site = (index.files[name].to_numpy()[index.dates] for name in ('capture', 'site'))
    rows = np.unique(index.location_of_dates()[(capture == scene.number) & (site == scene.site)])
    found = np.column_stack([index.locations.col[rows], index.locations.row[rows]]).astype(np.int64)
    box, size = scene.box, index.size_px
    low, high = np.array([box.col, box.row]), np.array([box.col + box.width_px, box.row + box.height_px])
    return found[((found >= low) & (found + size <= high)).all(axis=1)]


def _features(
    scene: Scene, corners: Ints, network: Prepared, reader: WindowReader, size: int, max_nodata: float, batch_size: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean features [n, D] of some windows, and their shares without data [n]; NaN where that is too much."""
    images, nodata = [], np.ones(len(corners), dtype=np.float32)
    boxes = [Box(col, row, size, size) for col, row in corners.tolist()]
    for number, (pixels, valid) in enumerate(_read(reader, scene, boxes, network.channels)):
        nodata[number] = 1 - valid.mean()
        images.append(network.images(pixels, valid))
    kept = np.flatnonzero((nodata <= max_nodata) & (nodata < 1))
    features = np.full((len(corners), network.features), np.nan, dtype=np.float32)
    for start in range(0, len(kept), batch_size):
        chosen = kept[start : start + batch_size]
        batch = torch.cat([images[k] for k in chosen.tolist()])
        features[chosen] = network.run(batch).mean(dim=(2, 3)).numpy()
    return features, nodata


def _read(reader: WindowReader, scene: Scene, boxes: Sequence[Box], bands: int) -> Iterable[Pixels]:
    """Pixels of windows: what lies at addresses is fetched together."""
    reading = partial(read_box, reader, scene, bands=bands)
    return in_threads(reading, boxes) if any(map(is_far, scene.paths)) else map(reading, boxes)


def _rows(
    blocks: Blocks,
    parts: Sequence[tuple[int, int]],
    scenes: Sequence[Scene],
    corners: Sequence[Ints],
    *,
    size: int,
    crs: str,
    max_nodata: float,
) -> Iterator[Rows]:
    for number, (n, start) in enumerate(parts):
        stored, scene = blocks.read(number), scenes[n]
        kept = np.flatnonzero((stored['nodata'] <= max_nodata) & (stored['nodata'] < 1))
        if len(kept) == 0:
            continue
        chosen = corners[n][start : start + _PART][kept]
        boxes = _outlines(scene, chosen, size, crs)
        yield Rows(
            boxes,
            np.full(len(kept), scene.time, dtype=np.int64),
            [scene.paths[0]] * len(kept),
            stored['nodata'][kept],
            stored['features'][kept],
        )


def _outlines(scene: Scene, corners: Ints, size: int, crs: str) -> NDArray[np.object_]:
    grid = scene.capture.grid
    left, top = grid.x0 + corners[:, 0] * grid.res_x, grid.y0 - corners[:, 1] * grid.res_y
    boxes = shapely.box(left, top - size * grid.res_y, left + size * grid.res_x, top)
    return np.asarray(gpd.GeoSeries(boxes, crs=scene.crs).to_crs(crs).to_numpy())


def _common_crs(scenes: Sequence[Scene]) -> str:
    names = {scene.crs for scene in scenes}
    return names.pop() if len(names) == 1 else WGS84
