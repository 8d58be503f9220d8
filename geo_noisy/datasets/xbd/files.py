"""Finding the images and labels of xBD, and everything that can be wrong with the files."""

import os
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from geo_noisy.datasets.xbd.labels import SIDE_PX

FOLDERS = ('train', 'tier3', 'test', 'hold')
"""The published subsets; each has the folders ``images`` and ``labels``."""

_NAME = re.compile(r'(?P<disaster>.+)_(?P<number>\d{8})_(?P<date>pre|post)_disaster')
_PNG_START = b'\x89PNG\r\n\x1a\n'
_PNG_END = b'IEND\xaeB`\x82'


class Problem(NamedTuple):
    """Something that keeps an image pair from being used."""

    path: str
    """The file."""
    reason: str
    """What is wrong with it."""
    image: str
    """Name of the image pair, such as ``socal-fire_00000031``."""


class XBDDataError(ValueError):
    """Files of xBD are bad; ``problems`` holds all of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Initialise a new XBDDataError."""
        self.problems = list(problems)
        images = len({problem.image for problem in problems})
        lines = '\n'.join(f'  {problem.path}: {problem.reason}' for problem in problems)
        super().__init__(
            f'{len(problems)} problems in {images} image pairs:\n{lines}\n'
            "Mend the files, leave these pairs out (on_error='drop'), or have bad polygons mended (repair=True)."
        )


@dataclass(frozen=True)
class PairFiles:
    """Where the four files of an image pair lie, or should."""

    disaster: str
    image: str
    folder: str
    image_pre: Path
    image_post: Path
    label_pre: Path
    label_post: Path

    @property
    def paths(self) -> tuple[Path, Path, Path, Path]:
        """Images, then labels; earlier date first."""
        return self.image_pre, self.image_post, self.label_pre, self.label_post


def find_pairs(roots: Sequence[Path], folders: Sequence[str]) -> tuple[list[PairFiles], list[Problem]]:
    """Find the image pairs under one or several roots.

    Args:
        roots: Folders that hold some of ``train``, ``tier3``, ``test`` and ``hold``.
        folders: Which of these to look into; absent ones hold no pairs.

    Returns:
        Every pair of which at least one file is there, sorted by name, and the problems of names. Of an image that
        lies in two places, the first is among the pairs, in the order of roots and folders.
    """
    found: dict[str, PairFiles] = {}
    problems: list[Problem] = []
    for place in (root / folder for root in roots for folder in folders):
        pairs, wrong = _pairs_in(place)
        problems += wrong
        for pair in pairs:
            first = found.setdefault(pair.image, pair)
            if first is not pair:
                reason = f'the image is also in {first.image_post.parent}, which is the one kept'
                problems.append(Problem(str(pair.image_post), reason, f'{pair.image} in {place}'))
    return [found[image] for image in sorted(found)], problems


def image_problems(files: PairFiles) -> Iterator[tuple[str, str]]:
    """Files of a pair that are missing, and bad images; labels have a reader of their own."""
    for path in files.paths:
        if not path.exists():
            yield str(path), 'the file is missing'
    for path in (files.image_pre, files.image_post):
        if path.exists() and (reason := png_problem(path)):
            yield str(path), reason


def png_problem(path: Path) -> str | None:
    """Say what is wrong with a PNG image without decoding it; None for a whole one of the right size and kind."""
    with path.open('rb') as file:
        start = file.read(33)
        file.seek(-min(len(_PNG_END), os.fstat(file.fileno()).st_size), os.SEEK_END)
        end = file.read()
    if len(start) < 33 or not start.startswith(_PNG_START):
        return 'the file is no PNG image'
    if end != _PNG_END:
        return 'the PNG image is truncated'
    width, height, bits, colour = struct.unpack('>IIBB', start[16:26])
    if (width, height) != (SIDE_PX, SIDE_PX):
        return f'the PNG image is {width} x {height} px, not {SIDE_PX} x {SIDE_PX}'
    if (bits, colour) != (8, 2):
        return 'the PNG image is not RGB with 8 bits a band'
    return None


def _pairs_in(place: Path) -> tuple[list[PairFiles], list[Problem]]:
    """The pairs of one folder, and the files whose names say no pair."""
    images: dict[str, str] = {}
    problems = []
    for kind, suffix in (('images', '.png'), ('labels', '.json')):
        for path in sorted((place / kind).glob(f'*{suffix}')):
            if name := _NAME.fullmatch(path.stem):
                images[f'{name["disaster"]}_{name["number"]}'] = name['disaster']
            else:
                reason = 'the name is not <disaster>_<8 digits>_<pre or post>_disaster'
                problems.append(Problem(str(path), reason, path.stem))
    return [_pair_files(place, image, disaster) for image, disaster in images.items()], problems


def _pair_files(place: Path, image: str, disaster: str) -> PairFiles:
    paths = (
        place / kind / f'{image}_{date}_disaster{suffix}'
        for kind, suffix in (('images', '.png'), ('labels', '.json'))
        for date in ('pre', 'post')
    )
    return PairFiles(disaster, image, place.name, *paths)
