"""Finding the images and labels of xBD, and everything that can be wrong with the files."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from geo_noisy.datasets.xbd.image_files import SUFFIXES, image_problem
from geo_noisy.errors import InputError

FOLDERS = ('train', 'tier3', 'test', 'hold')
"""The published subsets; each has the folders ``images`` and ``labels``."""

_OTHER_NAMES = {'train': ('tier1',)}  # as the GeoTIFF release calls it
_NAME = re.compile(r'(?P<disaster>.+)_(?P<number>\d{8})_(?P<date>pre|post)_disaster')
_CHALLENGE_NAME = re.compile(r'test_(pre|post)_\d{5}')
_NO_NAME = 'the name is not <disaster>_<8 digits>_<pre or post>_disaster'
_CHALLENGE = (
    "the challenge's own test set, which comes without labels: use the released test set, whose files are named "
    '<disaster>_<8 digits>_<pre or post>_disaster'
)


_REMEDY_FOR_ALL = 'No image pair is good, so none can be left out: mend the files, or bad polygons by repair=True.'
_REMEDY = "Mend the files, leave these pairs out (on_error='drop'), or have bad polygons mended (repair=True)."


class Problem(NamedTuple):
    """Something that keeps an image pair from being used."""

    path: str
    """The file."""
    reason: str
    """What is wrong with it."""
    image: str
    """Name of the image pair, such as ``socal-fire_00000031``."""


class XBDDataError(InputError):
    """Files of xBD are bad; ``problems`` holds all of them."""

    def __init__(self, problems: Sequence[Problem], *, left: bool = True) -> None:
        """Initialise a new XBDDataError.

        Args:
            problems: All of them.
            left: Whether any image pair is good.
        """
        self.problems = list(problems)
        images = len({problem.image for problem in problems})
        lines = '\n'.join(f'  {problem.path}: {problem.reason}' for problem in problems)
        super().__init__(
            f'{len(problems)} problems in {images} image pairs:\n{lines}\n' + (_REMEDY if left else _REMEDY_FOR_ALL)
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
        folders: Which of these to look into.

    Returns:
        Every pair of which at least one file is there, sorted by name, and the problems of names. Of an image that
        lies in two places, the first is among the pairs, in the order of roots and folders.

    Raises:
        FileNotFoundError: If a folder that was asked for is under none of the roots.
    """
    found: dict[str, PairFiles] = {}
    problems: list[Problem] = []
    for place, folder in _places(roots, folders):
        pairs, wrong = _pairs_in(place, folder)
        problems += wrong
        for pair in pairs:
            first = found.setdefault(pair.image, pair)
            if first is not pair:
                reason = f'the image is also in {first.image_post.parent}, which is the one kept'
                problems.append(Problem(str(pair.image_post), reason, f'{pair.image} in {place}'))
    return [found[image] for image in sorted(found)], problems


def _places(roots: Sequence[Path], folders: Sequence[str]) -> list[tuple[Path, str]]:
    """Every place of every subset; a subset that is nowhere is an error, for a run would go on without it."""
    places = [(place, folder) for root in roots for folder in folders for place in subset_places(root, folder)]
    missing = [folder for folder in folders if folder not in {found for _, found in places}]
    if missing:
        there = [folder for folder in FOLDERS if any(subset_places(root, folder) for root in roots)]
        raise FileNotFoundError(
            f'{" and ".join(missing)} of xBD {"are" if len(missing) > 1 else "is"} not under '
            f'{", ".join(map(str, roots))}, where {", ".join(there) or "no subset"} lies. Fetch it, or name the '
            f'folders to use: folders={[folder for folder in folders if folder not in missing] or there}.'
        )
    return places


def refuse_nearby(roots: Sequence[Path]) -> None:
    """Name the root that is meant, where subsets lie a few folders above or below some that hold none.

    Raises:
        FileNotFoundError: If there is such a root.
    """
    for root in roots:
        near = [place for place in _nearby(root) if any(subset_places(place, folder) for folder in FOLDERS)]
        if near:
            raise FileNotFoundError(
                f'{root} holds no subset of xBD ({", ".join(FOLDERS)}), but {" and ".join(map(str, near))} does: give '
                f'root={str(near[0])!r}.'
            )


def _nearby(root: Path) -> Iterator[Path]:
    """Folders around a root: two levels up where it is a subset or in one, and two levels down."""
    subsets = {*FOLDERS, *(name for names in _OTHER_NAMES.values() for name in names)}
    yield from (place.parent for place in (root, root.parent) if place.name in subsets)
    for pattern in ('*', '*/*'):
        yield from sorted(place for place in root.glob(pattern) if place.is_dir() and not place.name.startswith('.'))


def image_problems(files: PairFiles) -> Iterator[tuple[str, str]]:
    """Files of a pair that are missing, and bad images; labels have a reader of their own."""
    for path in files.paths:
        if not path.exists():
            yield str(path), 'the file is missing'
    for path in (files.image_pre, files.image_post):
        if path.exists() and (reason := image_problem(path)):
            yield str(path), reason


def subset_places(root: Path, folder: str) -> list[Path]:
    """Where a subset may lie under a root: by its name or the GeoTIFF release's, and below ``geotiffs``."""
    names = (folder, *_OTHER_NAMES.get(folder, ()))
    return [place for base in (root, root / 'geotiffs') for name in names if (place := base / name).is_dir()]


def _pairs_in(place: Path, folder: str) -> tuple[list[PairFiles], list[Problem]]:
    """The pairs of one folder, and the files whose names say no pair."""
    images: dict[str, str] = {}
    there: set[Path] = set()
    problems = []
    for path in _files_in(place):
        there.add(path)
        if name := _NAME.fullmatch(path.stem):
            images[f'{name["disaster"]}_{name["number"]}'] = name['disaster']
        else:
            reason = _CHALLENGE if _CHALLENGE_NAME.fullmatch(path.stem) else _NO_NAME
            problems.append(Problem(str(path), reason, path.stem))
    return [_pair_files(place, folder, image, disaster, there) for image, disaster in images.items()], problems


def _files_in(place: Path) -> Iterator[Path]:
    """Images and labels, without the companions (``._name``) that archives made on a Mac hold."""
    for kind, suffixes in (('images', SUFFIXES), ('labels', ('.json',))):
        for path in sorted((place / kind).glob('*')):
            if path.suffix in suffixes and not path.name.startswith('._'):
                yield path


def _pair_files(place: Path, folder: str, image: str, disaster: str, there: set[Path]) -> PairFiles:
    def _image(date: str) -> Path:
        named = [place / 'images' / f'{image}_{date}_disaster{suffix}' for suffix in SUFFIXES]
        return next((path for path in named if path in there), named[0])

    labels = (place / 'labels' / f'{image}_{date}_disaster.json' for date in ('pre', 'post'))
    return PairFiles(disaster, image, folder, _image('pre'), _image('post'), *labels)
