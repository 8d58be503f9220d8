import warnings

import numpy as np
import pytest
import torch
from torch.utils.data import ConcatDataset, DataLoader, Dataset, DistributedSampler, Subset

from geo_noisy.pairs import PairKey, PairPolicy, PairTable
from geo_noisy.samplers import PairSampler
from tests.data.regions import random_index

POLICIES = [
    PairPolicy(),
    PairPolicy(rate=0.25),
    PairPolicy(rate=0.5, match='draw'),
    PairPolicy(rate=0.5, match='fixed-steps'),
]


def table(clean=300, noisy=100):
    keys = np.array([(number, 0, 1) for number in range(clean + noisy)], dtype=np.int64)
    return PairTable.from_flags(keys, np.repeat(np.array([0, 1], dtype=np.int8), (clean, noisy)))


class Echo(Dataset):
    """Gives a key back, as a tensor."""

    def __getitem__(self, key):
        return torch.tensor([key.location, key.earlier, key.later, int(key.exposure), key.draw])


@pytest.mark.parametrize('policy', POLICIES)
@pytest.mark.parametrize('world', [2, 4])
def test_ranks_share_out_the_same_epoch(policy, world):
    whole = list(PairSampler(table(), policy=policy))
    parts = [list(PairSampler(table(), policy=policy, rank=rank, world_size=world)) for rank in range(world)]
    together = [key for step in zip(*parts, strict=True) for key in step]
    assert together == whole[: len(whole) // world * world]


@pytest.mark.parametrize(('workers', 'world'), [(1, 1), (2, 1), (4, 1), (1, 4), (2, 2), (4, 4)])
def test_workers_and_ranks_together_change_nothing(workers, world):
    index, policy = random_index(50), PairPolicy(rate=0.25)
    alone = torch.tensor(list(PairSampler(index, policy=policy)))
    parts = []
    for rank in range(world):
        sampler = PairSampler(index, policy=policy, rank=rank, world_size=world)
        with warnings.catch_warnings():
            warnings.filterwarnings('ignore', message='This DataLoader will create', category=UserWarning)
            loader = DataLoader(Echo(), sampler=sampler, batch_size=7, num_workers=workers)
            parts.append(torch.cat(list(loader)))
    together = torch.stack(parts, dim=1).flatten(0, 1)
    assert torch.equal(together, alone[: len(together)])
    assert len(alone) - len(together) < world


@pytest.mark.parametrize('policy', POLICIES)
@pytest.mark.parametrize('rank', [0, 1])
@pytest.mark.parametrize('done', [0, 1, 77])
def test_a_resumed_epoch_loses_and_doubles_nothing(policy, rank, done):
    whole = list(PairSampler(table(), policy=policy, rank=rank, world_size=2))
    resumed = PairSampler(table(), policy=policy, rank=rank, world_size=2)
    resumed.skip(done)
    assert whole[:done] + list(resumed) == whole
    assert len(list(resumed)) == len(whole)  # the next epoch starts at its beginning


def test_resume_across_a_chunk(monkeypatch):
    monkeypatch.setattr('geo_noisy.samplers.pairs._CHUNK', 64)
    whole = list(PairSampler(table()))
    sampler = PairSampler(table())
    sampler.skip(100)
    assert list(sampler) == whole[100:]
    assert len(whole) == 400


@pytest.mark.parametrize('match', ['undersample', 'fixed-size', 'fixed-steps'])
@pytest.mark.parametrize('rate', [0.1, 0.25, 0.5])
def test_noisy_pairs_of_an_index_are_exactly_the_rate(match, rate):
    index = random_index(400, dates=4)
    keys = list(PairSampler(index, policy=PairPolicy(rate=rate, match=match)))
    rows = np.array([key[:3] for key in keys])
    assert (index.flags(rows) == 1).sum() == round(rate * len(keys))


def test_epochs_differ_and_draws_too():
    sampler = PairSampler(table())
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert first != second
    assert {key.draw for key in first}.isdisjoint(key.draw for key in second)
    assert len({key.draw for key in first}) == len(first)
    sampler.set_epoch(0)
    assert list(sampler) == first


@pytest.mark.parametrize('policy', POLICIES)
def test_each_iteration_is_the_next_epoch(policy):
    sampler, chosen = PairSampler(table(), policy=policy), PairSampler(table(), policy=policy)
    epochs = [list(sampler) for _ in range(4)]
    assert len({keys[0].draw for keys in epochs}) == 4
    chosen.set_epoch(2)
    assert [list(chosen), list(chosen)] == epochs[2:]


@pytest.mark.parametrize('workers', [0, 2])
def test_each_pass_of_a_plain_loader_is_the_next_epoch(workers):
    loader = DataLoader(Echo(), sampler=PairSampler(table(), length=64), batch_size=16, num_workers=workers)
    epochs = [torch.cat(list(loader)) for _ in range(6)]
    sampler = PairSampler(table(), length=64)
    assert [epoch.tolist() for epoch in epochs] == [[list(map(int, key)) for key in sampler] for _ in range(6)]
    seen = torch.cat(epochs)[:, 0]
    assert len(seen.unique()) == len(seen) == 384  # none of the 400 pairs twice: each epoch draws others


def test_an_epoch_counts_from_its_first_pair():
    sampler = PairSampler(table())
    iter(sampler)
    assert sampler.epoch == 0
    assert next(iter(sampler)) == next(iter(PairSampler(table())))
    assert sampler.epoch == 1


def test_lightning_leaves_the_sampler_as_it_is():
    assert isinstance(PairSampler(table()), DistributedSampler)


def test_seed_changes_order_and_draws():
    first, second = (list(PairSampler(table(), seed=seed)) for seed in (0, 1))
    assert sorted(key.location for key in first) == sorted(key.location for key in second)
    assert [key.location for key in first] != [key.location for key in second]
    assert {key.draw for key in first}.isdisjoint(key.draw for key in second)


def test_unshuffled_is_sorted_and_the_same_in_every_epoch():
    sampler = PairSampler(table(), shuffle=False)
    first = list(sampler)
    sampler.set_epoch(5)
    assert list(sampler) == first
    assert [key.location for key in first] == list(range(400))
    halves = [list(PairSampler(table(), shuffle=False, rank=rank, world_size=2)) for rank in range(2)]
    assert [key for step in zip(*halves, strict=True) for key in step] == first


def test_length_sets_the_epoch():
    assert len(list(PairSampler(random_index(50), length=32))) == 32
    assert len(PairSampler(random_index(50), length=33, rank=0, world_size=2)) == 16


def test_weights_choose_locations():
    weights = np.zeros(50)
    weights[[3, 7]] = 1
    keys = list(PairSampler(random_index(50), length=500, weights=weights))
    assert {key.location for key in keys} == {3, 7}


def test_keys_are_plain_numbers():
    key = next(iter(PairSampler(table())))
    assert isinstance(key, PairKey)
    assert [type(value) for value in key] == [int, int, int, bool, int]


def test_plot_shows_an_epoch():
    policy = PairPolicy(rate=0.5, match='fixed-steps', mere_exposure=True)
    table_figure = PairSampler(table(), policy=policy).plot()
    assert [axis.get_title() for axis in table_figure.axes] == ['300 pairs drawn', 'visits of 200 locations']
    assert [bar.get_height() for bar in table_figure.axes[0].patches] == [150, 0, 150]


def test_plot_of_an_index_shows_windows_and_gaps():
    sampler = PairSampler(random_index(50))
    figure = sampler.plot(pairs=20)
    assert [axis.get_title() for axis in figure.axes][2:] == ['windows', 'gap between the dates']
    (windows,) = figure.axes[2].collections
    keys = list(sampler)[:20]
    assert len(windows.get_paths()) == 20
    drawn = {tuple(path.get_extents().extents) for path in windows.get_paths()}
    boxes = random_index(50).windows(np.array([key.location for key in keys]))
    assert drawn == {box.bounds for box in boxes}
    assert sum(bar.get_height() for bar in figure.axes[3].patches) == 20


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'rank': 2, 'world_size': 2}, 'rank is 2'),
        ({'rank': -1, 'world_size': 2}, 'rank is -1'),
        ({'length': 0}, 'length is 0'),
        ({'length': 3, 'rank': 0, 'world_size': 4}, 'cannot be shared out over 4 ranks'),
        ({'policy': PairPolicy(rate=0.5, match='fixed-size', size=1000)}, 'there are 100'),
    ],
)
def test_wrong_arguments_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        PairSampler(table(), **arguments)


def test_a_policy_in_a_mapping_is_refused():
    with pytest.raises(TypeError, match=r'policy is a dict; give PairPolicy\(rate=0.5\)'):
        PairSampler(table(), policy={'rate': 0.5})
    with pytest.raises(TypeError, match='policy is a float'):
        PairSampler(table(), policy=0.5)


@pytest.mark.parametrize('wrap', [lambda data: Subset(data, [0]), lambda data: ConcatDataset([[data]])])
def test_parts_of_data_sets_are_no_sources_of_pairs(wrap):
    with pytest.raises(TypeError, match=r'(Subset|ConcatDataset) cannot count its pairs: .*select'):
        PairSampler(wrap(Echo()))
