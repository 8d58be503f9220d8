"""With what a row was made: code, packages, machine."""

import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
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


@functools.cache
def commit() -> str | None:
    """Commit of the checkout that this package is of; None where it is installed, or there is no git."""
    checkout = Path(geo_noisy.__file__).resolve().parents[1]
    git = shutil.which('git')
    if git is None or not (checkout / '.git').exists():  # a folder, or the file of a worktree
        return None
    found = subprocess.run([git, '-C', checkout, 'rev-parse', 'HEAD'], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def provenance() -> dict[str, str | None]:
    """Code, packages and machine, as they go into a row."""
    return {
        'code': code_version(),
        'commit': commit(),
        'versions': json.dumps(package_versions()),
        'hardware': hardware(),
    }


def processor(cpuinfo: Path = Path('/proc/cpuinfo')) -> str:
    """Name of the processor, its family and model, and whether it has AMX, on which other sums come out.

    Args:
        cpuinfo: Where Linux tells of it; elsewhere the kind of machine has to do.
    """
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    text = cpuinfo.read_text()
    found = [re.search(rf'^{name}\s*: (.+)$', text, re.MULTILINE) for name in ('model name', 'cpu family', 'model')]
    words = ' '.join(match[1] for match in found if match)
    return f'{words}, AMX' if re.search(r'^flags.*\bamx_bf16\b', text, re.MULTILINE) else words or platform.machine()


def hardware() -> str:
    """Processor, its cores, the threads in use, and the GPU where there is one."""
    words = f'{platform.machine()}, {processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads'
    return f'{words}, {torch.cuda.get_device_name()}' if torch.cuda.is_available() else words
