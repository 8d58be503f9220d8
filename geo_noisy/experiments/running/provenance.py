"""With what a row was made: code, packages, machine."""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path

import torch

import geo_noisy

PACKAGES = ('torch', 'torchvision', 'torchgeo', 'lightning', 'kornia', 'segmentation-models-pytorch', 'numpy')


@functools.cache
def code_version() -> str:
    """Version of this package and a digest of its source files, so that a changed checkout shows."""
    digest = hashlib.sha256()
    package = Path(geo_noisy.__file__).parent
    for path in sorted(package.rglob('*.py')):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return f'{geo_noisy.__version__}+{digest.hexdigest()[:12]}'


@functools.cache
def package_versions() -> dict[str, str]:
    """Versions of the packages that results depend on."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def provenance() -> dict[str, str]:
    """Code, packages and machine, as they go into a row."""
    return {'code': code_version(), 'versions': json.dumps(package_versions()), 'hardware': hardware()}


def hardware() -> str:
    """Processor, its cores, the threads in use, and the GPU where there is one."""
    processor = f'{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads'
    return f'{processor}, {torch.cuda.get_device_name()}' if torch.cuda.is_available() else processor
