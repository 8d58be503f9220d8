"""Loaders that go on in mid-epoch, in a plain loop."""

import inspect
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, RandomSampler

from geo_noisy.datamodules.loader import ResumableLoader, build_loader
from geo_noisy.samplers.keyed import KeyedSampler
from tests.data.numbers import Numbers, loader


def order(batches: Any) -> list[tuple[int, int]]:
    return [
        (int(image[0, 0, 0]), int(draw))
        for batch in batches
        for image, draw in zip(batch['image'], batch['draw'], strict=True)
    ]


def epoch(number: int) -> list[tuple[int, int]]:
    sampler = KeyedSampler(10, seed=3)
    sampler.set_epoch(number)
    return list(sampler)


@pytest.mark.parametrize('workers', [0, 2])
def test_each_iteration_is_the_next_epoch(workers: int) -> None:
    images = loader(workers)
    assert [order(images) for _ in range(3)] == [epoch(0), epoch(1), epoch(2)]
    images.sampler.set_epoch(7)
    assert [order(images) for _ in range(2)] == [epoch(7), epoch(8)]


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('done', range(6))
def test_goes_on_after_what_was_handed_out(workers: int, done: int) -> None:
    stopped = loader(workers)
    list(stopped)
    batches = iter(stopped)
    first = order([next(batches) for _ in range(done)])
    resumed = loader(workers)
    resumed.load_state_dict(stopped.state_dict())
    assert first + (order(resumed) if done < 5 else []) == epoch(1)
    assert order(resumed) == epoch(2)


def test_an_iterator_that_is_never_used_is_no_epoch() -> None:
    images = loader()
    iter(images)
    assert images.state_dict()['epoch'] == 0
    assert order(images) == epoch(0)


def test_a_state_is_kept_until_the_first_batch() -> None:
    resumed = loader()
    state = resumed.state_dict() | {'epoch': 4, 'batch': 3}
    resumed.load_state_dict(state)
    iter(resumed)
    assert resumed.state_dict() == state
    assert order(resumed) == epoch(4)[6:]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'batch': 5}, 'a batch size of 2, and this run has 5 .batch_size.'),
        ({'size': 20}, '10, and this run has 20 .samples.'),
    ],
)
def test_another_size_is_told(changes: dict[str, int], message: str) -> None:
    stopped = loader()
    batches = iter(stopped)
    next(batches)
    with pytest.raises(ValueError, match=f'{message}.*Resume with the same'):
        loader(**changes).load_state_dict(stopped.state_dict())
    list(batches)  # to the end: now an epoch may be of any size
    with pytest.warns(UserWarning, match=message):
        loader(**changes).load_state_dict(stopped.state_dict())


def test_a_sampler_that_cannot_skip_is_told() -> None:
    plain = build_loader(Numbers(), sampler=RandomSampler(Numbers()), batch_size=2)
    plain.load_state_dict(plain.state_dict() | {'batch': 1})
    with pytest.raises(TypeError, match='RandomSampler cannot go on in mid-epoch'):
        next(iter(plain))


def test_takes_the_arguments_of_a_loader() -> None:
    """Lightning makes loaders anew from them."""
    assert inspect.signature(ResumableLoader.__init__) == inspect.signature(DataLoader.__init__)


def test_drop_last() -> None:
    assert [len(order(loader(batch=4, drop_last=drop))) for drop in (True, False)] == [8, 10]


def test_the_global_random_state_is_left_alone() -> None:
    before = torch.get_rng_state()
    list(loader())
    assert torch.equal(before, torch.get_rng_state())


def test_batch_larger_than_the_epoch() -> None:
    with pytest.raises(ValueError, match='batch_size is 16, but an epoch holds only 10'):
        loader(batch=16, drop_last=True)
