"""Every kind of bad input is found when the index is built, all of it at once."""

import json
import re
import shutil
import warnings

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from rasterio.transform import from_origin
from torchgeo.datasets import DatasetNotFoundError

from geo_noisy.datasets import XBDDataError, XBDLabels, XBDPairs, XBDSegmentation, XBDSplit
from tests.data.xbd import Building, edit_label, image_pixels, paths, wkt, write_pair

CROSSING = 'POLYGON ((10 10, 60 60, 60 10, 10 60, 10 10))'


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    root = tmp_path_factory.mktemp('good')
    for number in range(2):
        write_pair(root, 'alpha-flood', number)
    return root


@pytest.fixture
def root(good, tmp_path):
    return shutil.copytree(good, tmp_path / 'xbd')


def pairs(root, tmp_path, **options):
    return XBDPairs(root, **{'folders': ['train'], 'cache_dir': tmp_path / 'cache', 'progress': False} | options)


def every_tile(root, tmp_path, **options):
    """The pairs of all tiles, for the official test set is not shared out."""
    (root / 'train').rename(root / 'test')
    return pairs(root, tmp_path, split='test', **options)


def files(root, date='post'):
    return paths(root, 'alpha-flood', 1, date)


def missing(kind, date):
    return lambda root: files(root, date)[kind].unlink()


def truncated(root):
    image = files(root)[0]
    image.write_bytes(image.read_bytes()[:-100])


def cut_header(root):
    files(root)[0].write_bytes(b'\x89PNG\r\n\x1a\n')


def empty_file(root):
    files(root)[0].write_bytes(b'')


def wrong_size(root):
    Image.fromarray(image_pixels(1, 'post')[:512]).save(files(root)[0])


def wrong_bands(root):
    Image.fromarray(image_pixels(1, 'post')[..., 0]).save(files(root)[0])


def edited(change, date='post'):
    return lambda root: edit_label(files(root, date)[1], change)


def cut_json(root):
    label = files(root)[1]
    label.write_text(label.read_text()[:-50])


def set_outline(text):
    return edited(lambda document: document['features']['xy'][0].update(wkt=text))


def uid_in_one(document):
    del document['features']['xy'][0]


def duplicate(document):
    document['features']['xy'].append(document['features']['xy'][0])


def other_disaster(document):
    document['metadata']['disaster'] = 'beta-fire'


def wrong_order(document):
    document['metadata']['capture_date'] = '2001-01-01T00:00:00Z'


def odd_name(root):
    image = files(root)[0]
    shutil.copy(image, image.with_name('picture.png'))


BAD = {
    'no pre image': (missing(0, 'pre'), 'the file is missing'),
    'no post image': (missing(0, 'post'), 'the file is missing'),
    'no pre label': (missing(1, 'pre'), 'the file is missing'),
    'no post label': (missing(1, 'post'), 'the file is missing'),
    'truncated image': (truncated, 'the PNG image is truncated'),
    'image cut in its header': (cut_header, 'the file is no PNG image'),
    'empty image': (empty_file, 'the file is no PNG image'),
    'image of a wrong size': (wrong_size, '1024 x 512 px, not 1024 x 1024'),
    'grey image': (wrong_bands, 'not RGB'),
    'label cut off': (cut_json, 'cut off or malformed'),
    'label without xy': (edited(lambda document: document['features'].pop('xy')), '`features.xy` is missing'),
    'unknown subtype': (
        edited(lambda document: document['features']['xy'][0]['properties'].update(subtype='gone')),
        "is 'gone', not a known subtype",
    ),
    'polygon outside': (set_outline(wkt(Building(2000, 0).corners)), 'outside the image'),
    'polygon that crosses itself': (set_outline(CROSSING), 'crosses itself'),
    'empty polygon': (set_outline('POLYGON EMPTY'), 'is empty'),
    'polygon twice': (edited(duplicate), 'is there twice'),
    'uid only in pre': (edited(uid_in_one), 'only in the pre-disaster label'),
    'uid only in post': (edited(uid_in_one, 'pre'), 'only in the post-disaster label'),
    'another disaster inside': (edited(other_disaster), 'the file name says'),
    'post before pre': (edited(wrong_order), 'not taken after'),
    'odd name': (odd_name, 'the name is not'),
}
"""What is done to the second of two image pairs, and what must be said of it."""


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_refused_with_file_and_reason(root, tmp_path, name):
    spoil, reason = BAD[name]
    spoil(root)
    with pytest.raises(XBDDataError) as error:
        pairs(root, tmp_path)
    assert any(reason in problem.reason for problem in error.value.problems)
    assert all(problem.path in str(error.value) for problem in error.value.problems)
    assert not list((tmp_path / 'cache').glob('.*')), 'something half written stays'


@pytest.mark.parametrize('name', sorted(set(BAD) - {'odd name'}))
def test_bad_input_is_left_out_on_request(root, tmp_path, name):
    BAD[name][0](root)
    for _ in ('built', 'from the cache'):
        with pytest.warns(UserWarning, match='Left out 1 image pairs'):
            dataset = pairs(root, tmp_path, on_error='drop')
        assert set(dataset.index['image']) == {'alpha-flood_00000000'}
    with pytest.raises(XBDDataError):
        pairs(root, tmp_path)


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (lambda text: '[' * 50_000, 'the JSON is nested too deep'),
        (
            lambda text: text.replace('"capture_date": "20', '"capture_date": "99'),
            "'99.*', not an ISO time from 1990 on",
        ),
        (
            lambda text: text.replace('"capture_date": "20', '"capture_date": "00'),
            "'00.*', not an ISO time from 1990 on",
        ),
    ],
)
def test_labels_that_are_odd_all_over_are_told(root, tmp_path, change, reason):
    path = files(root)[1]
    path.write_text(change(path.read_text()))
    with pytest.raises(XBDDataError, match=reason):
        pairs(root, tmp_path)


def test_all_problems_come_together(root, tmp_path):
    truncated(root)
    edit_label(files(root)[1], duplicate)
    missing(0, 'pre')(root)
    label = paths(root, 'alpha-flood', 0, 'pre')[1]
    label.write_text('{')
    with pytest.raises(XBDDataError, match='4 problems in 2 image pairs') as error:
        pairs(root, tmp_path)
    assert [problem.image[-1] for problem in error.value.problems] == ['0', '1', '1', '1']


def test_nothing_left_is_an_error_even_when_dropping(root, tmp_path):
    for number in (0, 1):
        paths(root, 'alpha-flood', number, 'post')[1].unlink()
    with pytest.raises(XBDDataError):
        pairs(root, tmp_path, on_error='drop')


@pytest.mark.parametrize('name', ['polygon outside', 'polygon that crosses itself', 'empty polygon', 'polygon twice'])
def test_repair_mends_polygons(root, tmp_path, name):
    BAD[name][0](root)
    dataset = pairs(root, tmp_path, labels=XBDLabels(repair=True))
    assert dataset.index['image'].nunique() == 2


def test_repair_does_not_mend_files(root, tmp_path):
    truncated(root)
    with pytest.raises(XBDDataError, match='truncated'):
        pairs(root, tmp_path, labels=XBDLabels(repair=True))


def test_two_roots_with_the_same_image(good, root, tmp_path):
    with pytest.raises(XBDDataError, match=r'(?s)2 problems in 2 image pairs.*the image is also in') as error:
        pairs([good, root], tmp_path)
    assert str(root) in error.value.problems[0].path
    with pytest.warns(UserWarning, match='Left out 2 image pairs'):
        dataset = pairs([good, root], tmp_path, on_error='drop')
    assert dataset.index['path_pre'].str.startswith(str(good)).all()


def test_two_roots_are_joined(root, tmp_path):
    write_pair(tmp_path / 'more', 'beta-fire', 7)
    dataset = pairs([root, tmp_path / 'more'], tmp_path, splits=XBDSplit(val_fraction=0.25))
    assert set(dataset.index['disaster']) == {'alpha-flood', 'beta-fire'}


def test_disaster_that_cannot_be_stratified(root, tmp_path):
    write_pair(root, 'beta-fire', 0)
    write_pair(root, 'alpha-flood', 2)
    splits = XBDSplit(by='image')
    with pytest.raises(XBDDataError, match='beta-fire: the disaster has too few images'):
        pairs(root, tmp_path, splits=splits)
    with pytest.warns(UserWarning, match='Left out 1 image pairs of 1 disasters'):
        dataset = pairs(root, tmp_path, splits=splits, on_error='drop')
    assert set(dataset.index['disaster']) == {'alpha-flood'}


def test_absent_data_set(tmp_path):
    for kind in (XBDPairs, XBDSegmentation):
        with pytest.raises(DatasetNotFoundError, match='Dataset not found'):
            kind(tmp_path, cache_dir=tmp_path)


def test_empty_folders(tmp_path):
    (tmp_path / 'train' / 'labels').mkdir(parents=True)
    with pytest.raises(DatasetNotFoundError):
        XBDPairs(tmp_path, folders=['train'], cache_dir=tmp_path / 'cache')


def test_a_folder_that_was_asked_for_and_is_absent_is_an_error(good, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tier3 of xBD is not under .*, where train lies.*folders=\['train'\]"):
        XBDPairs(good, cache_dir=tmp_path, progress=False)
    with pytest.raises(FileNotFoundError, match='hold of xBD is not under'):
        XBDPairs(good, split='hold', cache_dir=tmp_path, progress=False)


@pytest.mark.parametrize('wrong', ['train', 'train/images', '..', '../..'])
def test_a_root_that_is_beside_the_right_one_is_told(tmp_path, wrong):
    root = tmp_path / 'a' / 'xBD'
    (root / 'train' / 'images').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=f"give root='{re.escape(str(root))}'"):
        XBDPairs((root / wrong).resolve(), folders=['train'], cache_dir=tmp_path / 'cache')


def test_settings_in_a_mapping_are_refused(good):
    with pytest.raises(TypeError, match=r'labels is a dict; give XBDLabels\(repair=True\)'):
        XBDPairs(good, labels={'repair': True})


def test_companions_from_a_mac_are_passed_over(root, tmp_path):
    for path in [path for path in root.rglob('*') if path.is_file()]:
        path.with_name(f'._{path.name}').write_bytes(b'\0\5\26\7Mac OS X')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert pairs(root, tmp_path).index['image'].nunique() == 2


def test_names_of_the_challenge_are_refused_with_a_remedy_that_works(root, tmp_path):
    for date in ('pre', 'post'):
        shutil.copy(files(root, date)[0], root / 'train' / 'images' / f'test_{date}_00005.png')
    with pytest.raises(XBDDataError, match=r"the challenge's own test set.*use the released test set"):
        pairs(root, tmp_path)
    with pytest.warns(UserWarning, match='Left out 2 image pairs'):
        assert pairs(root, tmp_path, on_error='drop').index['image'].nunique() == 2


def write_geotiffs(root):
    """The same images as GeoTIFF, in the folder that the release with coordinates has."""
    place = root / 'geotiffs' / 'tier1'
    shutil.copytree(root / 'train' / 'labels', place / 'labels')
    (place / 'images').mkdir()
    for path in (root / 'train' / 'images').iterdir():
        pixels = np.asarray(Image.open(path)).transpose(2, 0, 1)
        profile = {'driver': 'GTiff', 'count': 3, 'width': 1024, 'height': 1024, 'dtype': 'uint8'}
        grid = from_origin(-90, 14, 5e-6, 5e-6)
        with rasterio.open(
            place / 'images' / f'{path.stem}.tif', 'w', crs='EPSG:4326', transform=grid, compress='deflate', **profile
        ) as file:
            file.write(pixels)
    shutil.rmtree(root / 'train')


def test_the_release_as_geotiffs_is_the_same_data(good, root, tmp_path):
    write_geotiffs(root)
    there, expected = pairs(root, tmp_path), pairs(good, tmp_path)
    below = pairs(root / 'geotiffs', tmp_path)
    assert set(there.index['folder']) == {'train'}  # so that splits see what they know
    for column in ('image', 'tile', 'noise', 'noisy'):
        assert there.index[column].tolist() == below.index[column].tolist() == expected.index[column].tolist()
    assert torch.equal(there[2]['image'], expected[2]['image'])


def test_bad_geotiffs_are_told(root, tmp_path):
    write_geotiffs(root)
    folder = root / 'geotiffs' / 'tier1' / 'images'
    cut, grey = (folder / f'alpha-flood_00000001_{date}_disaster.tif' for date in ('post', 'pre'))
    cut.write_bytes(cut.read_bytes()[:2000])
    Image.fromarray(image_pixels(1, 'pre')[..., 0]).save(grey)
    with pytest.raises(XBDDataError, match='bands uint8, not three of uint8') as error:
        pairs(root, tmp_path)
    assert 'the file is no whole GeoTIFF' in str(error.value)


def test_metadata_that_no_mask_needs_may_be_null(good, root, tmp_path):
    for number in (0, 1):
        for date in ('pre', 'post'):
            label = paths(root, 'alpha-flood', number, date)[1]
            edit_label(label, lambda document: document['metadata'].update(pan_resolution=None, off_nadir_angle=None))
            edit_label(label, lambda document: document['metadata'].pop('sensor'))
    found = pairs(root, tmp_path)
    assert found.index['noise'].tolist() == pairs(good, tmp_path).index['noise'].tolist()
    assert found.index['resolution_pre_m'].isna().all()
    assert set(found.index['sensor_post']) == {''}


def test_a_null_subtype_is_unclassified(root, tmp_path):
    edit_label(files(root)[1], lambda document: document['features']['xy'][2]['properties'].update(subtype=None))
    index = every_tile(root, tmp_path, tile_px=1024).index
    counts = index.loc[index['image'] == 'alpha-flood_00000001', ['buildings_no_damage', 'buildings_un_classified']]
    assert counts.to_numpy().tolist() == [[0, 2]]


@pytest.mark.parametrize('min_noise', [0.0, 0.5])
def test_repair_never_makes_a_tile_clean_whose_destroyed_building_is_gone(root, tmp_path, min_noise):
    edit_label(files(root)[1], uid_in_one)  # the destroyed one; a building of minor damage is left in its tile
    edit_label(paths(root, 'alpha-flood', 0, 'post')[1], uid_in_one)
    edit_label(paths(root, 'alpha-flood', 0, 'post')[1], uid_in_one)  # nothing is left in that tile
    dataset = every_tile(root, tmp_path, labels=XBDLabels(repair=True), min_noise=min_noise)
    rows = dataset.index.set_index(['image', 'tile'])
    both, none = rows.loc[('alpha-flood_00000001', 0)], rows.loc[('alpha-flood_00000000', 0)]
    assert np.isnan(both['noise'])
    assert np.isnan(none['noise'])
    assert none['noisy'] == -1
    assert both['noisy'] == (1 if min_noise == 0 else -1)
    mask = dataset[int(none['location'])]['mask']
    assert mask[0, 115, 120] == 1
    assert mask[1, 115, 120] == 255  # what became of it is unknown


def test_repair_keeps_the_worst_of_a_building_that_is_there_twice(root, tmp_path):
    def whole_then_destroyed(document):
        entry = document['features']['xy'][2]
        again = {'wkt': entry['wkt'], 'properties': entry['properties'] | {'subtype': 'destroyed'}}
        document['features']['xy'].append(again)

    edit_label(files(root)[1], whole_then_destroyed)
    index = every_tile(root, tmp_path, tile_px=1024, labels=XBDLabels(repair=True)).index
    counts = index.loc[index['image'] == 'alpha-flood_00000001', ['buildings_no_damage', 'buildings_destroyed']]
    assert counts.to_numpy().tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ('options', 'named'),
    [
        ({'split': 'validation'}, 'split'),
        ({'tile_px': 300}, 'tile_px'),
        ({'tile_px': 0}, 'tile_px'),
        ({'folders': ('all',)}, 'folders'),
        ({'folders': 'train'}, 'folders'),
        ({'on_error': 'ignore'}, 'on_error'),
        ({'max_images': 0}, 'max_images'),
    ],
)
def test_wrong_arguments_name_themselves(good, tmp_path, options, named):
    with pytest.raises(ValueError, match=f'{named} is'):
        XBDPairs(good, cache_dir=tmp_path, **options)


def test_a_broken_write_leaves_nothing(root, tmp_path, monkeypatch):
    def broken(frame, path):
        path.write_bytes(b'half')
        raise OSError('the disk is full')

    monkeypatch.setattr('geopandas.GeoDataFrame.to_parquet', broken)
    with pytest.raises(OSError, match='full'):
        pairs(root, tmp_path)
    assert not [path for path in (tmp_path / 'cache').iterdir() if path.suffix != '.json']


def test_good_input_warns_of_nothing(root, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert json.dumps(sorted(set(pairs(root, tmp_path).index['folder']))) == '["train"]'
