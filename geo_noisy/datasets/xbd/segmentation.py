"""xBD downstream: damage segmentation."""

from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.rows import row_of
from geo_noisy.datasets.xbd.base import XBDTiles
from geo_noisy.datasets.xbd.labels import CLASSES
from geo_noisy.datasets.xbd.masks import class_mask
from geo_noisy.datasets.xbd.plot import plot_segmentation
from geo_noisy.datasets.xbd.scan import NAMES


class XBDSegmentation(XBDTiles):
    """Damage segmentation from the post-disaster tile alone (paper, section V-A).

    Samples hold ``image`` [3, H, W] float32 and ``mask`` [H, W] int64 with the five classes; 255 is ignored.

    If you use xBD in your research, please cite:

    * https://arxiv.org/abs/1911.09296

    Attributes:
        index: One row a tile, as in :class:`XBDPairs` but for ``noisy``.
    """

    classes: ClassVar[tuple[str, ...]] = CLASSES

    def __getitem__(self, index: int) -> Sample:
        """Post-disaster tile and its classes."""
        tile = self._reader.read(
            self._source(row_of(index, count=len(self), of=f'the {self.split} split of XBDSegmentation')), 1
        )
        sample: Sample = {
            'image': torch.from_numpy(tile[:3]).to(torch.float32),
            'mask': torch.from_numpy(class_mask(tile[3], labels=self.labels, binary=False)).to(torch.int64),
        }
        return sample if self.transforms is None else self.transforms(sample)

    def class_counts(self) -> NDArray[np.int64]:
        """Pixels of each of the five classes over the split, without the ignored ones; shape [5], int64."""
        pixels = self.index[[f'pixels_{name}' for name in NAMES]].sum().to_numpy(dtype=np.int64)
        counts = np.zeros(256, dtype=np.int64)
        classes = class_mask(np.arange(len(NAMES), dtype=np.uint8), labels=self.labels, binary=False)
        np.add.at(counts, classes, pixels)
        return counts[: len(self.classes)]

    def sources(self) -> NDArray[np.int64]:
        """Number of the image that each tile is cut from, [N, classes], the same for each class."""
        numbers = pd.factorize(self.index['image'])[0]
        return np.repeat(numbers[:, None], len(self.classes), axis=1).astype(np.int64)

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Draw the tile, its classes, and the predicted ones where there.

        Args:
            sample: A sample of this data set, with values in sensor units; ``prediction`` [H, W] is drawn too.
            show_titles: Write a title above each panel.
            suptitle: Title of the figure.
        """
        return plot_segmentation(sample, show_titles=show_titles, suptitle=suptitle)
