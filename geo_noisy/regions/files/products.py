"""Known products: how their files are named, which bands and masks they hold. From a table that users extend."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

AUTO = 'auto'
_OF_KIND = ('pattern', 'bands', 'masks', 'extras', 'scale', 'offset', 'nodata', 'alpha', 'date_format', 'sensor')
_OF_MASK = ('band', 'nodata', 'nodata_bits', 'cloud', 'cloud_bits')
_OF_GROUPS = ('layer', 'resolution')


@dataclass(frozen=True)
class MaskCodes:
    """A mask and what its values mean.

    Attributes:
        name: Name of the mask.
        band: Its band in the file, from 1.
        nodata: Values without data.
        nodata_bits: Bits, from 0, that mark pixels without data.
        cloud: Values that are cloud.
        cloud_bits: Bits that mark cloud.
    """

    name: str
    band: int = 1
    nodata: tuple[int, ...] = ()
    nodata_bits: tuple[int, ...] = ()
    cloud: tuple[int, ...] = ()
    cloud_bits: tuple[int, ...] = ()

    @property
    def tells_cloud(self) -> bool:
        """Whether any value or bit is cloud."""
        return bool(self.cloud or self.cloud_bits)


@dataclass(frozen=True)
class FileKind:
    """Files of one kind of a product; see ``products.yaml`` for the meaning of each field."""

    product: str
    pattern: re.Pattern[str]
    bands: Mapping[str, str]
    masks: Mapping[str, MaskCodes]
    extras: tuple[str, ...] = ()
    scale: float = float('nan')
    offset: float = float('nan')
    nodata: float = float('nan')
    alpha: str = ''
    date_format: str | None = None
    sensor: str = ''

    @property
    def whole(self) -> bool:
        """Whether one file holds all bands."""
        return 'layer' not in self.pattern.groupindex

    def identity(self, match: re.Match[str]) -> tuple[str, ...]:
        """What files of one capture have in common."""
        told = match.groupdict(default='')
        return (self.product, *(f'{name}={told[name]}' for name in sorted(told) if name not in _OF_GROUPS))


def known_products(own: str | os.PathLike[str] | None = None) -> dict[str, tuple[FileKind, ...]]:
    """Products by name, those of a YAML file of the user's first.

    Raises:
        FileNotFoundError: If the file is not there.
        ValueError: If it does not have the form of ``products.yaml``, with the place.
    """
    if own is None:
        return _shipped()
    first = _own_products(Path(own))
    return first | {name: kinds for name, kinds in _shipped().items() if name not in first}


@lru_cache(maxsize=1)
def cloud_masks() -> dict[str, MaskCodes]:
    """Masks of the shipped products that tell clouds, by name in lower case."""
    masks = [mask for kinds in _shipped().values() for kind in kinds for mask in kind.masks.values()]
    return {mask.name.lower(): mask for mask in masks if mask.tells_cloud}


@lru_cache(maxsize=1)
def _shipped() -> dict[str, tuple[FileKind, ...]]:
    source = files('geo_noisy.regions.files') / 'products.yaml'
    return _parse(source.read_text(encoding='utf-8'), 'products.yaml')


def _own_products(path: Path) -> dict[str, tuple[FileKind, ...]]:
    if not path.is_file():
        raise FileNotFoundError(f'The file of products {path} is not there.')
    return _parse(path.read_text(encoding='utf-8'), str(path))


def _parse(text: str, where: str) -> dict[str, tuple[FileKind, ...]]:
    try:
        stored = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f'{where} is no YAML: {error}') from error
    if not isinstance(stored, dict) or not all(isinstance(value, dict) for value in stored.values()):
        raise ValueError(f'{where} must hold a mapping of products by name.')
    return {str(name): _kinds(str(name), product, where) for name, product in stored.items()}


def _kinds(name: str, product: dict[str, Any], where: str) -> tuple[FileKind, ...]:
    kinds = product.get('files')
    if not isinstance(kinds, list) or not all(isinstance(kind, dict) and 'pattern' in kind for kind in kinds):
        raise ValueError(f'{where}, {name}: files must be a list of kinds with a pattern each.')
    shared = {key: value for key, value in product.items() if key != 'files'}
    return tuple(_kind(name, shared | kind, f'{where}, {name}') for kind in kinds)


def _kind(name: str, told: dict[str, Any], where: str) -> FileKind:
    _refuse_others(told, _OF_KIND, where)
    try:
        pattern = re.compile(told['pattern'])
    except re.error as error:
        raise ValueError(f'{where}: {told["pattern"]!r} is no regular expression: {error}') from error
    numbers = {key: float(told[key]) for key in ('scale', 'offset', 'nodata') if told.get(key) is not None}
    if 'scale' in numbers:
        numbers.setdefault('offset', 0.0)
    bands = told.get('bands') or {}
    if isinstance(bands, list):  # names alone: each shows itself
        bands = {band: band for band in bands}
    return FileKind(
        name,
        pattern,
        {str(band): str(shows) for band, shows in bands.items()},
        {mask: _codes(mask, codes or {}, where) for mask, codes in (told.get('masks') or {}).items()},
        tuple(told.get('extras') or ()),
        alpha=told.get('alpha', ''),
        date_format=told.get('date_format'),
        sensor=told.get('sensor', ''),
        **numbers,
    )


def _codes(name: str, told: dict[str, Any], where: str) -> MaskCodes:
    _refuse_others(told, _OF_MASK, f'{where}, mask {name}')
    values = {key: tuple(value) for key, value in told.items() if key != 'band'}
    return MaskCodes(name, told.get('band', 1), **values)


def _refuse_others(told: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    other = sorted(set(told) - set(known))
    if other:
        raise ValueError(f'{where}: {", ".join(other)} is unknown; choose from {", ".join(known)}.')
