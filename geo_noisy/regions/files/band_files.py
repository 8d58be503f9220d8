"""Files of no known product that hold a band each, told by a word in their names: ``scene_20200101_red.tif``."""

import os
import re
from collections.abc import Callable, Sequence

from geo_noisy.regions.files.products import FileKind

ONE_BAND_EACH = 'band-files'
_ORDER = ('coastal', 'blue', 'green', 'yellow', 'red', 'rededge', 'nir', 'swir', 'tir', 'thermal', 'pan')
_WORD = (
    r'(?i:B(?:and)?[_-]?\d{1,2}A?|coastal|blue|green|yellow|red[_-]?edge\d?|red|nir\d{0,2}|swir\d{0,2}|tir\d?|thermal|pan|'
    r'[VH][VH])'
)
_PATTERN = re.compile(rf'^(?P<before>(?:.*[^A-Za-z0-9])?)(?P<layer>{_WORD})(?P<after>(?:[^A-Za-z0-9].*)?)$')
_USUAL = 0.5  # of the files


def band_kind(
    paths: Sequence[str], *, band_count: Callable[[str], int], same_ground: Callable[[Sequence[str]], bool]
) -> FileKind | None:
    """The kind of files whose names say which band each holds; None where they are not such.

    Args:
        paths: Files of no known product.
        band_count: Tells how many bands a file has.
        same_ground: Tells whether files cover the same ground, as tiles named B1 and B2 do not.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    words: set[str] = set()
    for path in paths:
        match = _PATTERN.match(path.replace(os.sep, '/'))
        if match is not None:
            groups.setdefault((match['before'], match['after']), []).append(path)
            words.add(match['layer'])
    together = [group for group in groups.values() if len(group) > 1]
    if not together or sum(map(len, groups.values())) < _USUAL * len(paths):
        return None
    if any(band_count(path) != 1 for path in together[0]) or not same_ground(together[0]):
        return None
    return FileKind(ONE_BAND_EACH, _PATTERN, {word: _meaning(word) for word in sorted(words, key=_place)}, {})


def _meaning(word: str) -> str:
    return re.sub(r'[_-]', '', word.lower())


def _place(word: str) -> tuple[int, int, str]:
    """Bands by wavelength where their names tell it, else by number."""
    meaning = _meaning(word)
    name, number = re.sub(r'\d+', '', meaning), re.search(r'\d+', meaning)
    rank = _ORDER.index(name) if name in _ORDER else len(_ORDER)
    return rank, int(number[0]) if number else 0, meaning
