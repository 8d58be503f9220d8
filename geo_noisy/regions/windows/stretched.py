"""Sites whose CRS stretches the ground, as web maps do: sizes in its metres are no sizes on the ground."""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from pyproj import CRS, Proj

from geo_noisy.regions.files.bounds import Bounds, transform_bounds
from geo_noisy.regions.files.doubts import Doubt
from geo_noisy.regions.windows.zones import MOST_DISTORTION, WGS84, utm_zone


class _Stretch(NamedTuple):
    """By how much a CRS lengthens the ground in the middle of a site: east and north, 1 for not at all."""

    east: float
    north: float
    zone: str

    @property
    def off(self) -> float:
        return max(abs(self.east - 1), abs(self.north - 1))


def stretched_sites(files: pd.DataFrame, sites: pd.DataFrame) -> list[Doubt]:
    """Doubts about sites in whose middle a length is off by more than 3 %, one for each CRS, by the worst of its sites.

    Args:
        files: The placed files, with ``site``.
        sites: Their grids.
    """
    first = files.drop_duplicates('site').sort_values('site')
    found: dict[str, list[tuple[_Stretch, int]]] = {}
    for number, (crs, box) in enumerate(zip(sites['crs'], transform_bounds(first, WGS84), strict=True)):
        stretch = _stretch(crs, box)
        if stretch.off > MOST_DISTORTION:
            found.setdefault(crs, []).append((stretch, number))
    examples = first['paths'].str[0].tolist()
    return [_doubt(crs, stretches, sites, examples) for crs, stretches in found.items()]


def _stretch(crs: str, box: Bounds) -> _Stretch:
    left, bottom, right, top = box.tolist()
    lon = (left + (right if right >= left else right + 360)) / 2
    factors = Proj(crs).get_factors((lon + 180) % 360 - 180, (bottom + top) / 2)
    return _Stretch(float(factors.parallel_scale), float(factors.meridional_scale), utm_zone(*box.tolist()))


def _off(stretched: tuple[_Stretch, int]) -> float:
    return stretched[0].off


def _doubt(crs: str, stretches: Sequence[tuple[_Stretch, int]], sites: pd.DataFrame, examples: Sequence[str]) -> Doubt:
    worst, number = max(stretches, key=_off)
    unit_m = CRS.from_user_input(crs).axis_info[0].unit_conversion_factor
    width, height = (float(sites[name].iloc[number]) for name in ('res_x', 'res_y'))
    text = (
        f'{crs} stretches the ground {worst.east:.3g} times east and {worst.north:.3g} times north, so pixels of '
        f'{width:g} by {height:g} units are {width * unit_m / worst.east:.3g} by {height * unit_m / worst.north:.3g} m'
    )
    remedy = f'--crs {worst.zone} measures on the ground, --crs {crs} keeps the files as they are.'
    return Doubt('crs', text, remedy, len(stretches), examples[number])
