"""Where a file lies: on this machine or elsewhere, and relative to what. The one place that decides."""

import os
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit
from urllib.request import url2pathname

from geo_noisy.home_paths import with_home

_FILE = 'file://'
_ARCHIVES = ('zip://', 'tar://', '/vsizip/', '/vsitar/', '/vsigzip/')


def is_local(path: str) -> bool:
    """Whether a path leads to a file on this machine.

    Addresses (``https://``, ``s3://``, ``zip://``) and GDAL's virtual file systems (``/vsizip/``) are GDAL's to read.
    """
    return path.startswith(_FILE) or ('://' not in path and not path.startswith('/vsi'))


def is_far(path: str) -> bool:
    """Whether a path leads to another machine; an archive on this one (``zip://``, ``/vsizip/``) does not."""
    if is_local(path):
        return False
    for prefix in _ARCHIVES:
        if path.startswith(prefix):
            return is_far(path.removeprefix(prefix).removeprefix('{'))
    return True


def far_paths(captures: Iterable[Sequence[str]]) -> list[str]:
    """Paths of some captures that are not on this machine, each once."""
    return list(dict.fromkeys(path for paths in captures for path in paths if is_far(path)))


def located(path: str, *, beside: str | os.PathLike[str] = '') -> str:
    """A path as rasterio opens it.

    Args:
        path: A path, an address, or ``file://``; ``~/`` is the user's home.
        beside: Folder that a relative path starts from; the working folder by default.
    """
    if path.startswith(_FILE):
        return url2pathname(urlsplit(path).path)
    if not is_local(path):
        return path
    path = with_home(path)
    return os.path.normpath(os.path.join(beside, path)) if beside else path
