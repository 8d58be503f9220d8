"""Random numbers that belong to one sample: a function of its draw, on any device, in any batch."""

import torch
from torch import Tensor

# Constants of SplitMix64 (Steele, Lea and Flood, 2014), as signed 64-bit integers; products wrap around.
_GOLDEN = -7046029254386353131
_MIX_1 = -4658895280553007687
_MIX_2 = -7723592293110705685


def split(draw: Tensor, stream: int) -> Tensor:
    """Derive an independent draw for each sample, for one purpose.

    Args:
        draw: One 64-bit seed a sample, any shape, int64.
        stream: Number of the purpose (the date, the operation).

    Returns:
        Seeds of the same shape, int64.
    """
    offset = torch.tensor(2 * stream + 1, device=draw.device) * _GOLDEN
    return _mix(draw + offset)


def uniforms(draw: Tensor, count: int) -> Tensor:
    """Uniform random numbers in [0, 1), bit-equal on every device.

    Args:
        draw: One 64-bit seed a sample, shape [B], int64.
        count: Numbers for each sample.

    Returns:
        Shape [B, count], float32, multiples of 2**-24.
    """
    steps = torch.arange(1, count + 1, device=draw.device, dtype=torch.int64) * _GOLDEN
    bits = _mix(draw[:, None] + steps)
    return _shift_right(bits, 40).to(torch.float32) * 2.0**-24


def _mix(state: Tensor) -> Tensor:
    state = (state ^ _shift_right(state, 30)) * _MIX_1
    state = (state ^ _shift_right(state, 27)) * _MIX_2
    return state ^ _shift_right(state, 31)


def _shift_right(value: Tensor, bits: int) -> Tensor:
    """Logical shift: torch shifts signed integers arithmetically."""
    return (value >> bits) & ((1 << (64 - bits)) - 1)
