"""The index of a region as a data module takes it: chosen ground and dates, with splits and band statistics."""

import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from geo_noisy.regions.dates.read import period
from geo_noisy.regions.files.remote import Remote, asked, settings_of
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.locations import UNASSIGNED


def selection_of(
    *,
    roi: tuple[float, float, float, float] | None,
    toi: tuple[str, str] | None,
    months: Sequence[int] | None,
    sensors: Sequence[str] | None,
) -> dict[str, Any]:
    """Arguments of :meth:`PairIndex.select`.

    Args:
        roi: Region of interest as (left, bottom, right, top).
        toi: First and last date of interest.
        months: Months (1 to 12) that dates must lie in.
        sensors: Sensors that dates must come from.

    Raises:
        ValueError: If a date is wrong, or the region has no area: told now, not after hours.
    """
    if roi is not None and not (roi[0] < roi[2] and roi[1] < roi[3] and np.isfinite(roi).all()):
        raise ValueError(f'roi is {tuple(roi)}; give left, bottom, right and top, in this order, as numbers.')
    if toi is not None:
        period(toi)
    return {'roi': None if roi is None else shapely.box(*roi), 'toi': toi, 'months': months, 'sensors': sensors}


def read_region(
    path: str | os.PathLike[str],
    *,
    root: str | None,
    selection: Mapping[str, Any],
    blocks: Mapping[str, Any],
    seed: int,
    remote: Remote | bool = False,
) -> PairIndex:
    """Read an index, choose from it, and give it splits and statistics where it has none.

    Args:
        path: GeoParquet file written by ``geo-noisy index``.
        root: Folder that the images moved to.
        selection: What to keep, see :func:`selection_of`.
        blocks: Arguments of :meth:`PairIndex.with_splits`, where the index has no splits.
        seed: Seed of splits and of the windows that statistics come from.
        remote: How images at addresses are opened for statistics, see :class:`~geo_noisy.datasets.TemporalPairs`.

    Raises:
        ValueError: If blocks are given, and the index has splits of its own.
    """
    pairs = PairIndex.read(path, root=root).select(**selection)
    if (pairs.locations.split == UNASSIGNED).all():
        pairs = pairs.with_splits(**blocks, seed=seed)
    else:
        _refuse_blocks(path, blocks)
    if pairs.statistics:
        return pairs
    with asked(settings_of(remote)):
        return pairs.with_statistics(seed=seed)


def _refuse_blocks(path: str | os.PathLike[str], blocks: Mapping[str, Any]) -> None:
    defaults = inspect.signature(PairIndex.with_splits).parameters
    idle = [name for name, value in blocks.items() if value != defaults[name].default]
    if idle:
        raise ValueError(
            f'{" and ".join(idle)} cannot act: {path} has splits of its own. Leave them away, or index without --split.'
        )
