"""Rasterio on images that have pixels and no place: its warnings about that are kept quiet."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError

from geo_noisy.errors import InputError

_GDAL = {
    'GDAL_DISABLE_READDIR_ON_OPEN': 'EMPTY_DIR', 'GDAL_PAM_ENABLED': 'NO',  # no look-out for side files
    'GDAL_PNG_WHOLE_IMAGE_OPTIM': 'NO',  # that way a damaged PNG is decoded into garbage in place of an error
}  # fmt: skip
_FILTERS = threading.Lock()


@contextmanager
def without_place() -> Iterator[None]:
    """Use rasterio without a georeference, and without being warned of it.

    Warning filters belong to the whole process and rasterio changes them itself, so threads take turns.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter('ignore', NotGeoreferencedWarning)
        yield


def decode_image(path: str) -> NDArray[np.uint8]:
    """Decode an RGB image: shape [3, 1024, 1024].

    Raises:
        InputError: If it is damaged.
    """
    try:
        with (
            without_place(),
            rasterio.Env(**_GDAL),
            rasterio.open(path, driver='PNG' if path.lower().endswith('.png') else 'GTiff') as image,
        ):
            return np.asarray(image.read())
    except RasterioIOError as error:
        reason = str(error.__cause__ or error)
        raise InputError(f'The image {path} is damaged ({reason}): take another copy of it.') from error
