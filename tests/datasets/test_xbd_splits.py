import numpy as np
import pandas as pd
import pytest

from geo_noisy.datasets.xbd.splits import XBDSplit, assign_splits, leaking_tiles, unstratified, validation_sizes
from geo_noisy.pairs import PairPolicy, PairTable
from geo_noisy.samplers import PairSampler
from tests.data.xbd import SHARED

SIZES = {'alpha-flood': 18, 'beta-fire': 319, 'gamma-wind': 7, 'delta-quake': 121}


def table(sizes=SIZES, tiles=4, folder='train'):
    rows = [
        {'folder': folder, 'disaster': disaster, 'image': f'{disaster}_{number:08d}', 'tile': tile}
        for disaster, size in sizes.items()
        for number in range(size)
        for tile in range(tiles)
    ]
    return pd.DataFrame(rows)


def val(tiles, **options):
    return assign_splits(tiles, XBDSplit(**options)) == 'val'


@pytest.mark.parametrize('by', ['tile', 'image'])
def test_each_disaster_is_within_one_unit_of_its_share(by):
    tiles = table()
    units = tiles if by == 'tile' else tiles.drop_duplicates('image')
    chosen = val(tiles, by=by)[units.index]
    assert chosen.sum() == np.ceil(0.3 * len(units))
    for disaster, group in units.assign(val=chosen).groupby('disaster'):
        assert abs(group['val'].sum() - 0.3 * len(group)) < 1, disaster


def test_tile_split_leaks_and_image_split_does_not():
    tiles = table()
    assert leaking_tiles(tiles.assign(split=assign_splits(tiles, XBDSplit()))) > 0
    assert leaking_tiles(tiles.assign(split=assign_splits(tiles, XBDSplit(by='image')))) == 0


def test_split_does_not_hang_on_the_order_of_rows():
    tiles = table()
    shuffled = tiles.sample(frac=1, random_state=1)
    np.testing.assert_array_equal(val(shuffled), val(tiles)[shuffled.index])


def test_split_is_the_same_everywhere():
    """A fixed list: another machine, version or order of files must not change it."""
    tiles = table({'alpha-flood': 5})
    assert np.flatnonzero(val(tiles)).tolist() == [4, 7, 8, 9, 12, 15]
    assert np.flatnonzero(val(tiles, seed=1)).tolist() != [4, 7, 8, 9, 12, 15]


def test_fraction_is_used():
    tiles = table()
    assert val(tiles, val_fraction=0.5).sum() == len(tiles) / 2


def test_held_out_disasters_validate():
    tiles = table()
    chosen = val(tiles, by='disaster', held_out=('beta-fire',))
    assert set(tiles['disaster'][chosen]) == {'beta-fire'}
    assert chosen.sum() == 4 * SIZES['beta-fire']


def test_official_sets_stay_what_they_are():
    tiles = pd.concat([table(), table({'beta-fire': 3}, folder='test'), table({'beta-fire': 2}, folder='hold')])
    splits = assign_splits(tiles, XBDSplit())
    assert (splits[tiles['folder'] == 'test'] == 'test').all()
    assert (splits[tiles['folder'] == 'hold'] == 'hold').all()


def test_absent_held_out_disaster_is_refused():
    with pytest.raises(ValueError, match="'nowhere'"):
        val(table(), by='disaster', held_out=('nowhere',))


@pytest.mark.parametrize(
    'options',
    [{'by': 'pixel'}, {'val_fraction': 0.0}, {'val_fraction': 1.0}, {'by': 'disaster'}, {'held_out': ('beta-fire',)}],
)
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match='XBDSplit'):
        XBDSplit(**options)


def test_too_small_disasters_are_named():
    tiles = table({'alpha-flood': 30, 'beta-fire': 1})
    assert unstratified(tiles, XBDSplit(by='image')) == ['beta-fire']
    assert unstratified(tiles, XBDSplit()) == []


def test_sizes_add_up_to_the_rounded_total():
    assert validation_sizes([10, 10, 10], 0.3) == [3, 3, 3]
    assert validation_sizes([1, 1, 1, 1], 0.3) == [1, 1, 0, 0]


@pytest.mark.parametrize(
    ('rate', 'size'), [(0, 20446), (0.1, 22718), (0.25, 20896), (0.5, 10448), (0.75, 6965), (1, 5224)]
)
def test_paper_set_sizes_follow_from_its_strata(rate, size):
    """The arithmetic alone: the strata of the paper are planted, as not all labels are at hand."""
    rows = np.column_stack([np.arange(25670), np.zeros(25670), np.ones(25670)]).astype(np.int64)
    source = PairTable.from_flags(rows, (np.arange(25670) < 5224).astype(np.int8))
    assert len(PairSampler(source, policy=PairPolicy(rate=rate))) == size


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason='the real xBD names are not at ../shared/data/xbd')
def test_real_names_give_the_sizes_of_the_paper():
    counts = pd.read_csv(SHARED / 'train_tier3_building_counts.csv')
    images = counts.loc[counts['event_type'] == 'post', ['folder', 'event_name', 'image_id']]
    tiles = images.loc[images.index.repeat(4)].reset_index(drop=True)
    tiles = tiles.rename(columns={'event_name': 'disaster'})
    tiles['image'] = tiles['image_id'].str.removesuffix('_post_disaster')
    tiles['tile'] = np.arange(len(tiles)) % 4
    chosen = val(tiles)
    assert (len(tiles), (~chosen).sum(), chosen.sum()) == (36672, 25670, 11002)
    share = pd.Series(chosen).groupby(tiles['disaster'].to_numpy()).agg(['sum', 'size'])
    assert len(share) == 19
    assert ((share['sum'] - 0.3 * share['size']).abs() < 1).all()
