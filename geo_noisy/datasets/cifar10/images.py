"""CIFAR-10 with false positive pairs: the control beside which noisy pairs stand."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torchgeo.datasets import DatasetNotFoundError, NonGeoDataset
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.cifar10.files import CLASSES, CIFAR10Data, download_cifar10, has_cifar10, read_cifar10
from geo_noisy.datasets.pair_dataset import Look, PairDataset
from geo_noisy.datasets.panels import Panel, draw_panels
from geo_noisy.datasets.rows import row_of
from geo_noisy.datasets.samples import DATES, TIMES
from geo_noisy.pairs.source import PairTable

Split = Literal['train', 'val', 'test']
SPLITS: tuple[Split, ...] = ('train', 'val', 'test')


class CIFAR10(NonGeoDataset):
    """CIFAR-10 for a classifier.

    ``train`` and ``val`` share out the 50,000 training images, ``test`` holds the 10,000 test images.

    If you use this dataset in your research, please cite Krizhevsky, Learning multiple layers of features from tiny
    images (2009).
    """

    classes = CLASSES
    all_bands = ('R', 'G', 'B')
    rgb_bands = ('R', 'G', 'B')
    cmap = ListedColormap(['black', 'white'])

    def __init__(
        self,
        root: str | Path = Path('data/cifar10'),
        *,
        split: Split = 'train',
        transforms: Callable[[Sample], Sample] | None = None,
        download: bool = False,
        count: int | None = None,
        val_count: int = 5000,
        seed: int = 0,
    ) -> None:
        """Initialise a new CIFAR10 instance.

        Args:
            root: Folder with ``cifar-10-batches-py`` (as torchvision keeps it), or with ``train.parquet`` and
                ``test.parquet`` of encoded images and class names.
            split: One of 'train', 'val' or 'test'.
            transforms: Takes a sample and returns a transformed one.
            download: Whether to download CIFAR-10 into ``root`` where it is not there.
            count: Images in the split, the first of a seeded order; all by default.
            val_count: Training images that are kept for validation.
            seed: Seed of that order, and of the partners in pairs.

        Raises:
            DatasetNotFoundError: If CIFAR-10 is not in *root* and *download* is False.
            ValueError: If an argument is out of its range or a file is damaged.
        """
        self.root, self.split, self.transforms, self.download = Path(root), split, transforms, download
        if split not in SPLITS:
            raise ValueError(f'split is {split!r}; choose one of {SPLITS}.')
        if not has_cifar10(self.root):
            if not download:
                raise DatasetNotFoundError(self)
            download_cifar10(self.root)
        data = read_cifar10(self.root, train=split != 'test')
        rows = _split_rows(len(data.labels), split, val_count, seed)
        if count is not None and not 1 <= count <= len(rows):
            raise ValueError(f'count is {count}; the {split} split has 1 to {len(rows)} images.')
        rows = rows[:count]
        self.data = CIFAR10Data(data.images[rows], data.labels[rows])
        self.seed = seed

    def __len__(self) -> int:
        """Number of images."""
        return len(self.data.labels)

    def __getitem__(self, index: int) -> Sample:
        """Return an image and its class.

        Args:
            index: Number of the image.

        Returns:
            ``image`` [3, 32, 32] float32 from 0 to 255, and ``label`` [] int64.

        Raises:
            IndexError: If there is no such image.
        """
        row = row_of(index, count=len(self), of=f'the {self.split} split of CIFAR10')
        sample: Sample = {'image': self._image(row).float(), 'label': torch.tensor(self.data.labels[row])}
        return sample if self.transforms is None else self.transforms(sample)

    def class_counts(self) -> NDArray[np.int64]:
        """Number of images of each class."""
        return np.bincount(self.data.labels, minlength=len(CLASSES)).astype(np.int64)

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Plot a sample.

        Args:
            sample: A sample from this data set.
            show_titles: Whether to write the class above the image.
            suptitle: Title of the whole figure.

        Returns:
            A figure with the image.
        """
        panels = [Panel(CLASSES[int(sample['label'])], sample['image'])]
        return draw_panels(panels, cmap=self.cmap, show_titles=show_titles, suptitle=suptitle)

    def _image(self, number: int) -> torch.Tensor:
        return torch.from_numpy(self.data.images[number])


class CIFAR10Pairs(PairDataset, CIFAR10):
    """Pairs of CIFAR-10 images, true and false positive (paper, Fig. 1).

    A true pair is an image with itself, to be augmented twice; a false one is an image with another of another
    class, fixed by the seed. Date 0 is the image, date 1 its false partner; all of a false pair is noise.
    """

    @cached_property
    def partners(self) -> NDArray[np.int64]:
        """Number of the false partner of each image.

        Raises:
            ValueError: If all images are of one class.
        """
        return _partners_of_another_class(self.data.labels, self.seed)

    @property
    def index(self) -> pd.DataFrame:
        """One row an image: ``location``, ``noise``, ``noisy``, ``earlier``, ``later``, ``label``, ``partner``."""
        return pd.DataFrame(
            {
                'location': np.arange(len(self), dtype=np.int64),
                'noise': 1.0,
                'noisy': np.int8(1),
                'earlier': DATES[0],
                'later': DATES[1],
                'label': self.data.labels,
                'partner': self.partners,
            }
        )

    def pairs(self) -> PairTable:
        """The pairs to choose from: each image with itself (clean), and with its false partner (noisy)."""
        clean = np.zeros((len(self), 3), np.int64)
        clean[:, 0] = np.arange(len(self))
        unknown = np.empty((0, 3), np.int64)
        return PairTable(clean, clean + np.array([0, 0, 1]), unknown, coupled=True)

    def times(self, location: int) -> list[int]:
        """Times of an image and of its false partner: a year apart, for the images know none."""
        return TIMES

    def look(self, location: int, earlier: int, later: int) -> Look:
        """The image, and its false partner, all of which is noise."""
        pair = (location, int(self.partners[location]))
        return Look([self._image(pair[date]) for date in (earlier, later)], noise=1.0, noisy=1)

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Plot a pair; all of a false one is outlined, as all of it is noise.

        Args:
            sample: A sample from this data set.
            show_titles: Whether to write above each image what it is.
            suptitle: Title of the whole figure.
        """
        names = ('image', 'false partner' if float(sample['noise']) else 'the same image')
        changed = torch.full(sample['image'].shape[-2:], float(sample['noise']))
        panels = [Panel(name, image, changed) for name, image in zip(names, sample['image'], strict=True)]
        return draw_panels(panels, cmap=self.cmap, show_titles=show_titles, suptitle=suptitle)


def _split_rows(total: int, split: Split, val_count: int, seed: int) -> NDArray[np.int64]:
    """Rows of a split, in a seeded order."""
    order = np.random.default_rng(np.random.SeedSequence([seed, SPLITS.index('test') if split == 'test' else 0]))
    rows = order.permutation(total)
    if split == 'test':
        return rows
    if not 1 <= val_count < total:
        raise ValueError(f'val_count is {val_count}; of {total} training images keep at least 1 for each split.')
    return rows[total - val_count :] if split == 'val' else rows[: total - val_count]


def _partners_of_another_class(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """For each image another one of another class, uniformly at random."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    if (counts == len(labels)).any():
        raise ValueError(f'All {len(labels)} images are of one class, so none has a partner of another: take more.')
    order = np.argsort(labels, kind='stable')  # class by class
    first = np.concatenate([[0], counts.cumsum()[:-1]])
    rng = np.random.default_rng(np.random.SeedSequence([seed, len(labels)]))
    position = rng.integers(len(labels) - counts[labels])  # among the images of other classes
    position += np.where(position >= first[labels], counts[labels], 0)  # past the block of its own class
    return order[position]
