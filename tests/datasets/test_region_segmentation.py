import numpy as np
import pandas as pd
import pytest
import torch
from rasterio.transform import from_origin
from rasterio.warp import Resampling, reproject

from geo_noisy.datasets import RegionSegmentation
from geo_noisy.errors import InputError
from geo_noisy.regions import RegionLabels
from tests.data.labels import DATES, RES, SIDE_PX, outlines, truth, write_region
from tests.data.regions import CRS, ORIGIN, polygons, square, write_raster

NAMES = ('water', 'forest', 'town')


@pytest.fixture(scope='module')
def classes():
    return truth()


@pytest.fixture(scope='module')
def folder(tmp_path_factory, classes):
    folder = tmp_path_factory.mktemp('region')
    write_region(folder, classes)
    write_raster(folder / 'labels.tif', classes[None])
    outlines(classes, NAMES).to_file(folder / 'labels.gpkg')
    return folder


@pytest.fixture(scope='module')
def index(folder):
    return str(folder / 'pairs.parquet')


def of(folder, index, name='labels.tif', *, split=None, date='latest', **labels):
    return RegionSegmentation(
        index, RegionLabels(str(folder / name) if isinstance(name, str) else name, **labels), split=split, date=date
    )


def mosaic(data):
    """Masks put together again, [128, 128]."""
    whole = np.full((SIDE_PX, SIDE_PX), 255)
    size = data.index.size_px
    x0, y0 = ORIGIN
    for number, (location, _) in enumerate(data.rows):
        x, y = data.index.corners(np.array([location]))[0]
        col, row = round((x - x0) / RES), round((y0 - y) / RES)
        whole[row : row + size, col : col + size] = data[number]['mask']
    return whole


def test_a_raster_comes_back_pixel_by_pixel(folder, index, classes):
    data = of(folder, index)
    assert data.classes == ('0', '1', '2')
    assert (mosaic(data) == classes).all()
    assert data.class_counts().tolist() == np.bincount(classes.ravel()).tolist()
    sample = data[0]
    assert sample['image'].shape == (3, 32, 32)
    assert sample['image'].dtype == torch.float32
    assert sample['mask'].dtype == torch.int64


def test_a_raster_of_another_crs_and_pixel_size_is_read_by_the_nearest_pixel(folder, index, classes, tmp_path):
    fine = classes.repeat(3, axis=0).repeat(3, axis=1)
    shape, grid = (3 * SIDE_PX + 90, 3 * SIDE_PX + 90), from_origin(-70_000, 5_005_000, RES / 3, RES / 3)
    warped = np.full(shape, 9, dtype=np.uint8)
    from pyproj import Transformer

    x, y = Transformer.from_crs(CRS, 'EPSG:32634', always_xy=True).transform(*ORIGIN)
    grid = from_origin(x - 100, y + 100, RES / 3, RES / 3)
    reproject(
        fine, warped, src_transform=from_origin(*ORIGIN, RES / 3, RES / 3), src_crs=CRS, dst_transform=grid,
        dst_crs='EPSG:32634', resampling=Resampling.nearest, init_dest_nodata=False,
    )  # fmt: skip
    write_raster(tmp_path / 'other.tif', warped[None], crs='EPSG:32634', transform=grid, nodata=9)
    found = mosaic(of(tmp_path, index, 'other.tif', classes=NAMES))
    known = found != 255
    assert known.mean() > 0.7  # the zones are turned against each other
    inner = np.zeros_like(known)
    inner[np.ix_(np.arange(SIDE_PX) % 8 // 2 % 3 != 0, np.arange(SIDE_PX) % 8 // 2 % 3 != 0)] = True
    assert (found == classes)[known & inner].all()  # at the borders of fields the nearest pixel may be the neighbour's
    assert (found == classes)[known].mean() > 0.97


def test_polygons_say_the_same(folder, index, classes):
    data = of(folder, index, 'labels.gpkg', class_column='cover', classes=NAMES)
    assert (mosaic(data) == classes).all()
    by_alphabet = of(folder, index, 'labels.gpkg', class_column='cover')
    assert by_alphabet.classes == ('forest', 'town', 'water')
    assert (mosaic(by_alphabet) == np.array([2, 0, 1])[classes]).all()
    in_degrees = outlines(classes, NAMES).to_crs('EPSG:4326')
    assert (mosaic(of(folder, index, in_degrees, class_column='cover', classes=NAMES)) == classes).all()


def test_classes_by_number_stand_in_the_order_of_numbers(folder, index, classes):
    frame = outlines(classes, NAMES).assign(
        code=lambda frame: frame['cover'].map({'water': 10, 'forest': 2, 'town': 1})
    )
    assert of(folder, index, frame, class_column='code').classes == ('1', '2', '10')


def test_values_and_ignored_values(folder, index, classes, tmp_path):
    write_raster(tmp_path / 'worldcover.tif', np.array([80, 10, 50], dtype=np.uint8)[classes][None])
    data = of(tmp_path, index, 'worldcover.tif', classes=NAMES, values=[80, 10, 50])
    assert (mosaic(data) == classes).all()
    data = of(tmp_path, index, 'worldcover.tif', values=[80, 10], ignored=[50])
    assert data.classes == ('80', '10')
    assert (mosaic(data) == np.array([0, 1, 255])[classes]).all()
    assert of(tmp_path, index, 'worldcover.tif', ignored=[50]).classes == ('10', '80')


def test_a_band_is_chosen(folder, index, classes, tmp_path):
    write_raster(tmp_path / 'two.tif', np.stack([np.zeros_like(classes), classes]))
    with pytest.raises(InputError, match=r'has 2 bands: choose one \(data.init_args.labels.band\)'):
        of(tmp_path, index, 'two.tif')
    with pytest.raises(InputError, match='has bands 1 to 2, and no band 3'):
        of(tmp_path, index, 'two.tif', band=3)
    assert (mosaic(of(tmp_path, index, 'two.tif', band=2)) == classes).all()


def test_pixels_without_a_label(folder, index, classes, tmp_path):
    partly = classes.copy()
    partly[:, 40:] = 255
    write_raster(tmp_path / 'a.tif', partly[None])
    write_raster(tmp_path / 'b.tif', classes[None, :70, :50])
    data = of(tmp_path, index, 'a.tif')
    assert (mosaic(data)[:, :40] == classes[:, :40]).all()
    assert (mosaic(data)[:, 40:] == 255).all()
    assert (len(data), data.left_out) == (8, 8)  # two of four columns of windows
    assert '8 windows without a label left out' in data.summary()
    assert (mosaic(of(tmp_path, index, 'b.tif'))[70:] == 255).all()
    both = mosaic(RegionSegmentation(index, RegionLabels([str(tmp_path / 'a.tif'), str(tmp_path / 'b.tif')])))
    assert (both[:70, :50] == classes[:70, :50]).all()
    assert (both[70:, 40:] == 255).all()


def test_background_is_a_class_only_where_it_is_named(folder, index):
    frame = polygons(square(0, 0, 16), cover=['town'])
    with pytest.raises(ValueError, match='give class_column, or background'):
        of(folder, index, frame)
    data = of(folder, index, frame, background='other')
    assert data.classes == ('other', 'labelled')
    assert data.class_counts().tolist() == [SIDE_PX**2 - 256, 256]
    assert of(folder, index, frame, class_column='cover').class_counts().tolist() == [256]


def test_outside_of_the_labelled_ground_nothing_is_known(folder, index, classes, tmp_path):
    polygons(square(0, 0, 32)).to_file(tmp_path / 'ground.gpkg')
    ground = {'ground': str(tmp_path / 'ground.gpkg')}
    frame = polygons(square(0, 0, 16), square(40, 0, 8), cover=['town', 'town'])
    data = of(folder, index, frame, class_column='cover', background='other', **ground)
    assert data.class_counts().tolist() == [1024 - 256, 256]
    found = mosaic(of(folder, index, **ground))
    assert (found[:32, :32] == classes[:32, :32]).all()
    assert (found == 255).sum() == SIDE_PX**2 - 1024
    polygons(square(9000, 0, 32)).to_file(tmp_path / 'far.gpkg')
    with pytest.raises(InputError, match=r'far.gpkg meets none of 16 windows'):
        of(folder, index, ground=str(tmp_path / 'far.gpkg'))


def test_polygons_hold_from_one_date_until_another(folder, index):
    frame = polygons(
        square(0, 0, 32), square(0, 0, 16), square(0, 0, 8),
        cover=['forest', 'town', 'ruin'],
        since=['2019-01-01', '2020-12-01', '2022-01-01'], until=['2022-03-01', None, None],
    )  # fmt: skip
    options = {'class_column': 'cover', 'classes': ['forest', 'town', 'ruin'], 'from_column': 'since'}

    def pixels(date, **more):
        data = of(folder, index, frame, date=date, **options, **more)
        return data.class_counts().tolist()

    assert pixels('earliest') == [1024, 0, 0]
    assert pixels('2021-07-01') == [1024 - 256, 256, 0]
    assert pixels('latest') == [1024 - 256, 256 - 64, 64]
    assert pixels('latest', until_column='until') == [0, 256 - 64, 64]
    assert pixels('all', until_column='until') == [1024 + 768, 256 + 192, 64]
    assert len(of(folder, index, frame, date='all', **options)) == len(DATES)


def test_while_nobody_knows_whether_a_polygon_holds_its_pixels_are_unknown(folder, index):
    frame = polygons(square(0, 0, 32), square(0, 0, 16), cover=['forest', 'town'], since=['2019', '2021'])
    options = {'class_column': 'cover', 'from_column': 'since'}
    assert of(folder, index, frame, date='2021-06-01', **options).class_counts().tolist() == [
        768,
        0,
    ]  # some time in 2021
    assert of(folder, index, frame, date='latest', **options).class_counts().tolist() == [768, 256]


def test_of_overlapping_polygons_the_higher_class_is_drawn(folder, index):
    frame = polygons(square(0, 0, 16), square(0, 0, 16), cover=['b', 'a'])
    assert of(folder, index, frame, class_column='cover').class_counts().tolist() == [0, 256]
    frame = polygons(square(0, 0, 16), square(0, 0, 8), cover=['b', 'c'])
    data = of(folder, index, frame, class_column='cover', ignored=['c'])
    assert data.classes == ('b',)
    assert data.class_counts().tolist() == [256 - 64]


def test_splits_have_the_classes_of_the_whole_region(folder, index, classes):
    parts = {split: of(folder, index, split=split) for split in ('train', 'val', 'test')}
    assert {part.classes for part in parts.values()} == {('0', '1', '2')}
    assert sum(len(part) for part in parts.values()) == 16
    assert sum(part.class_counts() for part in parts.values()).tolist() == np.bincount(classes.ravel()).tolist()


def test_pixels_without_an_image_have_no_label(tmp_path, classes):
    index = write_region(tmp_path, classes)
    path = tmp_path / 'images' / f'image_{DATES[-1]}.tif'
    pixels = np.random.default_rng(0).integers(1, 200, (3, SIDE_PX, SIDE_PX), dtype=np.uint16)
    pixels[:, :2, :32] = 0
    write_raster(path, pixels, nodata=0)
    from geo_noisy.pairs import build_index, scan_rasters

    index = build_index(scan_rasters([str(tmp_path / 'images')]), size_px=32)
    write_raster(tmp_path / 'labels.tif', classes[None])
    data = RegionSegmentation(index, RegionLabels(str(tmp_path / 'labels.tif')))
    found = mosaic(data)
    assert (found[:2, :32] == 255).all()
    assert (found == 255).sum() == 64
    assert data.class_counts().sum() == SIDE_PX**2 - 64


POLYGONS = {'class_column': 'cover'}


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        ({'class_column': 'land'}, ValueError, r"no column 'land'; they have cover, geometry"),
        (POLYGONS | {'classes': ['water', 'forest']}, InputError, r'holds town \(\d+ x\), which is neither in classes'),
        (POLYGONS | {'from_column': 'cover'}, ValueError, 'no date in a way that is known'),
        (POLYGONS | {'values': [1]}, ValueError, 'values of labels: for rasters, but .* holds polygons'),
        (POLYGONS | {'date_format': '%Y'}, ValueError, 'date_format of labels needs from_column'),
        (
            POLYGONS | {'background': 'x', 'classes': ['water', 'x', 'forest', 'town']},
            ValueError,
            "background of labels is 'x', so it must be the first",
        ),
    ],
)
def test_bad_options_of_polygons_have_one_message(folder, index, options, error, message):
    with pytest.raises(error, match=message):
        of(folder, index, 'labels.gpkg', **options)


@pytest.mark.parametrize(
    ('options', 'error', 'message'),
    [
        (POLYGONS, ValueError, 'class_column of labels: for polygons, but .* holds rasters'),
        ({'classes': ['a', 'b']}, InputError, r'holds 2 \(\d+ x\), which is neither in classes \(0, 1\)'),
        ({'classes': ['a', 'b', 'c'], 'values': [0, 1]}, ValueError, '3 classes and 2 values'),
        ({'classes': ['a', 'a', 'c']}, ValueError, 'each name may stand there once'),
        ({'classes': ['a', 'b', 'c'], 'ignored': ['2']}, ValueError, '2 of labels stands in classes and in ignored'),
        ({'ground_layer': 'x'}, ValueError, 'ground_layer of labels needs ground'),
        ({'name': 'nowhere.tif'}, FileNotFoundError, 'neither a file nor a folder'),
    ],
)
def test_bad_options_of_rasters_have_one_message(folder, index, options, error, message):
    with pytest.raises(error, match=message):
        of(folder, index, **options)


def test_labels_elsewhere(folder, index, classes, tmp_path):
    write_raster(tmp_path / 'far.tif', classes[None], offset_px=(5000, 0))
    with pytest.raises(
        InputError, match=r'far.tif reach none of 16 windows. Do they lie on the same ground\? Labels: lon'
    ):
        of(tmp_path, index, 'far.tif')
    with pytest.raises(InputError, match='the frame reach none of 16 windows'):
        of(tmp_path, index, polygons(square(9000, 0, 32), cover=['a']), class_column='cover')


def test_a_polygon_without_a_date_where_dates_are_asked_for(folder, index):
    frame = polygons(square(0, 0, 32), square(0, 0, 16), cover=['a', 'b'], since=['2019-01-01', None])
    with pytest.raises(
        InputError, match=r"1 polygons of the frame have no date in 'since', from which they hold: row 1"
    ):
        of(folder, index, frame, class_column='cover', from_column='since')
    frame = polygons(square(0, 0, 32), cover=['a'], since=['2020-01-01'], until=['2019-01-01'])
    with pytest.raises(InputError, match='hold until a date before the one they hold from, such as row 0'):
        of(folder, index, frame, class_column='cover', from_column='since', until_column='until')


def test_a_split_without_a_label(folder, index, classes, tmp_path):
    data = of(folder, index, split='test')
    x, y = data.index.corners().T
    partly = classes.copy()
    for left, top in zip(x, y, strict=True):
        col, row = round((left - ORIGIN[0]) / RES), round((ORIGIN[1] - top) / RES)
        partly[row : row + 32, col : col + 32] = 255
    write_raster(tmp_path / 'partly.tif', partly[None])
    with pytest.raises(InputError, match='None of 4 windows of test has a labelled pixel'):
        of(tmp_path, index, 'partly.tif', split='test')
    with pytest.raises(ValueError, match=r"date \(one of 'latest'.*'sometime'"):
        of(folder, index, date='sometime')


def test_a_class_declared_to_hold_no_data(folder, index, classes, tmp_path):
    write_raster(tmp_path / 'zero.tif', classes[None], nodata=0)
    assert of(tmp_path, index, 'zero.tif').classes == ('1', '2')
    with pytest.raises(InputError, match='declares 0 to hold no data, but it is the value of a class'):
        of(tmp_path, index, 'zero.tif', classes=NAMES)


def test_polygons_that_were_mended_are_told(folder, index):
    from shapely import Polygon

    left, top = ORIGIN
    bow = Polygon([(left, top), (left + 80, top - 80), (left + 80, top), (left, top - 80)])
    frame = polygons(square(0, 0, 16), bow, cover=['a', 'b'])
    assert 'invalid outline, mended and kept' in of(folder, index, frame, class_column='cover').summary()


def test_plot(folder, index):
    data = of(folder, index, 'labels.gpkg', class_column='cover')
    sample = data[0] | {'prediction': data[0]['mask']}
    figure = data.plot(sample, suptitle='One')
    assert [axis.get_title() for axis in figure.axes] == ['Image', 'Mask', 'Prediction']
    assert [text.get_text() for text in figure.legends[0].texts] == ['forest', 'town', 'water', 'unlabelled']
    assert data.date_of(0) == '2022-06-01'
    assert pd.Timestamp(of(folder, index, date='2020-08-01').date_of(0)) == pd.Timestamp('2020-06-01')


def test_lines_of_a_mended_outline_are_not_drawn(folder, index):
    from shapely import Polygon

    left, top = ORIGIN
    spiked = Polygon(
        [
            (left, top),
            (left, top - 40),
            (left + 40, top - 40),
            (left + 40, top),
            (left + 300, top - 5),
            (left + 40, top),
        ]
    )
    data = of(folder, index, polygons(spiked, cover=['a']), class_column='cover', background='other')
    assert data.class_counts().tolist() == [SIDE_PX**2 - 16, 16]
