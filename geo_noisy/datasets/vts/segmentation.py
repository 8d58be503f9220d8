"""VTS for the downstream task: texture images with the true class of each pixel."""

from typing import Any, Literal, get_args

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torchgeo.datasets.utils import Path, Sample

from geo_noisy.datasets.panels import Panel, draw_panels
from geo_noisy.datasets.rows import row_of
from geo_noisy.datasets.vts.base import VTS

SegmentationNoise = Literal['half', 'evaluation', 'none']

_COIN = 2  # sets the coins apart from the streams of the images


class VTSSegmentation(VTS):
    """Texture images with the true class of each pixel, for the downstream task.

    Three classes by default: half of the images have noise cells, half of their cells each, which are the
    third class; the same in all splits, and independent of the noise in pretraining. The texture images of
    a split are those of ``VTSPairs``, the images are others.

    If you use this dataset in your research, please cite:

    * Gerard and Sullivan, Contrastive pretraining for semantic segmentation is robust to noisy positive pairs
      (section IV-B)
    * with DTD as textures, https://doi.org/10.1109/CVPR.2014.461
    """

    title = 'VTS segmentation'
    _stream = 1

    def __init__(self, root: Path | None = None, *, noise: SegmentationNoise = 'half', **kwargs: Any) -> None:
        """Initialise a new VTSSegmentation instance.

        Args:
            root: Folder with ``images/<category>/*.jpg`` (the layout of DTD); None takes embedded textures.
            noise: Which images have noise cells. 'half' of them, in every split (chosen by us); 'evaluation':
                as 'half' but none in the training split (the paper's words taken literally); 'none': a task
                of two classes, in which the noise texture is of no use.
            **kwargs: Arguments of :class:`~geo_noisy.datasets.vts.base.VTS`; ``split_seed`` as in pretraining.

        Raises:
            DatasetNotFoundError: If there are no textures in *root* and *download* is False.
            ValueError: If an argument is out of its range, or a texture category or image is unfit.
        """
        if noise not in get_args(SegmentationNoise):
            raise ValueError(f'noise is {noise!r}; choose one of {get_args(SegmentationNoise)}.')
        self.noise = noise
        self.kinds = self.num_classes = 2 if noise == 'none' else 3
        super().__init__(root, **kwargs)
        self.classes = self.categories
        self._class_counts: NDArray[np.int64] | None = None

    def __getitem__(self, index: int) -> Sample:
        """Return an image and its mask.

        Args:
            index: Number of the image.

        Returns:
            ``image`` [3, H, W] float32 from 0 to 255, and ``mask`` [H, W] int64.

        Raises:
            IndexError: If there is no such image.
        """
        image, mask = self._row(row_of(index, count=len(self), of=f'the {self.split} split of VTSSegmentation'))
        sample: Sample = {'image': image.to(torch.float32), 'mask': mask.to(torch.int64)}
        return sample if self.transforms is None else self.transforms(sample)

    def class_counts(self) -> NDArray[np.int64]:
        """Number of pixels of each class in this split, for class weights; no texture is read."""
        if self._class_counts is None:
            counts = np.zeros(self.num_classes, dtype=np.int64)
            for number in range(len(self)):
                counts += np.bincount(self._mask(number).ravel(), minlength=self.num_classes)
            self._class_counts = counts
        return self._class_counts.copy()

    def sources(self) -> NDArray[np.int64]:
        """Number of the texture image that each class's pixels of each image come from, [N, classes]; -1 for none."""
        rows = [self.mosaics.sources(number, noise_cells=self._noise_cells(number)) for number in range(len(self))]
        return np.array(rows, dtype=np.int64)[:, : self.num_classes]

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Plot an image.

        Args:
            sample: A sample from this data set, with a ``prediction`` [H, W] where there is one.
            show_titles: Whether to write a title above each panel.
            suptitle: Title of the whole figure.

        Returns:
            A figure with the image, its mask and its prediction.
        """
        panels = [Panel(name.capitalize(), sample[name]) for name in ('image', 'mask', 'prediction') if name in sample]
        return draw_panels(panels, cmap=self.cmap, show_titles=show_titles, suptitle=suptitle)

    def _make(self, number: int) -> tuple[NDArray, ...]:
        mosaic = self.mosaics.make(number, noise_cells=self._noise_cells(number))
        return mosaic.noisy_image, mosaic.labels.true()

    def _mask(self, number: int) -> NDArray[np.uint8]:
        return self.mosaics.make_labels(number, noise_cells=self._noise_cells(number)).true()

    def _noise_cells(self, number: int) -> int:
        """Half of the cells in one image of every two, 2i and 2i + 1, chosen by a coin: half of the images."""
        if self.noise == 'none' or (self.noise == 'evaluation' and self.split == 'train'):
            return 0
        coin = np.random.default_rng(np.random.SeedSequence([*self.mosaics.stream, _COIN, number // 2])).integers(2)
        return self.cells // 2 if coin == number % 2 else 0
