"""TorchGeo's change detection and seasonal data sets as temporal pairs: thin adapters to the pair contract."""

import os
import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pandas as pd
import rasterio
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchgeo.datasets import OSCD, SSL4EOS12, LEVIRCDBase, SeasonalContrastS2
from torchgeo.datasets.utils import Sample

from geo_noisy.datasets.pair_dataset import Look, PairDataset
from geo_noisy.datasets.samples import noisy_flag
from geo_noisy.pairs.source import PairTable
from geo_noisy.regions.dates.names import date_in_name
from geo_noisy.regions.dates.read import from_seconds, seconds

SECO_PX = 264


class AdaptedPairs(PairDataset):
    """Base class: images of a location by date, from a TorchGeo data set."""

    def __init__(self, transforms: Callable[[Sample], Sample] | None, *, min_noise: float = 0.0) -> None:
        """Initialise a new AdaptedPairs.

        Args:
            transforms: Takes a sample and returns a transformed one.
            min_noise: Pairs with more noise than this are noisy.
        """
        self.transforms, self.min_noise = transforms, min_noise

    @abstractmethod
    def read(self, location: int, dates: Sequence[int]) -> tuple[list[Tensor], Tensor | None]:
        """Images of some dates, and what changed.

        Returns:
            An image a date, [C, H, W] in sensor units, and what changed between the first and the last date of the
            location, [H, W] uint8: 1 yes, 0 no; None where nothing tells.
        """

    def noise(self, location: int) -> float:
        """Share of the pixels that changed between the first and the last date; NaN where unknown."""
        return _share(self.read(location, ())[1])

    @cached_property
    def index(self) -> pd.DataFrame:
        """One row a location: ``location``, ``noise``, ``noisy`` and ``dates``."""
        noise = np.array([self.noise(location) for location in range(len(self))])
        return pd.DataFrame(
            {
                'location': np.arange(len(self)),
                'noise': noise,
                'noisy': [noisy_flag(value, self.min_noise) for value in noise],
                'dates': [list(from_seconds(np.array(self.times(location)))) for location in range(len(self))],
            }
        )

    def pairs(self) -> PairTable:
        """The pairs to choose from: any two dates of a location."""
        rows, flags = [], []
        for location, flag, dates in self.index[['location', 'noisy', 'dates']].itertuples(index=False):
            earlier, later = np.triu_indices(len(dates), k=1)
            rows.append(np.column_stack([np.full(len(earlier), location), earlier, later]))
            flags.append(np.full(len(earlier), flag))
        return PairTable.from_flags(np.concatenate(rows), np.concatenate(flags).astype(np.int8))

    def look(self, location: int, earlier: int, later: int) -> Look:
        """Images of two dates, with the noise between the first and the last date."""
        images, change = self.read(location, (earlier, later))
        noise = _share(change)
        return Look(images, noise=noise, noisy=noisy_flag(noise, self.min_noise), change=change)


class ChangePairs(AdaptedPairs):
    """OSCD or LEVIR-CD: two dates and a mask of what changed, which tells the noise."""

    _UNDATED = (seconds('2000-01-01'), seconds('2001-01-01'))

    def __init__(
        self,
        dataset: OSCD | LEVIRCDBase,
        *,
        min_noise: float = 0.0,
        transforms: Callable[[Sample], Sample] | None = None,
    ) -> None:
        """Initialise a new ChangePairs.

        Args:
            dataset: TorchGeo's data set, without transforms of its own.
            min_noise: Pairs with more noise than this are noisy.
            transforms: Takes a sample and returns a transformed one.

        Raises:
            ValueError: If the data set has transforms: they would change images before they are paired.
        """
        super().__init__(transforms, min_noise=min_noise)
        if dataset.transforms is not None:
            raise ValueError(f'{type(dataset).__name__} has transforms; give them to ChangePairs, after pairing.')
        self.dataset = dataset

    def times(self, location: int) -> list[int]:
        """OSCD's dates; LEVIR-CD publishes none, so its dates are a year apart, from 2000."""
        dates = self.dataset.files[location].get('dates')
        return list(self._UNDATED) if dates is None else [seconds(str(date)) for date in dates]

    def read(self, location: int, dates: Sequence[int]) -> tuple[list[Tensor], Tensor]:
        """Images of some dates, and the mask of what changed."""
        sample = self.dataset[location]
        return [sample['image'][date] for date in dates], sample['mask'][0].to(torch.uint8)

    def __len__(self) -> int:
        """Number of locations."""
        return len(self.dataset)


class SeasonPairs(AdaptedPairs):
    """SSL4EO-S12 or SeCo: several dates of a place, of unknown noise."""

    def __init__(
        self, dataset: SSL4EOS12 | SeasonalContrastS2, *, transforms: Callable[[Sample], Sample] | None = None
    ) -> None:
        """Initialise a new SeasonPairs.

        Args:
            dataset: TorchGeo's data set; its ``seasons`` do not matter, for pairs are chosen by the sampler.
            transforms: Takes a sample and returns a transformed one.

        Raises:
            ValueError: If no location lies below the data set's root.
        """
        super().__init__(transforms)
        self.dataset = dataset
        self.folder = os.path.join(str(dataset.root), self._subfolder())
        self.locations = sorted(name for name in os.listdir(self.folder) if name.isdigit())
        if not self.locations:
            raise ValueError(f'{self.folder} holds no locations.')

    def captures(self, location: int) -> list[tuple[int, str]]:
        """Times and folders of a location's dates, sorted."""
        folder = os.path.join(self.folder, self.locations[location])
        found = [(_folder_time(name), os.path.join(folder, name)) for name in os.listdir(folder)]
        return sorted((time, path) for time, path in found if time is not None)

    def times(self, location: int) -> list[int]:
        """Times of the dates."""
        return [time for time, _ in self.captures(location)]

    def read(self, location: int, dates: Sequence[int]) -> tuple[list[Tensor], None]:
        """Images of some dates; nothing tells what changed."""
        captures = self.captures(location)
        return [self._read_bands(captures[date][1]) for date in dates], None

    def __len__(self) -> int:
        """Number of locations on disk."""
        return len(self.locations)

    def _subfolder(self) -> str:
        if isinstance(self.dataset, SeasonalContrastS2):
            return self.dataset.metadata[self.dataset.version]['directory']
        return self.dataset.split

    def _read_bands(self, folder: str) -> Tensor:
        """Bands of one date at one size, as TorchGeo has them; its own samples are of random dates."""
        bands = []
        for band in self.dataset.bands:
            with rasterio.open(os.path.join(folder, f'{band}.tif')) as file:
                if isinstance(self.dataset, SSL4EOS12):
                    bands.append(file.read(1, out_shape=(self.dataset.size,) * 2).astype(np.float32))
                else:
                    bands.append(_enlarge(file.read(1).astype(np.float32)))
        return torch.from_numpy(np.stack(bands))


def _share(change: Tensor | None) -> float:
    """Share of the pixels that changed; NaN where nothing tells."""
    return float('nan') if change is None else float(change.float().mean())


def _folder_time(name: str) -> int | None:
    """Time in a folder's name such as 20200607T101559_...; None where there is none."""
    return date_in_name(name) if re.search(r'\d{8}', name) else None


def _enlarge(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """A band of SeCo at the size of its finest bands."""
    if min(band.shape) >= SECO_PX:
        return band
    return np.array(Image.fromarray(band).resize((SECO_PX, SECO_PX), Image.Resampling.BILINEAR))
