"""Which tiles train and which validate: the paper's split, one that does not leak, one by disaster."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SPLITS = ('train', 'val', 'test', 'hold')
UNITS = ('tile', 'image', 'disaster')


@dataclass(frozen=True)
class XBDSplit:
    """How the tiles of ``train`` and ``tier3`` are shared out over training and validation.

    Attributes:
        by: ``tile`` is the paper's split (stratified over disasters; tiles of one image fall on both sides,
            which leaks); ``image`` keeps the tiles of an image together; ``disaster`` validates on whole disasters.
        val_fraction: Share of the validation set, rounded up (0.3 in the paper); not used by ``disaster``.
        held_out: The disasters that validate, for ``disaster``.
        seed: Another seed is another split.
    """

    by: Literal['tile', 'image', 'disaster'] = 'tile'
    val_fraction: float = 0.3
    held_out: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the arguments once, where they enter."""
        if self.by not in UNITS:
            raise ValueError(f'XBDSplit.by is {self.by!r}; choose one of {UNITS}.')
        if not 0 < self.val_fraction < 1:
            raise ValueError(f'XBDSplit.val_fraction is {self.val_fraction}; it must lie between 0 and 1.')
        if bool(self.held_out) != (self.by == 'disaster'):
            raise ValueError(
                f'XBDSplit.by is {self.by!r} and held_out {self.held_out}: name disasters with by=disaster.'
            )


def assign_splits(tiles: pd.DataFrame, split: XBDSplit) -> NDArray[np.str_]:
    """Split of each tile.

    The choice hangs on names and the seed alone, through SHA-256: neither on the order of files, nor on the
    machine, nor on the version of any random number generator.

    Args:
        tiles: One row a tile, with ``folder``, ``disaster``, ``image`` and ``tile``.
        split: How to share out the tiles of ``train`` and ``tier3``.

    Returns:
        ``train``, ``val``, ``test`` or ``hold`` for each row.

    Raises:
        ValueError: If a held-out disaster is not there.
    """
    splits = tiles['folder'].replace('tier3', 'train').to_numpy(dtype=str).astype('<U5')
    rows = np.flatnonzero(splits == 'train')
    if len(rows):
        splits[rows[_validates(tiles.iloc[rows], split)]] = 'val'
    return splits


def validation_sizes(sizes: Sequence[int], val_fraction: float) -> list[int]:
    """Share out ``ceil(val_fraction * total)`` over strata: each within one unit of its own share.

    Largest remainders get the units that rounding down leaves over; of equal ones the first.
    """
    total = _round_up(val_fraction * sum(sizes))
    shares = [val_fraction * size for size in sizes]
    taken = [math.floor(share + 1e-9) for share in shares]
    order = sorted(range(len(sizes)), key=lambda stratum: (taken[stratum] - shares[stratum], stratum))
    for stratum in order[: total - sum(taken)]:
        taken[stratum] += 1
    return taken


def unstratified(tiles: pd.DataFrame, split: XBDSplit) -> list[str]:
    """Disasters that have no unit in training or none in validation, because they are too small."""
    if split.by == 'disaster':
        return []
    units = _units(tiles[tiles['folder'].isin(('train', 'tier3'))], split)
    sizes = units.groupby('disaster').size()
    taken = validation_sizes(sizes.tolist(), split.val_fraction)
    return [name for name, size, val in zip(sizes.index, sizes, taken, strict=True) if val in (0, size)]


def leaking_tiles(tiles: pd.DataFrame) -> int:
    """Number of validation tiles whose image also has tiles in training (``split`` and ``image`` are needed)."""
    trained = set(tiles.loc[tiles['split'] == 'train', 'image'])
    return int(tiles.loc[tiles['split'] == 'val', 'image'].isin(trained).sum())


def _validates(tiles: pd.DataFrame, split: XBDSplit) -> NDArray[np.bool_]:
    if split.by == 'disaster':
        absent = sorted(set(split.held_out) - set(tiles['disaster']))
        if absent:
            there = sorted(set(tiles['disaster']))
            raise ValueError(f'XBDSplit.held_out names {absent}, which are not there; there are {there}.')
        return tiles['disaster'].isin(split.held_out).to_numpy(dtype=bool)
    units = _units(tiles, split)
    strata = [group.sort_values('order') for _, group in units.groupby('disaster', sort=True)]
    taken = validation_sizes([len(stratum) for stratum in strata], split.val_fraction)
    chosen = {unit for stratum, count in zip(strata, taken, strict=True) for unit in stratum['unit'].iloc[:count]}
    return _names(tiles, split).isin(chosen).to_numpy(dtype=bool)


def _units(tiles: pd.DataFrame, split: XBDSplit) -> pd.DataFrame:
    """What is drawn as a whole, with its place in the drawing order."""
    units = pd.DataFrame({'disaster': tiles['disaster'], 'unit': _names(tiles, split)}).drop_duplicates()
    units['order'] = [hashlib.sha256(f'{split.seed}:{unit}'.encode()).hexdigest() for unit in units['unit']]
    return units


def _names(tiles: pd.DataFrame, split: XBDSplit) -> 'pd.Series[str]':
    return tiles['image'] if split.by == 'image' else tiles['image'] + ':' + tiles['tile'].astype(str)


def _round_up(value: float) -> int:
    """Round up, but not because of the last bit of a product such as 0.3 * 10."""
    return math.ceil(value - 1e-9)
