"""A small tree of texture JPEGs in the layout of DTD."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

SHARED = Path(__file__).resolve().parents[3] / 'shared' / 'data' / 'dtd'
"""Three real categories of DTD, where they are."""

SHADES = {'stratified': 30, 'veined': 130, 'matted': 220}
"""Middle grey of each category of the tree, so that a pixel tells its category."""


def write_textures(
    root: Path, *, categories: Sequence[str] = tuple(SHADES), pictures: int = 10, size_px: tuple[int, int] = (40, 48)
) -> Path:
    """Write ``<root>/images/<category>/*.jpg``, each a plain grey that tells category and number, and return the root.

    Args:
        root: Folder to write into.
        categories: Categories to write.
        pictures: Images of each category, at most 20.
        size_px: Height and width.
    """
    for category in categories:
        folder = root / 'images' / category
        folder.mkdir(parents=True)
        for number in range(pictures):
            pixels = np.full((*size_px, 3), SHADES[category] + number, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f'{category}_{number:04}.jpg', quality=95)
    return root


def truncate(file: Path) -> Path:
    """Cut off the second half of a file."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    return file


def archive_dtd(root: Path, source: Path) -> None:
    """Put an archive of a tree where torchvision's DTD keeps the one it downloads, and takes it from."""
    archive = root / 'dtd' / 'dtd-r1.0.1.tar.gz'
    archive.parent.mkdir(parents=True)
    names = ''.join(f'{path.parent.name}/{path.name}\n' for path in sorted(source.glob('images/*/*.jpg'))).encode()
    entry = tarfile.TarInfo('dtd/labels/train1.txt')
    entry.size = len(names)
    with tarfile.open(archive, 'w:gz') as tar:
        tar.add(source / 'images', arcname='dtd/images')
        tar.addfile(entry, io.BytesIO(names))
