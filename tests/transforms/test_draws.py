"""Random numbers that belong to one sample."""

import torch
from scipy import stats

from geo_noisy.transforms.draws import split, uniforms


def draws(count: int) -> torch.Tensor:
    return torch.arange(count, dtype=torch.int64) * 7919


def test_a_sample_keeps_its_numbers_in_any_batch() -> None:
    whole = uniforms(draws(100), 5)
    assert torch.equal(uniforms(draws(100)[40:41], 5), whole[40:41])


def test_more_numbers_keep_the_first_ones() -> None:
    assert torch.equal(uniforms(draws(10), 8)[:, :3], uniforms(draws(10), 3))


def test_numbers_are_uniform_and_streams_independent() -> None:
    numbers = torch.cat([uniforms(draws(20_000), 2), uniforms(split(draws(20_000), 1), 2)], dim=1).numpy()
    for column in numbers.T:
        assert stats.kstest(column, 'uniform').pvalue > 1e-4
    correlation = abs(torch.corrcoef(torch.from_numpy(numbers.T)) - torch.eye(4))
    assert correlation.max() < 0.03


def test_streams_differ() -> None:
    assert (split(draws(50), 1) != split(draws(50), 2)).all()
    assert (split(draws(50), 1) != draws(50)).all()


def test_numbers_are_those_of_splitmix64() -> None:
    """A checkpoint resumed with a later version must see the same views."""
    published = [0xBDD732262FEB6E95, 0x28EFE333B266F103]  # the first two outputs for seed 42
    expected = torch.tensor([[(value >> 40) * 2.0**-24 for value in published]])
    assert torch.equal(uniforms(torch.tensor([42]), 2), expected)
