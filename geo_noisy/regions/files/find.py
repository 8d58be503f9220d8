"""Raster files among files, folders, archives and patterns."""

import glob
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from geo_noisy.errors import InputError
from geo_noisy.regions.files.paths import is_local, located

SUFFIXES = ('.tif', '.tiff', '.jp2', '.vrt', '.img')
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
_ZIP = '/vsizip/'
_TAR = ('.tar', '.tar.gz', '.tgz')


def find_rasters(paths: Paths) -> list[str]:
    """Files among paths: each a file, a folder or zip archive (searched through), a pattern with ``*``, or an address.

    Links to folders are followed, each folder once. Of a folder without raster files, its zip archives are searched
    through, as deliveries come. Hidden files and folders (``._name`` of archives made on a Mac, ``.ipynb_checkpoints``)
    are passed over.

    Raises:
        FileNotFoundError: If a path leads nowhere, or holds no raster file.
        InputError: If an archive is damaged.
    """
    found: dict[str, str] = {}
    for path in map(str, [paths] if isinstance(paths, str | os.PathLike) else paths):
        inside = _inside(located(path))
        if not inside:
            raise FileNotFoundError(f'{path} holds no raster files ({", ".join(SUFFIXES)}){_beside(located(path))}.')
        for file in inside:
            found.setdefault(os.path.abspath(file) if is_local(file) else file, file)
    return list(found.values())


def archives_beside(paths: Paths) -> list[tuple[str, str]]:
    """Zip archives in folders that also hold raster files, and are not searched through: (reason, path) of each."""
    named = [located(str(path)) for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)]
    folders = [path for path in named if is_local(path) and os.path.isdir(path) and any(_in_folder(path, _is_raster))]
    reason = 'beside raster files, and not searched through; name it to have it searched'
    return [(reason, archive) for folder in folders for archive in sorted(_in_folder(folder, _is_zip))]


def _inside(path: str) -> list[str]:
    archive = path.removeprefix(_ZIP)
    if archive.lower().endswith('.zip') and os.path.isfile(archive):
        return _in_archive(archive)
    if not is_local(path):
        return [path]
    if os.path.isdir(path):
        return sorted(_in_folder(path, _is_raster)) or _in_archives(path)
    if os.path.exists(path):
        if not os.path.isfile(path):
            raise FileNotFoundError(f'{path} is no file but a device or a pipe.')
        if path.lower().endswith(_TAR):
            raise FileNotFoundError(f'{path} is an archive that cannot be searched through; extract it first.')
        return [path]
    if glob.has_magic(path):
        return sorted(file for file in glob.glob(_pattern(path), recursive=True) if _is_asked_for(file, path))
    raise FileNotFoundError(f'{path} is neither a file nor a folder.')


def _is_raster(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith('.')


def _is_asked_for(file: str, pattern: str) -> bool:
    """Whether a file that a pattern finds is a raster: of the usual kinds, or of the one that it spells out."""
    name, suffix = os.path.basename(file), os.path.splitext(pattern)[1]
    spelt = suffix and not glob.has_magic(suffix) and not name.startswith('._')
    return os.path.isfile(file) and (_is_raster(name) or bool(spelt))


def _is_zip(name: str) -> bool:
    return name.lower().endswith('.zip') and not name.startswith('.')


def _in_archives(folder: str) -> list[str]:
    """Raster files in the zip archives below a folder; a damaged one stands for itself, and is told with its header."""
    files = []
    for archive in sorted(_in_folder(folder, _is_zip)):
        try:
            files += _in_archive(archive)
        except InputError:
            files.append(archive)
    return files


def _beside(path: str) -> str:
    """What to do about a folder that holds archives of another kind alone."""
    tars = len(list(_in_folder(path, lambda name: name.lower().endswith(_TAR)))) if os.path.isdir(path) else 0
    return f', but {tars} archives ({", ".join(_TAR)}); extract them first' if tars else ''


def _in_folder(folder: str, is_wanted: Callable[[str], bool]) -> Iterator[str]:
    """Files below a folder whose names are wanted; of a folder that links lead to twice, once."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        yield from (os.path.join(place, name) for name in names if is_wanted(name))


def _in_archive(path: str) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if _is_raster(os.path.basename(name)))
    except zipfile.BadZipFile as error:
        raise InputError(f'{path} is no whole zip archive: {error}. Fetch it again.') from error
    return [f'{_ZIP}{os.path.abspath(path)}/{name}' for name in names]


def _pattern(path: str) -> str:
    """A pattern in which the part that is a folder stands for itself, whatever signs its name holds."""
    parts = Path(path).parts
    there = next(n for n in range(len(parts) - 1, -1, -1) if n == 0 or os.path.isdir(os.path.join(*parts[:n])))
    return os.path.join(glob.escape(os.path.join('', *parts[:there])), *parts[there:])
