"""Files for which what is asked can be answered: nothing that was asked for is passed over in silence."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_noisy.errors import InputError
from geo_noisy.regions.files.exclusions import describe, tally
from geo_noisy.regions.files.file_scan import FileScan
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.windows.coverage import Limits

Flags = NDArray[np.bool_]


def eligible(scan: FileScan, *, limits: Limits, rules: PairRules) -> FileScan:
    """Leave out files that are too cloudy, or of which cover or sensor is unknown while it is asked for.

    Args:
        scan: The files.
        limits: What a window must offer.
        rules: Which dates make a pair.

    Raises:
        InputError: If no file is left.
        ValueError: If cover or sensor is asked for and known of no file, or the cover looks like a fraction.
    """
    reasons: dict[str, Flags] = {}
    if limits.max_cloud is not None:
        reasons |= _clouds(scan, limits.max_cloud, by_band=limits.cloud_band is not None)
    if rules.same_sensor:
        reasons['sensor unknown, and --same-sensor asks for one'] = ~of_known_sensor(scan.files)
    problems = [(reason, paths[0]) for reason, chosen in reasons.items() for paths in scan.files['paths'][chosen]]
    if not problems:
        return scan
    excluded = (*scan.excluded, *tally('file', problems))
    left = ~np.any(list(reasons.values()), axis=0)
    if not left.any():
        raise InputError(f'None of {len(left)} files is left:\n{describe(excluded)}')
    return replace(scan, files=scan.files[left].reset_index(drop=True), excluded=excluded)


def _clouds(scan: FileScan, max_cloud: float, *, by_band: bool) -> dict[str, Flags]:
    """Files that are too cloudy, and those of which nothing tells the cover."""
    cover = scan.files['cloud'].to_numpy(dtype=np.float64)
    codes = {mask.name for mask in scan.content.masks if mask.tells_cloud}
    by_mask = np.array([by_band or any(mask[0] in codes for mask in masks) for masks in scan.files['masks']])
    unknown = np.isnan(cover) & ~by_mask
    if unknown.all():
        told = f' ({scan.cloud_source})' if scan.cloud_source else ''
        raise ValueError(
            f'max_cloud is {max_cloud:g}, but nothing tells the cloud cover of any file{told}: give a table with a '
            'column of cover (--cloud-column), images of a product with a mask, or a band of clouds (--cloud-band).'
        )
    _refuse_fractions(cover[~np.isnan(cover)], max_cloud, scan.cloud_source)
    return {
        f'cloud cover above {max_cloud:g} %': cover > max_cloud,
        'cloud cover unknown, and --max-cloud limits it': unknown,
    }


def _refuse_fractions(cover: NDArray[np.float64], max_cloud: float, source: str) -> None:
    if len(cover) and 0 < cover.max() <= min(1.0, max_cloud):
        raise ValueError(
            f'max_cloud is {max_cloud:g} percent, but {source or "the cloud cover"} lies between {cover.min():g} and '
            f'{cover.max():g}. If these are fractions, multiply them by 100; if they are percent, leave --max-cloud '
            'away: it leaves nothing out.'
        )


def of_known_sensor(files: pd.DataFrame) -> Flags:
    """Files whose sensor is known, [n].

    Raises:
        ValueError: If that of none is.
    """
    known = (files['sensor'] != '').to_numpy()
    if not known.any():
        raise ValueError(
            'same_sensor (--same-sensor) asks for pairs of one sensor, but nothing tells the sensor of any file: give '
            '--sensor-regex, or a table with a column of sensors (--sensor-column).'
        )
    return np.asarray(known)
