"""xBD for pretraining: temporal pairs, and the noise that the damage makes."""

from collections.abc import Sequence
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torchgeo.datasets.utils import Path, Sample

from geo_noisy.datasets.pair_dataset import Look, PairDataset
from geo_noisy.datasets.samples import noisy_flag
from geo_noisy.datasets.xbd.base import XBDTiles
from geo_noisy.datasets.xbd.export import write_geotiffs, write_north_up, write_polygons
from geo_noisy.datasets.xbd.labels import DAMAGED
from geo_noisy.datasets.xbd.masks import class_mask, damage_between
from geo_noisy.datasets.xbd.plot import plot_pair
from geo_noisy.datasets.xbd.scan import NAMES
from geo_noisy.pairs.source import PairTable


class XBDPairs(PairDataset, XBDTiles):
    """Pairs of a tile before and after a disaster, with the noise that the damage makes.

    A pair is noisy when its post-disaster tile holds damaged building pixels (minor, major or destroyed) and its
    pre-disaster tile none; its noise is their share of the tile's pixels (paper, section IV-A).

    Samples follow the pair contract (:func:`geo_noisy.datasets.samples.pair_sample`), with masks of two classes,
    background and building, for the dense losses.

    If you use xBD in your research, please cite:

    * https://arxiv.org/abs/1911.09296

    Attributes:
        index: One row a tile: ``location``, ``disaster``, ``image``, ``folder``, ``split``, ``tile``, ``row_px``,
            ``col_px``, ``buildings_*`` and ``pixels_*`` by damage class, ``noise``, ``noisy``, and for each date
            ``time_*``, ``sensor_*``, ``off_nadir_*_deg``, ``resolution_*_m``, ``affine_*``, ``residual_*_m``;
            ``geometry`` is the tile's outline in longitude and latitude.
    """

    classes: ClassVar[tuple[str, ...]] = ('background', 'building')

    def __init__(self, root: Path | Sequence[Path] = 'data', *, min_noise: float = 0.0, **kwargs: Any) -> None:
        """Initialise a new XBDPairs.

        Args:
            root: Folder that holds ``train``, ``tier3``, ``test`` or ``hold``, or several such folders.
            min_noise: Pairs with more noise than this are noisy.
            **kwargs: Arguments of :class:`~geo_noisy.datasets.xbd.base.XBDTiles`.

        Raises:
            DatasetNotFoundError: If none of the folders is there.
            XBDDataError: If files are bad (all are named at once), unless they are left out.
        """
        super().__init__(root, **kwargs)
        self._times = _seconds(self.index)
        self._noise = self.index['noise'].to_numpy()
        self._noisy = _flags(self.index, min_noise)
        self.index.insert(self.index.columns.get_loc('noise') + 1, 'noisy', self._noisy)

    def pairs(self) -> PairTable:
        """The pair (pre, post) of each tile, by stratum."""
        keys = np.column_stack([np.arange(len(self)), np.zeros(len(self)), np.ones(len(self))]).astype(np.int64)
        return PairTable.from_flags(keys, self._noisy)

    def times(self, location: int) -> NDArray[np.int64]:
        """Times of the image before the disaster and of the one after it."""
        return np.asarray(self._times[location])

    def look(self, location: int, earlier: int, later: int) -> Look:
        """Tiles with the buildings of both dates, and the damage between them."""
        source = self._source(location)
        tiles = [self._reader.read(source, date) for date in (earlier, later)]
        return Look(
            [torch.from_numpy(tile[:3]) for tile in tiles],
            noise=float(self._noise[location]),
            noisy=int(self._noisy[location]),
            masks=[torch.from_numpy(class_mask(tile[3], labels=self.labels, binary=True)) for tile in tiles],
            change=torch.from_numpy(damage_between(*(tile[3] for tile in tiles))),
        )

    def plot(self, sample: Sample, show_titles: bool = True, suptitle: str | None = None) -> Figure:
        """Draw pre and post with the buildings by damage, and where in its image the tile lies.

        Args:
            sample: A sample of this data set, with values in sensor units.
            show_titles: Write a title above each panel.
            suptitle: Title of the figure; place, date and noise by default.
        """
        return plot_pair(sample, self.index.iloc[int(sample['place'])], show_titles=show_titles, suptitle=suptitle)

    def write_geotiffs(self, folder: Path, *, north_up: bool = False) -> list[str]:
        """Write both dates of every placed tile as GeoTIFF; returns the paths.

        Args:
            folder: Where to write ``<image>_<tile>_<UTC time>.tif``, pixel by pixel as they are: slightly askew in
                longitude and latitude.
            north_up: Write whole images instead, ``<image>_<UTC time>.tif``, resampled to north up in their UTM zone,
                both dates on one grid: as ``geo-noisy index`` reads them.
        """
        if north_up:
            return write_north_up(self.index, folder)
        return write_geotiffs(self.index, folder, tile_px=self.tile_px)

    def write_polygons(self, path: Path) -> int:
        """Write the buildings of all images as GeoParquet in longitude and latitude; returns their number."""
        return write_polygons(self.index, path, repair=self.labels.repair)


def _flags(index: gpd.GeoDataFrame, min_noise: float) -> NDArray[np.int8]:
    """1 noisy, 0 clean, -1 unknown, [n]. Of unknown noise, what is surely damaged may be enough to be noisy."""
    flags = np.array([noisy_flag(noise, min_noise) for noise in index['noise']], dtype=np.int8)
    pixels = index[[f'pixels_{name}' for name in NAMES]].to_numpy()
    surely = pixels[:, list(DAMAGED)].sum(axis=1) / pixels.sum(axis=1)
    flags[(flags < 0) & (surely > min_noise)] = 1
    return flags


def _seconds(index: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Seconds since 1970 (UTC) of both dates, shape [n, 2]."""
    columns = [index[f'time_{date}'].dt.as_unit('s').astype(np.int64) for date in ('pre', 'post')]
    return np.column_stack(columns)
