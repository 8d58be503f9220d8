"""Files that a command writes must not be what it reads."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from geo_noisy.errors import UsageError


def check_outputs(outputs: Mapping[str, str | os.PathLike[str] | None], inputs: Iterable[str]) -> None:
    """Check files to write before the work begins.

    Args:
        outputs: Path for each option that names a file to write; None where it is not asked for.
        inputs: Files that are read.

    Raises:
        FileNotFoundError: If the folder of an output is not there.
        UsageError: If an output is a folder, an input, or the same file as another output.
    """
    files = {option: Path(path) for option, path in outputs.items() if path is not None}
    for option, path in files.items():
        if not path.absolute().parent.is_dir():
            raise FileNotFoundError(
                f'{option} {path}: the folder {path.absolute().parent} is not there; make it first.'
            )
        if path.is_dir():
            raise UsageError(f'{option} {path} is a folder; name a file in it.')
        if path.exists() and not path.is_file():
            raise UsageError(f'{option} {path} is no file but a device or a pipe; name a file.')
        others = [other for other, file in files.items() if other != option and _same(file, path)]
        if others:
            raise UsageError(f'{option} and {others[0]} are both {path}; name two files.')
    there = {_identity(path): option for option, path in files.items() if path.exists()}
    for path in map(Path, inputs) if there else ():
        taken = there.get(_identity(path)) if path.exists() else None
        if taken is not None:
            raise UsageError(f'{taken} {files[taken]} is an input, and would be overwritten; name another file.')


def _identity(path: Path) -> tuple[int, int]:
    """What two names of one file share: links, also hard ones."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _same(first: Path, second: Path) -> bool:
    if first.exists() and second.exists():
        return _identity(first) == _identity(second)
    return first.resolve() == second.resolve()
