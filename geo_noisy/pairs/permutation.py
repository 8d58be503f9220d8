"""Random numbers and permutations that can be asked for anywhere, without drawing those before."""

import math

import numpy as np
from numpy.typing import NDArray

_GOLDEN = 0x9E3779B97F4A7C15
_ROUNDS = 8


def stream_key(*parts: int) -> int:
    """One 64-bit key from several numbers (seed, purpose, epoch, ...), mixed by numpy's SeedSequence."""
    words = [part & 0xFFFFFFFFFFFFFFFF for part in parts]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0])


def random_words(positions: NDArray[np.int64], key: int) -> NDArray[np.uint64]:
    """A random 64-bit word for each position: a pure function of key and position (splitmix64)."""
    return _mix(positions.astype(np.uint64) ^ _mix(np.array([key], dtype=np.uint64)))


def uniforms(positions: NDArray[np.int64], key: int) -> NDArray[np.float64]:
    """A uniform number in [0, 1) for each position: a pure function of key and position."""
    return np.asarray((random_words(positions, key) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def permute(
    positions: NDArray[np.int64], total: int, key: int, turns: NDArray[np.int64] | int = 0
) -> NDArray[np.int64]:
    """Look up positions in a pseudo-random permutation of ``range(total)``.

    A Feistel network over a rectangle of about ``total`` points (Black and Rogaway, 2002, "Ciphers with
    arbitrary finite domains", method 2); the few points beyond ``total`` are walked on until they fall
    inside. Time and memory depend on the number of positions only, not on ``total``.

    Args:
        positions: Where to look, each in [0, total); shape [n].
        total: Size of the permutation.
        key: Which permutation.
        turns: A further number that chooses among permutations, for all or for each position.

    Returns:
        The permuted positions, shape [n].
    """
    keys = np.broadcast_to(_mix(np.asarray(turns, dtype=np.int64).astype(np.uint64) + np.uint64(key)), positions.shape)
    out = _feistel(positions.astype(np.uint64), total, keys)
    outside = np.flatnonzero(out >= total)
    while outside.size:
        out[outside] = _feistel(out[outside], total, keys[outside])
        outside = outside[out[outside] >= total]
    return out.astype(np.int64)


def _feistel(points: NDArray[np.uint64], total: int, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A keyed bijection of ``range(height * width)``, the smallest near-square rectangle that holds ``total``."""
    height = math.isqrt(max(total - 1, 0)) + 1
    width = np.uint64(-(-total // height))
    row, column = points // width, points % width
    for turn in range(_ROUNDS):
        salt = np.uint64(turn * _GOLDEN & 0xFFFFFFFFFFFFFFFF)
        if turn % 2 == 0:
            row = (row + _mix(column ^ (keys + salt)) % np.uint64(height)) % np.uint64(height)
        else:
            column = (column + _mix(row ^ (keys + salt)) % width) % width
    return row * width + column


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele et al., 2014); overflow wraps, as it should."""
    with np.errstate(over='ignore'):
        words = words + np.uint64(_GOLDEN)
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return words ^ (words >> np.uint64(31))
