"""VTS for pretraining: pairs of a texture image and its noisy partner, with full control over the noise."""

import warnings
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torchgeo.datasets.utils import Path, Sample

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datasets.pair_dataset import Look, PairDataset
from geo_noisy.datasets.panels import Panel, draw_panels
from geo_noisy.datasets.samples import DATES, TIMES, noisy_flag
from geo_noisy.datasets.vts.base import VTS, check_rate
from geo_noisy.datasets.vts.mosaic import NOISE_CLASS
from geo_noisy.datasets.vts.voronoi import count_noise_cells
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.source import PairTable

ExposureLabels = Literal['noise_free', 'ignore', 'true']


class VTSPairs(PairDataset, VTS):
    """Pairs of a noise-free texture image and its noisy partner, for pretraining.

    Each image has Voronoi cells, split evenly at random between two texture classes. In its noisy partner,
    ``round(r_img * cells)`` of the cells show a third texture. The partner of an image is fixed, and coupled
    over ``r_img``: the noise cells of a lower level are among those of a higher one, with the same geometry
    and the same textures.

    The noise-free image has date 0 and the noisy partner date 1. ``dataset[i]`` is the noisy pair of image
    i; ``dataset[PairKey(i, 0, 0)]`` pairs the image with itself. Masks hold the noise-free classes at both
    dates (paper, section IV-B1), but for mere exposure where ``exposure_labels`` says otherwise.

    If you use this dataset in your research, please cite:

    * Gerard and Sullivan, Contrastive pretraining for semantic segmentation is robust to noisy positive pairs
      (section IV-B)
    * with DTD as textures, https://doi.org/10.1109/CVPR.2014.461
    """

    title = 'VTS pairs'
    _stream = 0

    def __init__(
        self,
        root: Path | None = None,
        *,
        r_img: float = 0.5,
        min_noise: float = 0.0,
        exposure_labels: ExposureLabels = 'noise_free',
        **kwargs: Any,
    ) -> None:
        """Initialise a new VTSPairs instance.

        Args:
            root: Folder with ``images/<category>/*.jpg`` (the layout of DTD); None takes embedded textures.
            r_img: Per-image noise, the share of the cells that are replaced in the noisy partner.
            min_noise: Pairs with more noise than this are noisy.
            exposure_labels: Labels of the noise cells in mere-exposure pairs, which show them twice. ``noise_free``,
                as in noisy pairs: a dense loss then learns false labels at both dates. ``ignore`` (255): it learns
                nothing from them, so that exposure differs from noise by the false matches alone. ``true``: they are
                class 2, which tells the loss of the third texture.
            **kwargs: Arguments of :class:`~geo_noisy.datasets.vts.base.VTS`.

        Raises:
            DatasetNotFoundError: If there are no textures in *root* and *download* is False.
            ValueError: If an argument is out of its range, or a texture category or image is unfit.

        Warns:
            UserWarning: If ``r_img`` is not a whole number of cells.
        """
        check_rate('r_img', r_img)
        check_rate('min_noise', min_noise)
        if exposure_labels not in get_args(ExposureLabels):
            raise ValueError(f'exposure_labels is {exposure_labels!r}; choose one of {get_args(ExposureLabels)}.')
        self.r_img, self.min_noise, self.exposure_labels = r_img, min_noise, exposure_labels
        super().__init__(root, **kwargs)
        self._warn_of_rounded_noise()

    @property
    def noise_cells(self) -> int:
        """Cells that the noise takes in a noisy partner."""
        return count_noise_cells(self.cells, self.r_img)

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row a location: ``location``, ``noise``, ``noisy``, and the dates ``earlier`` and ``later``."""
        noise = self._noise_shares()
        return pd.DataFrame(
            {
                'location': np.arange(len(self), dtype=np.int64),
                'noise': noise,
                'noisy': (noise > self.min_noise).astype(np.int8),
                'earlier': DATES[0],
                'later': DATES[1],
            }
        )

    def pairs(self) -> PairTable:
        """The pairs to choose from: each image with itself (clean), and with its noisy partner (noisy)."""
        locations = self.index['location'].to_numpy()
        clean = np.stack([locations, np.zeros_like(locations), np.zeros_like(locations)], axis=1)
        noisy = clean[self.index['noisy'].to_numpy() == 1] + np.array([0, 0, 1])
        return PairTable(clean, noisy, unknown=np.empty((0, 3), dtype=np.int64), coupled=True)

    def times(self, location: int) -> list[int]:
        """Times of the noise-free image and of its noisy partner: a year apart, for the textures know none."""
        return TIMES

    def look(self, location: int, earlier: int, later: int) -> Look:
        """Images from 0 to 255, the noise-free ``mask`` at both dates, and the noise cells as ``change``."""
        images, labels, in_noise = self._row(location)
        noise = int(torch.count_nonzero(in_noise)) / self.size_px**2
        return Look(
            [images[date] for date in (earlier, later)],
            noise=noise,
            noisy=noisy_flag(noise, self.min_noise),
            masks=[labels, labels],
            change=in_noise,
        )

    def _sample(self, key: PairKey) -> Sample:
        """The sample of a key, with the labels that mere exposure is to have."""
        sample = super()._sample(key)
        if key.exposure and key.later and self.exposure_labels != 'noise_free':
            label = IGNORE_INDEX if self.exposure_labels == 'ignore' else NOISE_CLASS
            sample['mask'].masked_fill_(self._row(key.location)[2] == 1, label)
        return sample

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Plot a pair.

        Args:
            sample: A sample from this data set, with a ``prediction`` [2, H, W] or [H, W] where there is one.
            show_titles: Whether to write a title above each panel.
            suptitle: Title of the whole figure.

        Returns:
            A figure with the pair, its noise outlined, its mask and its prediction.
        """
        noise = float(sample['noise'])
        second = 'Later image twice' if bool(sample['exposure']) else f'Later image, noise {noise:.2f}'
        dates = zip(('Earlier image', second), sample['image'], strict=True)
        panels = [Panel(title, image, sample['change']) for title, image in dates]
        panels += [Panel(name.capitalize(), sample[name]) for name in ('mask', 'prediction') if name in sample]
        return draw_panels(panels, cmap=self.cmap, show_titles=show_titles, suptitle=suptitle)

    def _warn_of_rounded_noise(self) -> None:
        exact, taken = self.r_img * self.cells, self.noise_cells
        if abs(exact - taken) > 1e-9:
            warnings.warn(
                f'r_img is {self.r_img:g}, {exact:g} of {self.cells} cells: it is rounded to {taken} cells, an r_img '
                f'of {taken / self.cells:.3g}. Choose r_img or cells so that r_img * cells is whole.',
                stacklevel=3,
            )

    def _make(self, location: int) -> tuple[NDArray, ...]:
        """Images [2, 3, H, W], noise-free labels [H, W] and the noise cells [H, W]."""
        mosaic = self.mosaics.make(location, noise_cells=self.noise_cells)
        in_noise = mosaic.labels.in_noise.view(np.uint8)
        return np.stack([mosaic.image, mosaic.noisy_image]), mosaic.labels.clean, in_noise

    def _noise_shares(self) -> NDArray[np.float64]:
        if self._rows is not None:
            return np.asarray(np.count_nonzero(self._rows[2].numpy(), axis=(1, 2)) / self.size_px**2)
        counts = [self.mosaics.count_noise_pixels(i, noise_cells=self.noise_cells) for i in range(len(self))]
        return np.array(counts) / self.size_px**2
