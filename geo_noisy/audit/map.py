"""A map of an index as one HTML file: clustered locations, and both dates of some windows with a swipe."""

import json
import os
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from geo_noisy.audit.map_locations import GAP_NAMES, NOISE_NAMES, packed_locations
from geo_noisy.audit.map_windows import Picture, draw_windows, rest_of_windows
from geo_noisy.regions.files.remote import Remote
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.whole_file import whole_file

MOST_BYTES = 18_000_000
"""Bytes of pictures inside the page, at most; with 100,000 locations it then stays below 30 MB."""


def write_map(
    index: PairIndex,
    path: str | os.PathLike[str],
    *,
    windows: int = 500,
    thumbnails: str | os.PathLike[str] | None = None,
    remote: Remote | bool = False,
    seed: int = 0,
) -> int:
    """Write a map that needs no network: scripts, styles and pictures are inside, and there is no background.

    All locations are shown as clusters that open up. Of some windows, drawn in equal numbers from the noisy, the clean
    and the unknown pairs, both dates are shown under a swipe, with the outlines of what changed.

    Args:
        index: The index.
        path: HTML file to write.
        windows: Most windows with pictures inside the page.
        thumbnails: Folder for the pictures of all other windows, one pair each; the page finds them there as long as
            both stay where they are to each other. None leaves them out.
        remote: How files at addresses are read, see :class:`~geo_noisy.datasets.TemporalPairs`.
        seed: Seed of the choice of windows.

    Returns:
        Number of windows whose pictures are shown.
    """
    path = Path(path)
    inside = draw_windows(index, most=windows, most_bytes=MOST_BYTES, remote=remote, seed=seed)
    pictures = inside.pictures
    unreadable = inside.unreadable
    if thumbnails is not None:
        folder = Path(thumbnails)
        beside = rest_of_windows(index, folder, beside=path, drawn=pictures, remote=remote, seed=seed)
        pictures, unreadable = [*pictures, *beside.pictures], unreadable + beside.unreadable
    with whole_file(path) as unfinished:
        unfinished.write_text(_page(index, path.stem, pictures, unreadable), encoding='utf-8')
    return len(pictures)


def _page(index: PairIndex, title: str, pictures: list[Picture], unreadable: int) -> str:
    told = {
        'title': title,
        'size_px': index.size_px,
        'gaps': GAP_NAMES,
        'noises': NOISE_NAMES,
        'files': [os.path.basename(paths[0]) for paths in index.files['paths']],
        'arrays': packed_locations(index),
        'pictures': [picture.as_json() for picture in pictures],
        'unreadable': unreadable,
    }
    parts = {
        'STYLE': _leaflet('leaflet.css') + _part('page.css'),
        'LEAFLET': _leaflet('leaflet.js'),
        'DATA': json.dumps(told, separators=(',', ':')).replace('<', '\\u003c'),  # no name of a file ends the script
        'SCRIPT': _part('arrays.js') + _part('locations.js') + _part('swipe.js') + _part('page.js'),
    }
    page = _part('page.html')
    for name, text in parts.items():
        page = page.replace(f'/*{name}*/', text, 1)
    return page


def _part(name: str) -> str:
    return files('geo_noisy.audit').joinpath('map_page', name).read_text(encoding='utf-8')


def _leaflet(name: str) -> str:
    """Leaflet itself, from the package XStatic-Leaflet, to stand in the page."""
    package = distribution('XStatic-Leaflet')
    text = Path(str(package.locate_file(f'xstatic/pkg/leaflet/data/{name}'))).read_text(encoding='utf-8')
    return text.replace('//# sourceMappingURL=leaflet.js.map', '')
