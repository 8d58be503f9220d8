"""``geo-noisy doctor``: versions, processor, GPU and readers of this machine, and what is missing."""

import os
import platform
import re
import shutil
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

import pyogrio
import rasterio
import torch
from packaging.requirements import Requirement

from geo_noisy.commands.parsing.options import Options

RASTERS = {
    'GTiff': 'GeoTIFF',
    'COG': 'cloud-optimised GeoTIFF',
    'VRT': 'mosaics',
    'JP2OpenJPEG': 'Sentinel-2 as delivered',
}
VECTORS = {'GPKG': 'GeoPackage', 'GeoJSON': 'GeoJSON', 'ESRI Shapefile': 'shapefiles'}
_MISSING = '! '
_EXTRA = re.compile(r'extra == ["\']([\w-]+)["\']')
CPU_FLAGS = Path('/proc/cpuinfo')


def run(command: str, words: Sequence[str]) -> int:
    """Print what there is; the exit status is 1 where something is missing."""
    Options(command, __doc__).parse(words)
    lines = [*_machine(), *_packages(), *_readers(), *_extras()]
    missing = sum(line.startswith(_MISSING) for line in lines)
    print('\n'.join([*lines, f'{missing} missing, marked with !.' if missing else 'Nothing is missing.']))
    return int(missing > 0)


def _machine() -> Iterator[str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    yield f'  geo-noisy {metadata.version("geo-noisy")}, Python {platform.python_version()}, {platform.platform()}'
    yield f'  {platform.machine()}, {cores} cores for this process, {torch.get_num_threads()} threads'
    yield f'  fast arithmetic: {", ".join(fast_arithmetic()) or "none that is known"}'
    yield f'  GPU: {", ".join(gpus) or "none; training runs on the processor"}'
    yield f'  {shutil.disk_usage(".").free / 2**30:.0f} GiB free in this folder'


def _packages() -> Iterator[str]:
    """Each package that geo-noisy asks for, in a version that will do; of extras what is installed."""
    for requirement in map(Requirement, metadata.requires('geo-noisy') or ()):
        extra = requirement.marker is not None and not requirement.marker.evaluate({'extra': ''})
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            if not extra:
                yield f'{_MISSING}{requirement.name} is not installed; pip install "{requirement}"'
            continue
        if requirement.specifier.contains(version, prereleases=True):
            yield f'  {requirement.name} {version}'
        else:
            yield f'{_MISSING}{requirement.name} {version} does not do; pip install "{requirement}"'


def fast_arithmetic() -> list[str]:
    """What the processor has: with ``amx_bf16`` or ``avx512_bf16``, ``--trainer.precision=bf16-mixed`` is fast."""
    try:
        flags = set(CPU_FLAGS.read_text(encoding='utf-8').split())
    except OSError:  # only Linux tells
        return []
    return [flag for flag in ('amx_bf16', 'avx512_bf16', 'avx512f', 'avx2') if flag in flags]


def _extras() -> Iterator[str]:
    """Extras of which something is not installed, and the command that installs it; none is needed to begin."""
    absent: dict[str, list[str]] = {}
    for requirement in map(Requirement, metadata.requires('geo-noisy') or ()):
        extra = _EXTRA.search(str(requirement.marker))
        if extra and not _installed(requirement.name):
            absent.setdefault(extra[1], []).append(requirement.name)
    for name, packages in absent.items():
        yield f'  extra {name}: without {", ".join(packages)}; pip install "geo-noisy[{name}]"'


def _installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def _readers() -> Iterator[str]:
    """Formats that GDAL reads here; rasterio and pyogrio bring a GDAL each."""
    with rasterio.Env() as env:
        rasters = env.drivers()
    vectors = pyogrio.list_drivers(read=True)
    for wanted, there, version in (
        (RASTERS, rasters, rasterio.__gdal_version__),
        (VECTORS, vectors, pyogrio.__gdal_version_string__),
    ):
        for driver, what in wanted.items():
            yield f'{"  " if driver in there else _MISSING}GDAL {version}: {driver} ({what})'
