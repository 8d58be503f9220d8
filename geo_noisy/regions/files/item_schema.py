"""What a row of a table of items must hold beside its date, cloud cover and sensor, which are read as whole columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from geo_noisy.json_schema import misfits

_NUMBER = {'type': ['number', 'string'], 'description': 'a number'}  # STAC writes "nan" as a text
_VALUES = {'scale': _NUMBER, 'offset': _NUMBER, 'nodata': _NUMBER}
_OF_RASTER = {f'raster:{name}': _NUMBER for name in _VALUES}
_BANDS = {
    'type': 'array',
    'items': {'type': 'object', 'properties': {**_VALUES, **_OF_RASTER}, 'description': 'a mapping'},
    'description': 'a list of bands',
}
_HREF = {'type': 'string', 'pattern': r'\S', 'description': 'a path or an address'}
_ASSET = {
    'type': 'object',
    'properties': {'href': _HREF, 'raster:bands': _BANDS, 'bands': _BANDS, **_VALUES, **_OF_RASTER},
    'required': ['href'],
    'description': 'a mapping with an href',
}
ASSETS: dict[str, Any] = {
    'type': 'object',
    'additionalProperties': _ASSET,
    'description': 'a mapping of names to assets',
}
"""The ``assets`` of an item, as far as they are read."""


def plain_assets(assets: Any) -> dict[str, Any]:
    """The assets of an item as plain values; what a table holds as None, the item lacks.

    Raises:
        ValueError: If they are no mapping.
    """
    found = _plain({} if assets is None else assets)
    if not isinstance(found, dict):
        raise ValueError(f'assets are {assets!r}, not {ASSETS["description"]}')
    return found


def check_assets(assets: Mapping[str, Any]) -> None:
    """Check the assets that are read.

    Raises:
        ValueError: If they do not fit the schema, with the place.
    """
    for place, told in misfits(assets, ASSETS):
        raise ValueError(f'asset {place} {told}')


def _plain(value: Any) -> Any:
    """A value without numpy's types, and without what is None."""
    if isinstance(value, Mapping):
        return {str(name): _plain(held) for name, held in value.items() if held is not None}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(held) for held in value]
    return value.item() if isinstance(value, np.generic) else value
