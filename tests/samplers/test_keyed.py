from geo_noisy.samplers.keyed import KeyedSampler


def test_function_of_seed_and_epoch() -> None:
    one, other = KeyedSampler(10, seed=1), KeyedSampler(10, seed=1)
    first = list(one)
    assert first == list(other)
    other.set_epoch(1)
    assert first != list(other)
    assert first != list(KeyedSampler(10, seed=2))
    assert sorted(index for index, _ in first) == list(range(10))


def test_each_iteration_is_the_next_epoch() -> None:
    one, other = KeyedSampler(10), KeyedSampler(10)
    epochs = [list(one) for _ in range(3)]
    assert len({tuple(keys) for keys in epochs}) == 3
    other.set_epoch(1)
    assert [list(other), list(other)] == epochs[1:]


def test_draws_of_a_position_are_of_its_seed_and_epoch() -> None:
    samplers = [KeyedSampler(10, seed=1), KeyedSampler(10, seed=2), KeyedSampler(10, seed=1)]
    samplers[2].set_epoch(1)
    assert len({draw for sampler in samplers for _, draw in sampler}) == 30


def test_without_shuffling_epochs_are_alike() -> None:
    sampler = KeyedSampler(5, shuffle=False)
    first = list(sampler)
    assert first == list(sampler)
    sampler.set_epoch(4)
    assert first == list(sampler)
    assert [index for index, _ in first] == list(range(5))


def test_ranks_share_an_epoch() -> None:
    whole = list(KeyedSampler(8))
    parts = [list(KeyedSampler(8, rank=rank, world_size=2)) for rank in (0, 1)]
    assert [key for keys in zip(*parts, strict=True) for key in keys] == whole


def test_evaluation_leaves_no_sample_out() -> None:
    parts = [list(KeyedSampler(7, shuffle=False, rank=rank, world_size=2)) for rank in (0, 1)]
    assert sorted(index for part in parts for index, _ in part) == list(range(7))
