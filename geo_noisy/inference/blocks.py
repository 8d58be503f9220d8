"""Finished parts of a work on disk: what a kill leaves is gone on with, and the end is the same."""

import json
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.whole_file import whole_file

_PLAN, _LOCK = 'plan.json', 'lock'


class Blocks:
    """A folder with a file for each part that is done, and a plan that says of what: the ledger of a work.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def done(self, number: int) -> bool:
        """Whether a part is there; a part is whole or absent."""
        return self._path(number).exists()

    def write(self, number: int, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep the arrays of a part.

        Raises:
            OSError: If the disk is full; what is done stays.
        """
        stored: dict[str, Any] = dict(arrays)
        with whole_file(self._path(number)) as part, part.open('wb') as file:
            np.savez(file, **stored)

    def read(self, number: int) -> dict[str, NDArray[Any]]:
        """The arrays of a part."""
        with np.load(self._path(number)) as stored:
            return {name: stored[name] for name in stored.files}

    def _path(self, number: int) -> Path:
        return self.folder / f'{number:07d}.npz'


@contextmanager
def blocks_beside(output: Path, plan: Mapping[str, Any]) -> Iterator[Blocks]:
    """Parts of an output, beside it; removed when the output is complete, kept when something stops the work.

    Args:
        output: What will be written.
        plan: What the parts are of; with parts of another plan the work starts anew, with a warning.

    Raises:
        InputError: If another process is at work on the same output.
    """
    folder = output.parent / f'.{output.name}.parts'
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            _begin(folder, output, json.loads(json.dumps(plan)))
            yield Blocks(folder)
            shutil.rmtree(folder)
    except Timeout as error:
        raise InputError(
            f'{output} is being written by another process; let it end, or name another output.'
        ) from error


def _begin(folder: Path, output: Path, plan: Any) -> None:
    """Take up parts of the same plan, or clear away those of another."""
    told, parts = folder / _PLAN, sorted(folder.glob('*.npz'))
    before = json.loads(told.read_text()) if told.exists() else None
    for left in folder.iterdir():
        if left.name not in (_PLAN, _LOCK) and left not in parts:
            left.unlink()
    if before == plan:
        return
    if before is not None and parts:
        differs = sorted(key for key in before.keys() | plan.keys() if before.get(key) != plan.get(key))
        warnings.warn(
            f'{len(parts)} finished parts of {output} are of other settings ({", ".join(differs)}); it starts anew.',
            stacklevel=4,
        )
    for part in parts:
        part.unlink()
    with whole_file(told) as unfinished:
        unfinished.write_text(json.dumps(plan))
