"""Raster files among files, folders and patterns."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

SUFFIXES = ('.tif', '.tiff', '.jp2', '.vrt', '.img')
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def find_rasters(paths: Paths) -> list[str]:
    """Files among paths: each a file, a folder (searched through), a pattern with ``*``, or an address.

    Raises:
        FileNotFoundError: If a path leads nowhere.
    """
    found: dict[str, None] = {}
    for path in map(str, [paths] if isinstance(paths, str | os.PathLike) else paths):
        if os.path.isdir(path):
            inside = sorted(str(file) for file in Path(path).rglob('*') if file.suffix.lower() in SUFFIXES)
        elif glob.has_magic(path) and not os.path.exists(path):
            inside = sorted(glob.glob(path, recursive=True))
        else:
            inside = [path]
            if not os.path.exists(path) and '://' not in path and not path.startswith('/vsi'):
                raise FileNotFoundError(f'{path} is neither a file nor a folder.')
        if not inside:
            raise FileNotFoundError(f'{path} holds no raster files ({", ".join(SUFFIXES)}).')
        found.update(dict.fromkeys(inside))
    return list(found)
