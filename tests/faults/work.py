"""Commands that faults are tried on, with what they make when nothing disturbs them."""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import rasterio
import torch

from geo_noisy.regions.pair_index import PairIndex
from tests.corpus.forked import start


@dataclass
class Work:
    """A command.

    Attributes:
        name: Its name.
        words: Its words.
        outputs: Files that it makes.
        seconds: What an unbroken run takes.
        unbroken: What that makes.
    """

    name: str
    words: list[str]
    outputs: tuple[str, ...]
    inputs: tuple[str, ...] = ('images/*', 'changes.gpkg', '*.yaml', 'items.csv', 'results/*', 'last.ckpt')
    resumes: bool = False
    seconds: float = 1.0
    unbroken: object = field(default=None, repr=False)

    def before(self) -> None:
        """Put an older output where the command writes, which must stay whole."""
        if self.name == 'index':
            shutil.copyfile('pairs.parquet', 'out.parquet')

    def kept(self) -> list[Path]:
        """Files that were there."""
        return [path for pattern in (*self.inputs, *self.outputs) for path in Path().glob(pattern)]

    def is_input(self, path: Path) -> bool:
        """Whether a file is an input, which nothing may change."""
        return any(path.match(pattern) for pattern in self.inputs)

    def again(self) -> list[str]:
        """Words of a second run: where a checkpoint is left, from there."""
        if self.resumes and Path('runs/last.ckpt').exists():
            return [*self.words, '--ckpt_path=runs/last.ckpt']
        return self.words

    def unreadable(self) -> Iterator[str]:
        """Outputs that are there and cannot be read whole."""
        for path in self._written():
            try:
                _read(path)
            except Exception as error:  # whatever a reader raises of half a file
                yield f'{path}: {type(error).__name__}: {error}'[:200]

    def made(self) -> dict[str, str]:
        """Digests of the outputs' content."""
        return {str(path): _read(path) for path in self._written()}

    def _written(self) -> list[Path]:
        """Outputs that are there; hidden files, which nothing reads, are what a killed run left."""
        found = [path for pattern in self.outputs for path in sorted(Path().glob(pattern))]
        return [path for path in found if not path.name.startswith('.')]


def works(sound: Path, *, only: tuple[str, ...] = ()) -> dict[str, Work]:
    """The commands, each run once undisturbed.

    Args:
        sound: Folder of sound inputs.
    """
    index = ['index', 'images', '-o', 'out.parquet', '--size-px', '16', '--map', 'out.html', '--polygons',
             'changes.gpkg', '--event-column', 'event']  # fmt: skip
    found = [
        Work('index', index, ('out.parquet', 'out.html')),
        Work('scenes', ['scenes', 'out', '--scenes', '4', '--size-px', '128'], ('out/*.tif', 'out/*.gpkg')),
        Work('fit', ['fit', '--config', 'vts.yaml', '--trainer.max_epochs=3'], ('runs/last.ckpt',), resumes=True),
        Work('region', ['fit', '--config', 'region.yaml'], ('runs/last.ckpt',)),
        Work('sweep', ['sweep', 'grid.yaml', '--output', 'out'], ('out/results.parquet', 'out/results.csv')),
        Work('report', ['report', 'results', '--output', 'out'], ('out/report.md', 'out/figures/*')),
    ]
    found = [work for work in found if not only or work.name in only]
    for work in found:
        with tempfile.TemporaryDirectory() as place:
            shutil.copytree(sound, Path(place, 'folder'), symlinks=True)
            with chdir(Path(place, 'folder')):
                started = time.monotonic()
                running = start(work.words, logs=Path(place))
                if running.wait(300) != 0:
                    raise RuntimeError(f'{work.name} does not run undisturbed: {running.told()[-500:]}')
                work.seconds, work.unbroken = time.monotonic() - started, work.made()
    return {work.name: work for work in found}


def _read(path: Path) -> str:
    """A digest of what a file holds, but for times and places."""
    if path.name == 'out.parquet':
        return _digest(repr(PairIndex.read(path).index.drop(columns='geometry').to_dict('list')))
    if path.suffix == '.ckpt':
        state = torch.load(path, map_location='cpu', weights_only=True)['state_dict']
        return _digest(b''.join(values.numpy().tobytes() for values in state.values()))
    if path.suffix in ('.parquet', '.csv'):
        table = pd.read_parquet(path) if path.suffix == '.parquet' else pd.read_csv(path)
        return _digest(repr(sorted(zip(table['name'], table['test_f1_macro'].round(9), strict=True))))
    if path.suffix == '.tif':
        with rasterio.open(path) as file:
            return _digest(file.read().tobytes())
    content = path.read_bytes()
    if not content:
        raise ValueError('empty')
    return 'there' if path.suffix in ('.png', '.pdf', '.gpkg', '.html', '.md', '.svg') else _digest(content)


def _digest(content: str | bytes) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()
