"""Pictures for the map of an index: both dates of some windows, and outlines of what changed between them."""

import base64
import io
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from geo_noisy.audit.map_locations import gap_bins, noise_bins
from geo_noisy.datasets.pictures import colour_bands, pictures
from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.files.remote import Remote
from geo_noisy.regions.noise.between_dates import pair_events
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.reader import UnreadableFileError
from geo_noisy.whole_file import whole_file

_SIDE_PX = 192
_QUALITY = 75
_INLINE = 'data:image/jpeg;base64,'


@dataclass(frozen=True)
class Picture:
    """Two dates of a window.

    Attributes:
        key: Location, earlier and later date.
        gap: Position among the gaps by which the map filters.
        noise: Position among the noises by which it filters.
        flag: 1 noisy, 0 clean, -1 unknown.
        share: Share of the window that changed; NaN where unknown.
        images: Sources of both images, as HTML takes them.
        changed: Outlines of what surely changed, as a path of SVG over a square of 1,000 units.
        doubtful: Outlines of what may have.
    """

    key: tuple[int, int, int]
    gap: int
    noise: int
    flag: int
    share: float
    images: tuple[str, str]
    changed: str
    doubtful: str

    def as_json(self) -> list[object]:
        """The attributes in their order; NaN is null."""
        share = None if math.isnan(self.share) else round(self.share, 4)
        return [*self.key, self.gap, self.noise, self.flag, share, *self.images, self.changed, self.doubtful]


@dataclass(frozen=True)
class Drawn:
    """Pictures, and how many windows could not be read."""

    pictures: list[Picture]
    unreadable: int


def draw_windows(index: PairIndex, *, most: int, most_bytes: int, remote: Remote | bool, seed: int) -> Drawn:
    """Draw pictures of some windows, by turns of a noisy, a clean and an unknown pair.

    Args:
        index: The index.
        most: Most windows.
        most_bytes: Bytes of images at which no more are taken.
        remote: How files at addresses are read.
        seed: Seed of the choice.
    """
    rows = choose_pairs(index, most=most, seed=seed)
    if len(rows) == 0:
        return Drawn([], 0)
    drawer, taken, unreadable, nbytes = _Drawer(index, remote), [], 0, 0
    for row in tqdm(rows, desc='pictures of windows', unit='window', leave=False, disable=None):
        try:
            jpegs = drawer.jpegs(row)
        except UnreadableFileError:
            unreadable += 1
            continue
        images = tuple(_INLINE + base64.b64encode(jpeg).decode() for jpeg in jpegs)
        nbytes += sum(map(len, images))
        if nbytes > most_bytes:
            break
        taken.append(drawer.picture(row, (images[0], images[1])))
    return Drawn(taken, unreadable)


def rest_of_windows(
    index: PairIndex, folder: Path, *, beside: Path, drawn: Sequence[Picture], remote: Remote | bool, seed: int
) -> Drawn:
    """Write pictures of a pair of each other location: a noisy one where there is one, else clean, else unknown.

    Args:
        index: The index.
        folder: Folder to write to.
        beside: File of the page, from which the images are named.
        drawn: Pictures that the page holds.
        remote: How files at addresses are read.
        seed: Seed of the choice.
    """
    there = np.array([picture.key[0] for picture in drawn], dtype=np.int64)
    rows = one_pair_each(index, seed=seed)
    rows = rows[~np.isin(rows[:, 0], there)]
    folder.mkdir(parents=True, exist_ok=True)
    prefix = Path(os.path.relpath(folder.resolve(), beside.resolve().parent)).as_posix()
    drawer, taken, unreadable = _Drawer(index, remote), [], 0
    for row in tqdm(rows, desc=f'pictures in {folder}', unit='window', leave=False, disable=None):
        names = tuple(f'{row[0]:07d}_{date}.jpg' for date in ('earlier', 'later'))
        try:
            jpegs = drawer.jpegs(row)
        except UnreadableFileError:
            unreadable += 1
            continue
        for name, jpeg in zip(names, jpegs, strict=True):
            with whole_file(folder / name) as unfinished:
                unfinished.write_bytes(jpeg)
        taken.append(drawer.picture(row, (f'{prefix}/{names[0]}', f'{prefix}/{names[1]}')))
    return Drawn(taken, unreadable)


def choose_pairs(index: PairIndex, *, most: int, seed: int) -> NDArray[np.int64]:
    """Choose pairs of different locations, by turns from each stratum as long as it has any.

    Args:
        index: The index.
        most: Most pairs.
        seed: Seed of the choice.

    Returns:
        Rows ``(location, earlier, later)``, [n, 3].
    """
    rng = np.random.default_rng(seed)
    waiting = [_shuffled(index, stratum, rng, most) for stratum in ('noisy', 'clean', 'unknown')]
    chosen: dict[int, tuple[int, ...]] = {}
    while waiting and len(chosen) < most:
        for pairs in list(waiting):
            row = next((row for row in pairs if row[0] not in chosen), None)
            if row is None:
                waiting.remove(pairs)
            elif len(chosen) < most:
                chosen[row[0]] = row
    return np.array(list(chosen.values()), dtype=np.int64).reshape(-1, 3)


def one_pair_each(index: PairIndex, *, seed: int) -> NDArray[np.int64]:
    """A pair of every location, [n, 3]: noisy where there is one, else clean, else unknown."""
    rng = np.random.default_rng(seed)
    rows = np.full((len(index), 3), -1, dtype=np.int64)
    for stratum in ('unknown', 'clean', 'noisy'):
        locations, starts = index.spans(stratum)
        rows[locations] = index.keys(stratum, rng.integers(starts[:-1], starts[1:]))
    return rows[rows[:, 0] >= 0]


def _shuffled(index: PairIndex, stratum: str, rng: np.random.Generator, most: int) -> Iterator[tuple[int, ...]]:
    """A random pair of random locations of a stratum; thrice as many as may be shown, for others may hold them."""
    locations, starts = index.spans(stratum)
    taken = rng.permutation(len(locations))[: len(STRATA) * most]
    ranks = rng.integers(starts[taken], starts[taken + 1])
    return iter([tuple(row) for row in index.keys(stratum, ranks).tolist()])


class _Drawer:
    """Draws windows of one index."""

    def __init__(self, index: PairIndex, remote: Remote | bool) -> None:
        self._index = index
        self._data = TemporalPairs(
            index, bands=[band + 1 for band in colour_bands(index.bands)], fill=0.0, remote=remote
        )

    def jpegs(self, row: NDArray[np.int64]) -> list[bytes]:
        """Both dates, stretched alike.

        Raises:
            UnreadableFileError: If a file cannot be read.
        """
        sample = self._data[PairKey(int(row[0]), int(row[1]), int(row[2]))]
        return [_jpeg(colours) for colours in pictures(sample)]

    def picture(self, row: NDArray[np.int64], images: tuple[str, str]) -> Picture:
        """A picture with what is known of the pair."""
        rows, found = row[None], self._index.look_up(row[None])
        changed, doubtful = outlines(self._index, row)
        location, earlier, later = map(int, row)
        return Picture(
            key=(location, earlier, later),
            gap=int(gap_bins(self._index, rows)[0]),
            noise=int(noise_bins(self._index, rows)[0]),
            flag=int(found.noisy[0]),
            share=float(found.noise[0]),
            images=images,
            changed=changed,
            doubtful=doubtful,
        )


def outlines(index: PairIndex, row: NDArray[np.int64]) -> tuple[str, str]:
    """What surely changed between the dates of a pair, and what may have, as paths of SVG over 1,000 by 1,000 units."""
    if index.events is None:
        return '', ''
    rows = row[None]
    found = pair_events(rows, index.pair_times(rows), index.events)
    window = index.windows(rows[:, 0])[0]
    geometry = index.events.geometry
    return (
        _path(geometry[found.flat[found.changed]], window),
        _path(geometry[found.flat[found.unknown]], window),
    )


def _path(shapes: NDArray[np.object_], window: shapely.Geometry) -> str:
    left, bottom, right, top = window.bounds
    inside = shapely.intersection(shapes[shapely.is_valid(shapes)], window)
    rings = shapely.get_rings(shapely.get_parts(inside))
    units = [(shapely.get_coordinates(ring) - (left, top)) / (right - left, bottom - top) * 1000 for ring in rings]
    lines = [np.rint(line[:-1]).astype(int).tolist() for line in units]
    return ''.join('M' + 'L'.join(f'{x} {y}' for x, y in line) + 'Z' for line in lines)


def _jpeg(colours: NDArray) -> bytes:
    image = Image.fromarray((colours * 255).round().astype(np.uint8))
    image.thumbnail((_SIDE_PX, _SIDE_PX))
    written = io.BytesIO()
    image.save(written, 'JPEG', quality=_QUALITY)
    return written.getvalue()
