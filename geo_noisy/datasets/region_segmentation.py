"""Windows of any georeferenced images with masks of their labels."""

import os
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torchgeo.datasets import NonGeoDataset
from torchgeo.datasets.utils import Sample
from tqdm import tqdm

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datasets.region_plot import draw_labelled
from geo_noisy.datasets.rows import row_of
from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.errors import InputError
from geo_noisy.regions.dates.read import from_seconds
from geo_noisy.regions.files.remote import Remote, asked, settings_of
from geo_noisy.regions.labels.dates import chosen_dates
from geo_noisy.regions.labels.options import RegionLabels
from geo_noisy.regions.labels.read import LabelReader
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.opened import Align


class RegionSegmentation(NonGeoDataset):
    """Windows of a :class:`~geo_noisy.pairs.PairIndex` with a mask of their labels; 255 where nothing was labelled.

    A window without any label at its date is left out, and counted in ``left_out``.

    Attributes:
        classes: Names of the classes, in the order of their numbers.
        rows: Location in the index of the split, and position among its dates, of each sample; [N, 2].
        left_out: Windows of the split without a label.
    """

    def __init__(
        self,
        index: PairIndex | str | os.PathLike[str],
        labels: RegionLabels | LabelReader,
        *,
        split: Literal['train', 'val', 'test'] | None = None,
        date: str = 'latest',
        bands: Sequence[int | str] | None = None,
        align: Align = 'snap',
        fill: float | Literal['mean'] = 'mean',
        max_open: int = 64,
        progress: bool = True,
        remote: Remote | bool = False,
        transforms: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Initialise a new RegionSegmentation.

        Args:
            index: The windows, or the GeoParquet file they are stored in: the whole index, so that every split has the
                same classes.
            labels: Where the labels lie, or what reads them already.
            split: Which windows; all by default.
            date: Which image of a window is shown, for one sample a window: its ``latest`` or ``earliest``, or the one
                nearest to a date, as ``2018-06-15``; ``all`` gives one sample a date. Polygons are those that hold at
                the image's date.
            bands: Names of the bands to give, or their numbers in the index from 1; all by default.
            align: ``snap`` reads the nearest pixels, at most half a pixel off the grid; ``resample`` resamples onto it.
            fill: Value of pixels without data, or ``mean`` for each band's mean; they are 255 in the mask.
            max_open: Files that each worker holds open.
            progress: Whether to show how far the labels are read.
            remote: How images at addresses are opened, see :class:`~geo_noisy.datasets.TemporalPairs`.
            transforms: Takes a sample and returns a transformed one.

        Raises:
            InputError: If the labels cannot serve, or no window of the split has one.
            ValueError: If an argument is out of its range.
        """
        tables = index if isinstance(index, PairIndex) else PairIndex.read(index)
        settings = settings_of(remote)
        if fill == 'mean' and tables.statistics is None and _may_lack_pixels(tables):
            with asked(settings):
                tables = tables.with_statistics()
        self._labels = labels if isinstance(labels, LabelReader) else LabelReader(tables, labels)
        self.classes = self._labels.names
        of_split = tables if split is None else tables.split(split)
        self._images = TemporalPairs(of_split, bands=bands, align=align, fill=fill, max_open=max_open, remote=remote)
        self.split, self.transforms = split, transforms
        rows = chosen_dates(of_split, date)
        self._may_lack_pixels = _may_lack_pixels(of_split)
        counts = np.stack([self._count(*row) for row in tqdm(rows, desc='Labels', leave=False, disable=not progress)])
        there = counts.sum(axis=1) > 0
        self.rows, self._counts, self.left_out = rows[there], counts[there], int((~there).sum())
        if not there.any():
            raise InputError(
                f'None of {len(rows)} windows of {split or "the index"} has a labelled pixel: look where the labels '
                'lie, from when to when they hold, and whether splits by blocks of ground share them out (--block-px).'
            )

    @property
    def index(self) -> PairIndex:
        """The windows of the split."""
        return self._images.pair_index

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        """Return a window and its mask.

        Args:
            index: Number of the sample.

        Returns:
            ``image`` [C, H, W] float32 in sensor units, and ``mask`` [H, W] int64.

        Raises:
            IndexError: If there is no such sample.
        """
        of = f'the {self.split} split of RegionSegmentation' if self.split else 'RegionSegmentation'
        location, date = self.rows[row_of(index, count=len(self), of=of)].tolist()
        pixels, valid = self._images.read(location, date)
        mask = self._mask(location, date)
        mask[~valid] = IGNORE_INDEX
        sample: Sample = {'image': torch.from_numpy(pixels).float(), 'mask': torch.from_numpy(mask).to(torch.int64)}
        return sample if self.transforms is None else self.transforms(sample)

    def class_counts(self) -> NDArray[np.int64]:
        """Pixels of each class in this split, [classes], for class weights."""
        return self._counts.sum(axis=0)

    def band_statistics(self) -> tuple[list[float], list[float]] | None:
        """Mean and deviation of each band given, in sensor units; None where the index has none."""
        return self._images.band_statistics()

    def summary(self) -> str:
        """What there is: samples, classes with their numbers and shares, what was left out, in a line or a few."""
        counts = self.class_counts()
        shares = zip(self.classes, counts / counts.sum(), strict=True)
        told = ', '.join(f'{number} {name} {share:.1%}' for number, (name, share) in enumerate(shares))
        out = f'; {self.left_out} windows without a label left out' if self.left_out else ''
        notes = f'\n{self._labels.notes}' if self._labels.notes else ''
        return f'{self.split or "all"}: {len(self)} samples; {told}{out}{notes}'

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Plot a window, its mask, and its prediction where there is one.

        Args:
            sample: A sample of this data set, with a ``prediction`` [H, W] where there is one.
            show_titles: Whether to write a title above each panel.
            suptitle: Title of the whole figure.
        """
        return draw_labelled(sample, self.classes, show_titles=show_titles, suptitle=suptitle)

    def date_of(self, index: int) -> str:
        """Day of a sample's image."""
        location, date = self.rows[index].tolist()
        return str(from_seconds(self._images.times(location)[[date]])[0].date())

    def _mask(self, location: int, date: int) -> NDArray[np.uint8]:
        return self._labels.mask(self.index, location, time=int(self._images.times(location)[date]))

    def _count(self, location: int, date: int) -> NDArray[np.int64]:
        """Labelled pixels of each class in a window, where its image has data."""
        mask = self._mask(location, date)
        if self._may_lack_pixels:
            mask[~self._images.valid(location, date)] = IGNORE_INDEX
        return np.bincount(mask[mask != IGNORE_INDEX], minlength=len(self.classes)).astype(np.int64)


def _may_lack_pixels(tables: PairIndex) -> bool:
    """Whether an image may have pixels without data in a window."""
    return bool(tables.files[['masked', 'warped']].to_numpy().any())
