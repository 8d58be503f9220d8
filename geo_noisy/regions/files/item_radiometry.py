"""Scale, offset and value without data, where STAC items tell them and their files do not."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_NAN = float('nan')


class Told(NamedTuple):
    """What an item tells of its bands: reflectance is value * scale + offset."""

    scale: float = _NAN
    offset: float = _NAN
    nodata: float = _NAN


def radiometry_of(assets: Sequence[Mapping[str, Any]]) -> Told:
    """What some assets of an item tell in common; NaN where they tell nothing, or different values.

    Read are ``raster:bands`` (STAC 1.0), and ``raster:scale``, ``raster:offset`` and ``nodata`` of an asset or its
    ``bands`` (STAC 1.1).

    Args:
        assets: The assets with the bands.
    """
    told = [_told(band) for asset in assets for band in _bands(asset)]
    return Told(*(_common(values) for values in zip(*told, strict=True))) if told else Told()


def _bands(asset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    for name in ('raster:bands', 'bands'):
        bands = asset.get(name)
        if bands is not None and len(bands):  # a list, or numpy's array of a table
            return [{**asset, **{key: value for key, value in band.items() if value is not None}} for band in bands]
    return [asset]


def _told(band: Mapping[str, Any]) -> Told:
    scale, offset = (_number(band, name, f'raster:{name}') for name in ('scale', 'offset'))
    if math.isnan(scale) and not math.isnan(offset):
        scale = 1.0
    if not math.isnan(scale) and math.isnan(offset):
        offset = 0.0
    return Told(scale, offset, _number(band, 'nodata', 'raster:nodata'))


def _number(band: Mapping[str, Any], *names: str) -> float:
    value = next((band[name] for name in names if band.get(name) is not None), None)
    try:
        return _NAN if value is None else float(value)  # STAC writes "nan" as a text
    except ValueError:
        return _NAN


def _common(values: Sequence[float]) -> float:
    return values[0] if len(set(values)) == 1 else _NAN
