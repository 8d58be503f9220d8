"""Small files in the two forms of CIFAR-10."""

import io
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from geo_noisy.datasets.cifar10.files import CLASSES


def write_parquet(root: Path, train: int = 60, test: int = 20) -> Path:
    """Files of PNG bytes and class names; image n is a shade of red of its own, a class a shade of green."""
    root.mkdir(parents=True, exist_ok=True)
    for name, count, first in (('train', train, 0), ('test', test, 100)):
        images = [_png(first + number) for number in range(count)]
        labels = [CLASSES[number % 10] for number in range(count)]
        pd.DataFrame({'image': images, 'label': labels}).to_parquet(root / f'{name}.parquet')
    return root


def _png(shade: int) -> bytes:
    content = io.BytesIO()
    Image.new('RGB', (32, 32), (shade, 25 * (shade % 10), 0)).save(content, 'PNG')
    return content.getvalue()


def write_batches(root: Path, count: int = 4) -> Path:
    """Python batches as in the original archive, ``count`` images each."""
    folder = root / 'cifar-10-batches-py'
    folder.mkdir(parents=True)
    for number, name in enumerate([*(f'data_batch_{i}' for i in range(1, 6)), 'test_batch']):
        pixels = np.full((count, 3, 32, 32), 10 * number, np.uint8)
        pixels[:, 1] += np.arange(count, dtype=np.uint8)[:, None, None]
        batch = {'data': pixels.reshape(count, -1), 'labels': [i % 10 for i in range(count)]}
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / 'batches.meta').write_bytes(pickle.dumps({'label_names': list(CLASSES)}))
    return root
