"""Files that are either whole or absent."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to, and move it to its place once it is complete.

    A reader sees the old file or the new one, never half of it; an error or an interrupt leaves nothing behind.
    Several processes may write the same file: the last one wins.

    Args:
        path: Where the file shall lie; its folder is made where absent.

    Yields:
        A path in the same folder, to be written.

    Raises:
        OSError: If the folder cannot be written to, or what lies at the path is no file (a folder, a device).
    """
    path = path.expanduser() if path.parts[:1] == ('~',) else path  # never a folder named ~
    if path.exists() and not path.is_file():
        raise FileExistsError(f'{path} is there and is no file, so it cannot be replaced; choose another path.')
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.', suffix=path.suffix)
    except OSError as error:  # it names the temporary file
        raise OSError(error.errno, error.strerror, str(path)) from error
    os.close(handle)
    os.umask(umask := os.umask(0))  # there is no other way to read it
    os.chmod(name, 0o666 & ~umask)  # as any new file, not for its owner alone
    unfinished = Path(name)
    try:
        yield unfinished
        _flush(unfinished)
        os.replace(unfinished, path)
    except OSError as error:  # a full disk names no file
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Have a file on the disk before it takes the place of another: a crash of the machine must not leave it empty."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
