"""What commands that run over scenes have in common: which scenes, how they are read, which network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geo_noisy.commands.parsing.options import Chosen, Options
from geo_noisy.errors import UsageError
from geo_noisy.inference.scenes import Scene, open_scenes
from geo_noisy.regions.files.file_scan import scan_captures
from geo_noisy.regions.files.remote import Remote
from geo_noisy.regions.files.scan import scan_rasters


def take_scenes(options: Options) -> None:
    """Add the options that choose scenes."""
    options.take(open_scenes, 'scenes', positional='images', skip=('trained', 'channels'))
    options.take(scan_rasters, 'images without an index', skip=('paths',), shared=('bands',))
    options.take(scan_captures, 'how files are read', skip=('captures',), shared=('bands',))
    options.take(Remote, 'files at addresses')


def chosen_scenes(chosen: Chosen, *, trained: Mapping[str, Any], channels: int) -> list[Scene]:
    """The scenes that were asked for."""
    reading = {**chosen.values(scan_rasters), **chosen.values(scan_captures)}
    reading.pop('bands')
    scenes: list[Scene] = chosen.call(open_scenes, trained=trained, channels=channels, **reading)
    return scenes


def output_folder(path: str) -> Path:
    """A folder to write maps to.

    Raises:
        UsageError: If there is a file of that name.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f'--output {path} is a file; name a folder for the maps.')
    folder.mkdir(parents=True, exist_ok=True)
    return folder
