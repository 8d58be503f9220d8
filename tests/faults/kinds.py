"""The kinds of fault."""

import contextlib
import ctypes
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import yaml

from geo_noisy.datamodules import loader
from geo_noisy.pairs import build_index, scan_rasters
from tests.corpus.forked import Running
from tests.data.regions import write_raster
from tests.faults.injection import Fault, after_share, signalled

EVERY = ('index', 'scenes', 'fit', 'sweep', 'report')
_IMAGE = Path('images/image_20210601.tif')
_CAPABILITIES = 0x20080522  # version 3 of Linux' struct of them


def _files_of(size: int) -> Callable[[], None]:
    """Writing beyond a size fails, as on a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


def _few_handles() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))


def _cpu_time() -> None:
    spent = int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (spent + 1, spent + 1))


def _printing_to_full() -> None:
    os.dup2(os.open('/dev/full', os.O_WRONLY), 1)


def _printing_to_closed() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)


def _elsewhere() -> None:
    os.environ['TMPDIR'] = '/dev/shm'


def _without_temporary() -> None:
    os.environ['TMPDIR'] = '/nowhere'


def _without_home() -> None:
    for name in ('HOME', 'XDG_CACHE_HOME', 'MPLCONFIGDIR'):
        os.environ[name] = '/nowhere'


def _impatient() -> None:
    loader.LONGEST_WAIT_S = 3


def _on(change: Callable[[], object]) -> Callable[[Running, random.Random, float], None]:
    """Change the folder at a seeded moment."""

    def strike(running: Running, rng: random.Random, seconds: float) -> None:
        after_share(running, rng, seconds)
        with contextlib.suppress(FileNotFoundError):
            change()

    return strike


def _shrink() -> None:
    with open(_IMAGE, 'r+b') as file:
        file.truncate(200)


def _other_image() -> None:
    _IMAGE.unlink()
    write_raster(_IMAGE, np.ones((3, 64, 64), np.uint8), offset_px=(7, 0))


def _restored(folder: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 160, (3, 64, 64), dtype=np.uint8)
    _IMAGE.unlink(missing_ok=True)
    write_raster(_IMAGE, pixels)


def _config(**changes: object) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        content = yaml.safe_load(Path('vts.yaml').read_text())
        for key, value in changes.items():
            part, name = key.split('__')
            content[part]['init_args'][name] = value
        Path('vts.yaml').write_text(yaml.safe_dump(content))

    return prepare


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def _to_worker(number: int) -> Callable[[Running, random.Random, float], None]:
    def strike(running: Running, rng: random.Random, seconds: float) -> None:
        after_share(running, rng, seconds)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in _children(running.pid)[:1]:
                os.kill(child, number)

    return strike


def _half_output(folder: Path) -> None:
    for name in ('out.parquet', 'out.html'):
        Path(name).write_bytes(b'PAR1 half')


def _leftovers(folder: Path) -> None:
    """What a killed run leaves beside its output."""
    for name in ('.out.parquet.abc.parquet', '.last.ckpt.x.ckpt'):
        Path(name).write_bytes(b'half')


def _without_rights() -> None:
    """Give up what lets an administrator write everywhere; files stay their own."""
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), 'The rights of an administrator cannot be given up.')


def _read_only(folder: Path) -> None:
    os.chmod('..', 0o755)
    os.chmod('.', 0o555)


def _writable(folder: Path) -> None:
    os.chmod('.', 0o755)


def _can_mount() -> bool:
    """Whether a file system in memory can be mounted."""
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run([*_MOUNT, folder], capture_output=True, check=False).returncode:
            return False
        subprocess.run(['umount', folder], check=True)
    return True


def _small_disk(folder: Path) -> None:
    os.makedirs('out', exist_ok=True)
    subprocess.run([*_MOUNT, 'out'], check=True)


def _larger_disk(folder: Path) -> None:
    """Put what is on the small disk into the folder below it."""
    shutil.copytree('out', 'kept')
    subprocess.run(['umount', 'out'], check=True)
    os.rmdir('out')
    os.rename('kept', 'out')


_MOUNT = ['mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs']


def _nan_images(folder: Path) -> None:
    """An index of images, one of which then loses its values."""
    for path in sorted(_IMAGE.parent.iterdir()):
        with rasterio.open(path) as file:
            pixels = file.read().astype(np.float32)
        path.unlink()
        write_raster(path, pixels)
    index = build_index(scan_rasters('images'), size_px=16).with_splits(shares=(0.6, 0.2, 0.2), block_px=16)
    index.with_statistics(windows=8).write('pairs.parquet')
    with rasterio.open(_IMAGE, 'r+') as file:
        file.write(np.full((3, 64, 64), np.nan, np.float32))


def _interrupted(number: int) -> Fault:
    name = signal.Signals(number).name
    return Fault(name, EVERY, strike=signalled(number), statuses=(128 + number, -number))


KINDS = (
    Fault('SIGKILL', EVERY, strike=signalled(signal.SIGKILL), statuses=(-9,)),
    _interrupted(signal.SIGTERM),
    _interrupted(signal.SIGINT),
    Fault('SIGHUP', EVERY, strike=signalled(signal.SIGHUP), statuses=(-1, 129)),
    Fault('SIGQUIT', ('index', 'fit'), strike=signalled(signal.SIGQUIT), statuses=(-3, 131)),
    Fault('disk full at 4 KB a file', EVERY, limit=_files_of(4096), statuses=(1,)),
    Fault('disk full at 64 KB a file', ('index', 'fit', 'report'), limit=_files_of(65_536)),
    Fault('disk full for the output', ('index', 'report'), limit=_printing_to_full, statuses=(1,)),
    Fault('reader of the output gone', ('index', 'scenes'), limit=_printing_to_closed, statuses=(141,)),
    Fault('forty open files', ('index', 'scenes', 'fit'), limit=_few_handles),
    Fault('processor time at its end', ('fit', 'sweep'), limit=_cpu_time),
    Fault('temporary files on another file system, killed', ('fit', 'sweep'), limit=_elsewhere, strike=signalled(9)),
    Fault('no temporary folder', EVERY, limit=_without_temporary),
    Fault('no home', EVERY, limit=_without_home, statuses=(0,)),
    Fault('an image vanishes', ('index',), strike=_on(lambda: _IMAGE.unlink()), mend=_restored),
    Fault('an image shrinks', ('index',), strike=_on(_shrink), mend=_restored),
    Fault('an image is replaced', ('index',), strike=_on(_other_image), mend=_restored),
    Fault('the output folder vanishes', ('scenes', 'sweep'), strike=_on(lambda: shutil.rmtree('out', ignore_errors=True)), mend=lambda f: shutil.rmtree('out', ignore_errors=True)),
    Fault('killed worker', ('fit',), prepare=_config(data__num_workers=1), strike=_to_worker(signal.SIGKILL), statuses=(1,), again=False),
    Fault('stopped worker', ('fit',), prepare=_config(data__num_workers=1), limit=_impatient, strike=_to_worker(signal.SIGSTOP), statuses=(1,), again=False),
    Fault('loss that is not finite', ('fit',), prepare=_config(model__lr=1e30), statuses=(1,), names=('diverged',), again=False),
    Fault('two runs in one folder', ('index', 'scenes', 'sweep', 'report'), twice=True),
    Fault('read-only folder', ('index', 'scenes', 'sweep', 'report'), prepare=_read_only, limit=_without_rights, mend=_writable, statuses=(1,)),
    Fault('small disk', ('scenes', 'report'), prepare=_small_disk, mend=_larger_disk, statuses=(1,), possible=_can_mount),
    Fault('images of NaN', ('region',), prepare=_nan_images, statuses=(0,), names=('image_20210601.tif', 'holds no data'), again=False),
    Fault('half an output of before', ('index',), prepare=_half_output, statuses=(0,)),
    Fault('what a killed run left', EVERY, prepare=_leftovers, statuses=(0,)),
)  # fmt: skip
