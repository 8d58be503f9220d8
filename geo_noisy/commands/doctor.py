"""``geo-noisy doctor``: versions, processor, GPU and readers of this machine, and what is missing."""

import os
import platform
import shutil
from collections.abc import Iterator, Sequence
from importlib import metadata

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


def run(command: str, words: Sequence[str]) -> int:
    """Print what there is; the exit status is 1 where something is missing."""
    Options(command, __doc__).parse(words)
    lines = [*_machine(), *_packages(), *_readers()]
    missing = sum(line.startswith(_MISSING) for line in lines)
    print('\n'.join([*lines, f'{missing} missing, marked with !.' if missing else 'Nothing is missing.']))
    return int(missing > 0)


def _machine() -> Iterator[str]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    yield f'  geo-noisy {metadata.version("geo-noisy")}, Python {platform.python_version()}, {platform.platform()}'
    yield f'  {platform.machine()}, {cores} cores for this process, {torch.get_num_threads()} threads'
    yield f'  GPU: {", ".join(gpus) or "none; training runs on the processor"}'
    yield f'  {shutil.disk_usage(".").free / 2**30:.0f} GiB free in this folder'


def _packages() -> Iterator[str]:
    """Each package that geo-noisy asks for, in a version that will do; extras where they are installed."""
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
