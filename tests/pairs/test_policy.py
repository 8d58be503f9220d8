import numpy as np
import pytest

from geo_noisy.pairs import PairPolicy, PairTable
from geo_noisy.pairs.epoch import Epoch

CLEAN, NOISY = 20_446, 5_224  # xBD, train + tier3, the paper's split


def table(clean=CLEAN, noisy=NOISY, unknown=0):
    keys = np.array([(number, 0, 1) for number in range(clean + noisy + unknown)], dtype=np.int64)
    flags = np.repeat(np.array([0, 1, -1], dtype=np.int8), (clean, noisy, unknown))
    return PairTable.from_flags(keys, flags)


def coupled(locations):
    clean = np.array([(number, 0, 0) for number in range(locations)], dtype=np.int64)
    return PairTable(clean, clean + np.array([0, 0, 1]), np.empty((0, 3), dtype=np.int64), coupled=True)


def epoch_size(source, policy):
    return len(Epoch(source, policy, seed=0, epoch=0))


def epoch_pairs(source, policy, *, seed, epoch):
    drawn = Epoch(source, policy, seed=seed, epoch=epoch)
    return drawn.pairs(np.arange(len(drawn)))


def numbers(source, policy, *, seed=0, epoch=0):
    return epoch_pairs(source, policy, seed=seed, epoch=epoch)[0][:, 0]


@pytest.mark.parametrize(
    ('rate', 'size'), [(0, 20_446), (0.1, 22_718), (0.25, 20_896), (0.5, 10_448), (0.75, 6_965), (1, 5_224)]
)
def test_undersampled_sizes_of_xbd(rate, size):
    drawn = numbers(table(), PairPolicy(rate=rate))
    assert len(drawn) == epoch_size(table(), PairPolicy(rate=rate)) == size
    assert (drawn >= CLEAN).sum() == round(rate * size)


@pytest.mark.parametrize('match', ['undersample', 'fixed-size', 'fixed-steps'])
@pytest.mark.parametrize('rate', [0, 0.1, 0.25, 0.5, 0.75, 1])
def test_noisy_pairs_are_exactly_the_rate(match, rate):
    drawn = numbers(table(300, 100), PairPolicy(rate=rate, match=match))
    assert (drawn >= 300).sum() == round(rate * len(drawn))


@pytest.mark.parametrize('match', ['undersample', 'fixed-size'])
def test_sets_are_fixed_by_the_policy_seed_and_shuffled_by_the_other(match):
    policy = PairPolicy(rate=0.5, match=match)
    first, other = (numbers(table(300, 100), policy, seed=seed) for seed in (0, 1))
    assert set(first) == set(other)
    assert first.tolist() != other.tolist()
    moved = numbers(table(300, 100), PairPolicy(rate=0.5, match=match, seed=1))
    assert set(moved) != set(first)


@pytest.mark.parametrize('match', ['undersample', 'fixed-size'])
def test_subsets_are_nested_over_rates(match):
    clean_before, noisy_before = set(range(300)), set()
    for rate in (0.25, 0.4, 0.5, 0.75):
        drawn = set(numbers(table(300, 100), PairPolicy(rate=rate, match=match)))
        clean, noisy = {n for n in drawn if n < 300}, {n for n in drawn if n >= 300}
        assert clean <= clean_before
        assert noisy >= noisy_before
        clean_before, noisy_before = clean, noisy


def test_undersampling_repeats_nothing_in_an_epoch():
    drawn = numbers(table(300, 100), PairPolicy(rate=0.3))
    assert len(set(drawn)) == len(drawn)


def test_fixed_size_is_the_same_at_every_rate():
    sizes = {rate: epoch_size(table(300, 100), PairPolicy(rate=rate, match='fixed-size')) for rate in (0, 0.3, 1)}
    assert set(sizes.values()) == {100}
    assert epoch_size(table(300, 100), PairPolicy(rate=0.5, match='fixed-size', size=60)) == 60


def test_fixed_steps_repeats_the_undersampled_set_evenly():
    policy = PairPolicy(rate=0.5, match='fixed-steps', size=400)
    counts = np.bincount(numbers(table(300, 100), policy), minlength=400)
    assert counts.sum() == 400
    assert set(counts[300:]) == {2}
    under = set(numbers(table(300, 100), PairPolicy(rate=0.5)))
    assert set(np.flatnonzero(counts)) == under


@pytest.mark.parametrize('rate', [0.0, 0.1, 0.5, 1.0])
def test_draws_stay_within_three_binomial_deviations(rate):
    source, policy = table(3000, 1000), PairPolicy(rate=rate, match='draw')
    for epoch in range(5):
        drawn = numbers(source, policy, epoch=epoch)
        assert len(drawn) == 4000
        assert abs((drawn >= 3000).sum() - rate * 4000) <= 3 * np.sqrt(4000 * rate * (1 - rate))


def test_drawn_strata_are_passed_through_evenly():
    drawn = numbers(table(300, 100), PairPolicy(rate=0.5, match='draw', size=4000))
    counts = np.bincount(drawn, minlength=400)
    assert np.ptp(counts[:300]) <= 1
    assert np.ptp(counts[300:]) <= 1


def test_coupled_strata_keep_their_length_where_some_locations_have_no_noisy_pair():
    whole = coupled(2000)
    part = PairTable(whole.clean, whole.noisy[:1540], whole.unknown, coupled=True)
    rows, _ = epoch_pairs(part, PairPolicy(rate=0.5, match='draw'), seed=0, epoch=0)
    assert len(rows) == 2000
    assert set(rows[rows[:, 2] == 1, 0]) <= set(range(1540))
    assert 900 < (rows[:, 2] == 1).sum() < 1100


def test_coupled_strata_visit_each_location_once():
    rows, _ = epoch_pairs(coupled(500), PairPolicy(rate=0.4, match='draw'), seed=0, epoch=0)
    assert sorted(rows[:, 0].tolist()) == list(range(500))
    assert 0 < rows[:, 2].sum() < 500
    again, _ = epoch_pairs(coupled(500), PairPolicy(rate=0.4, match='draw'), seed=0, epoch=1)
    assert rows[np.argsort(rows[:, 0]), 2].tolist() != again[np.argsort(again[:, 0]), 2].tolist()


def test_without_a_rate_every_pair_comes_once():
    assert sorted(numbers(table(30, 10, 5), PairPolicy()).tolist()) == list(range(45))
    assert sorted(numbers(table(30, 10, 5), PairPolicy(unknown='drop')).tolist()) == list(range(40))


def test_mere_exposure_marks_the_noisy_pairs():
    rows, exposure = epoch_pairs(table(30, 10), PairPolicy(rate=0.5, mere_exposure=True), seed=0, epoch=0)
    assert ((rows[:, 0] >= 30) == exposure).all()
    assert not epoch_pairs(table(30, 10), PairPolicy(rate=0.5), seed=0, epoch=0)[1].any()


def test_unknown_pairs_are_an_error_dropped_or_clean():
    source = table(30, 10, 20)
    with pytest.raises(ValueError, match='20 pairs have unknown noise'):
        epoch_size(source, PairPolicy(rate=0.5))
    with pytest.raises(ValueError, match='mere_exposure'):
        epoch_size(source, PairPolicy(mere_exposure=True))
    assert epoch_size(source, PairPolicy(rate=0, unknown='drop')) == 30
    assert sorted(numbers(source, PairPolicy(rate=0, unknown='clean')).tolist()) == [*range(30), *range(40, 60)]


def test_length_goes_on_where_the_epoch_before_stopped():
    source = table(30, 10)
    seen = []
    for epoch in range(4):
        drawn = Epoch(source, PairPolicy(), seed=0, epoch=epoch, length=10)
        seen += drawn.pairs(np.arange(10))[0][:, 0].tolist()
    assert sorted(seen) == list(range(40))


@pytest.mark.parametrize('match', ['undersample', 'fixed-size', 'fixed-steps'])
def test_length_keeps_the_rate_exact(match):
    drawn = Epoch(table(300, 100), PairPolicy(rate=0.25, match=match), seed=0, epoch=3, length=40)
    assert (drawn.pairs(np.arange(40))[0][:, 0] >= 300).sum() == 10


@pytest.mark.parametrize('policy', [PairPolicy(), PairPolicy(rate=0.5, match='draw')])
def test_weights_say_how_often_a_location_is_drawn(policy):
    source, weights = table(4, 4), np.array([0, 1, 2, 1, 0, 3, 1, 0])
    drawn = Epoch(source, policy, seed=0, epoch=0, length=20_000, weights=weights)
    counts = np.bincount(drawn.pairs(np.arange(20_000))[0][:, 0], minlength=8)
    assert (counts[weights == 0] == 0).all()
    assert counts[2] / counts[1] == pytest.approx(2, rel=0.1)
    assert counts[5] / counts[6] == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize(
    ('weights', 'message'),
    [([1, 1], 'one for each'), ([-1, 1, 1, 1], 'not negative'), ([0, 0, 0, 0], 'above 0')],
)
def test_wrong_weights_are_told(weights, message):
    drawn = Epoch(table(2, 2), PairPolicy(), seed=0, epoch=0, weights=np.array(weights, dtype=float))
    with pytest.raises(ValueError, match=message):
        drawn.pairs(np.arange(2))


def test_weights_refuse_fixed_sets_and_sources_without_spans():
    with pytest.raises(ValueError, match="match='draw' or rate=None"):
        Epoch(table(2, 2), PairPolicy(rate=0.5), seed=0, epoch=0, weights=np.ones(4))

    class Bare:
        coupled = False

        def count(self, stratum):
            return int(stratum == 'clean')

    with pytest.raises(TypeError, match='Bare has none'):
        Epoch(Bare(), PairPolicy(), seed=0, epoch=0, weights=np.ones(4)).pairs(np.arange(1))


def test_spans_need_rows_that_stand_together():
    rows = np.array([(0, 0, 1), (1, 0, 1), (0, 1, 2)])
    with pytest.raises(ValueError, match='sort the rows'):
        PairTable.from_flags(rows, np.zeros(3, dtype=np.int8)).spans('clean')


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'rate': 1.5}, r'rate is 1.5.*\[0, 1\]'),
        ({'rate': -0.1}, 'rate is -0.1'),
        ({'match': 'some'}, "match is 'some'"),
        ({'unknown': 'guess'}, "unknown is 'guess'"),
        ({'size': 0}, 'at least one pair'),
    ],
)
def test_wrong_arguments_are_told(arguments, message):
    with pytest.raises(ValueError, match=message):
        PairPolicy(**arguments)


@pytest.mark.parametrize(
    ('source', 'policy', 'message'),
    [
        (table(0, 0), PairPolicy(), 'no pairs to draw from'),
        (table(10, 0), PairPolicy(rate=0.5), 'none of the 10 known pairs is noisy'),
        (table(0, 10), PairPolicy(rate=0.5), 'all 10 known pairs are noisy'),
        (table(0, 0, 10), PairPolicy(unknown='drop'), 'none is left'),
        (table(10, 4), PairPolicy(rate=0.5, match='fixed-size', size=10), 'needs 5 noisy pairs and there are 4'),
    ],
)
def test_what_cannot_be_met_is_told(source, policy, message):
    with pytest.raises(ValueError, match=message):
        epoch_size(source, policy)
