"""The images and labels of CIFAR-10, from torchvision's files or from Parquet."""

import functools
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from geo_noisy.errors import InputError

CLASSES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck')
SIDE_PX = 32


class CIFAR10Data(NamedTuple):
    """A whole file of CIFAR-10."""

    images: NDArray[np.uint8]
    """Shape [N, 3, 32, 32]."""
    labels: NDArray[np.int64]
    """Position in ``CLASSES``, shape [N]."""


def download_cifar10(root: Path) -> None:
    """Download CIFAR-10 into a root (170 MB), by torchvision."""
    from torchvision.datasets import CIFAR10  # here, as most users never download

    CIFAR10(root, download=True)


def has_cifar10(root: Path) -> bool:
    """Whether a folder holds CIFAR-10 in either form."""
    return (root / 'cifar-10-batches-py').is_dir() or (root / 'train.parquet').exists()


@functools.lru_cache(maxsize=2)
def read_cifar10(root: Path, *, train: bool) -> CIFAR10Data:
    """Read and decode one of the two files, once in a process.

    Args:
        root: Folder with ``cifar-10-batches-py`` (torchvision), or with ``train.parquet`` and ``test.parquet``, whose
            columns are ``image`` (bytes of an image file) and ``label`` (name or number of the class).
        train: The 50,000 training images, or else the 10,000 test images.

    Raises:
        InputError: If a file is not what it should be.
    """
    if (root / 'cifar-10-batches-py').is_dir():
        from torchvision.datasets import CIFAR10

        try:
            data = CIFAR10(root, train=train)  # compares checksums before it unpickles anything
        except RuntimeError as error:
            folder = root / 'cifar-10-batches-py'
            raise InputError(
                f'{folder} does not hold the files of CIFAR-10, by their checksums: take another copy of '
                'cifar-10-python.tar.gz, or remove the folder and set download.'
            ) from error
        return CIFAR10Data(np.ascontiguousarray(data.data.transpose(0, 3, 1, 2)), np.asarray(data.targets, np.int64))
    return _read_parquet(root / f'{"train" if train else "test"}.parquet')


def _read_parquet(path: Path) -> CIFAR10Data:
    if path.exists() and not path.is_file():
        raise InputError(f'{path} is no file (a folder, pipe or device); put the table of images there.')
    try:
        table: pd.DataFrame = pd.read_parquet(path, columns=['image', 'label'])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f'{path} is no Parquet file with the columns image and label: {error}') from error
    if table.empty:
        raise InputError(f'{path} holds no images; put the whole table there.')
    images = np.empty((len(table), 3, SIDE_PX, SIDE_PX), np.uint8)
    for row, content in enumerate(tqdm(table['image'], desc=f'Decoding {path.name}', leave=False)):
        images[row] = _decode(content, path, row)
    names = {name: number for number, name in enumerate(CLASSES)} | {number: number for number in range(len(CLASSES))}
    labels = table['label'].map(names)
    if labels.isna().any():
        row = int(labels.isna().to_numpy().argmax())
        raise InputError(f'{path}, row {row}: label {table["label"][row]!r} is none of {CLASSES}.')
    return CIFAR10Data(images, np.asarray(labels, np.int64))


def _decode(content: bytes, path: Path, row: int) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=('PNG', 'JPEG')) as image:
            pixels = np.asarray(image.convert('RGB')).transpose(2, 0, 1)
    except (UnidentifiedImageError, OSError, TypeError) as error:
        raise InputError(f'{path}, row {row}: the image cannot be decoded ({error}).') from error
    if pixels.shape != (3, SIDE_PX, SIDE_PX):
        raise InputError(f'{path}, row {row}: the image is {pixels.shape[2]} x {pixels.shape[1]} px, not 32 x 32.')
    return pixels
