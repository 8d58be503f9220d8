import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from geo_noisy.pairs.permutation import permute, random_words, stream_key, uniforms


@settings(max_examples=60)
@given(total=st.integers(1, 3000), key=st.integers(0, 2**63))
def test_a_permutation_takes_each_position_once(total, key):
    assert sorted(permute(np.arange(total), total, key).tolist()) == list(range(total))


def test_any_position_is_the_same_alone_and_together():
    whole = permute(np.arange(1000), 1000, 7)
    assert permute(np.array([3, 999]), 1000, 7).tolist() == whole[[3, 999]].tolist()


@pytest.mark.parametrize('change', [{'key': 8}, {'turns': 1}])
def test_keys_and_turns_choose_among_permutations(change):
    arguments = {'key': 7, 'turns': 0} | change
    assert (permute(np.arange(100), 100, **arguments) != permute(np.arange(100), 100, 7)).any()


def test_turns_may_differ_by_position():
    both = permute(np.array([5, 5]), 100, 7, np.array([0, 1]))
    assert both.tolist() == [permute(np.array([5]), 100, 7, turn)[0] for turn in range(2)]


def test_small_permutations_are_all_as_likely():
    drawn = permute(np.tile(np.arange(4), 12_000), 4, 3, np.repeat(np.arange(12_000), 4)).reshape(-1, 4)
    assert chisquare(np.unique(drawn, axis=0, return_counts=True)[1]).pvalue > 1e-3


def test_positions_spread_evenly_and_without_order():
    drawn = permute(np.arange(100_000), 10**7, 1)
    assert kstest(drawn / 10**7, 'uniform').pvalue > 1e-3
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 0.02


def test_uniform_numbers_are_uniform_and_a_function_of_key_and_position():
    drawn = uniforms(np.arange(100_000), stream_key(1, 2))
    assert kstest(drawn, 'uniform').pvalue > 1e-3
    assert uniforms(np.array([17]), stream_key(1, 2))[0] == drawn[17]
    assert (uniforms(np.arange(9), stream_key(1, 3)) != drawn[:9]).all()


def test_words_differ():
    assert len(set(random_words(np.arange(10_000), 0).tolist())) == 10_000


def test_time_does_not_grow_with_the_size():
    assert permute(np.arange(10), 10**15, 1).max() < 10**15
