"""Products as they are delivered, indexed without an option: bands by name, masks, pixels equal to GDAL's own."""

import re
from functools import cache

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window
from torchgeo.datasets import NAIP, Landsat8, Sentinel1, Sentinel2

from geo_noisy.datasets import TemporalPairs
from geo_noisy.main import main
from geo_noisy.regions import Limits, PairIndex, build_index, scan_rasters
from geo_noisy.regions.files.products import known_products
from tests.data.deliveries import CLOUD_PX, EDGE_PX, PRODUCTS, hls
from tests.data.deliveries import SIZE_PX as SIDE_PX
from tests.data.regions import write_raster

SIZE_PX = 48
DATES = {
    'sentinel2-l1c': ('2022-06-13T10:06:01', '2022-07-23T10:06:11', '2023-06-13T10:06:01'),
    'sentinel2-l2a': ('2022-06-13T10:06:01', '2022-07-23T10:06:11', '2023-06-13T10:06:01'),
    'hls': ('2022-08-25T10:06:01', '2022-09-02T09:54:02', '2023-08-25T10:06:01'),
    'landsat-c2': ('2020-07-15T00:00:00', '2020-07-31T00:00:00', '2022-07-14T00:00:00'),
    'naip': ('2016-06-16T00:00:00', '2018-07-12T00:00:00', '2020-07-05T00:00:00'),
    'planet-sr': ('2023-03-15T09:23:39', '2023-04-15T09:32:01', '2023-06-20T09:25:12'),
    'sentinel1-rtc': ('2022-12-04T16:41:07', '2022-12-16T16:41:06', '2023-12-11T16:41:13'),
}
MASKS = {
    'sentinel2-l2a': [0],
    'hls': [255],
    'landsat-c2': [1],
    'planet-sr': [1],
    'sentinel1-rtc': [5],
}  # values without data
NODATA = {'sentinel2-l1c': 0, 'sentinel2-l2a': 0}  # of the product; its files do not say
TELLS_NODATA = {
    'sentinel2-l2a': 'SCL', 'hls': 'Fmask', 'landsat-c2': 'QA_PIXEL', 'planet-sr': 'udm2_unusable',
    'sentinel1-rtc': 'ls_map',
}  # fmt: skip


def warped(path, number, index, location, resampling, nodata=None):
    """A window by GDAL alone: a view of the file on the grid, and the window of it."""
    grid, (col, row) = index.sites.iloc[0], (index.locations.col[location], index.locations.row[location])
    with (
        rasterio.open(path) as file,
        WarpedVRT(
            file, crs=grid['crs'], transform=from_origin(*grid[['x0', 'y0', 'res_x', 'res_y']]), width=SIDE_PX,
            height=SIDE_PX, resampling=resampling, src_nodata=nodata, nodata=nodata,
        ) as view,
    ):  # fmt: skip
        return view.read(number, window=Window(col, row, SIZE_PX, SIZE_PX))


def listed(index):
    """All pairs as (column, earlier, later)."""
    rows = np.concatenate([index.keys(name, np.arange(index.count(name))) for name in ('clean', 'noisy', 'unknown')])
    times = index.pair_times(rows).astype('datetime64[s]').astype(str)
    return sorted(
        (int(index.locations.col[row]), int(index.locations.row[row]), str(first), str(later))
        for row, (first, later) in zip(rows[:, 0], times, strict=True)
    )


def by_hand(product):
    """The pairs that there are: at the second date nothing is seen left of the edge, but by NAIP."""
    first, second, third = DATES[product]
    found = []
    for row in range(0, SIDE_PX, SIZE_PX):
        for col in range(0, SIDE_PX, SIZE_PX):
            found.append((col, row, first, third))
            if col >= EDGE_PX or product == 'naip':
                found += [(col, row, first, second), (col, row, second, third)]
    return sorted(found)


@pytest.fixture(scope='module')
def delivery(tmp_path_factory):
    """Writes a product on first use."""
    folder = tmp_path_factory.mktemp('deliveries')
    return cache(lambda product: (folder / product, PRODUCTS[product](folder / product)))


@pytest.mark.parametrize('product', PRODUCTS)
def test_a_delivery_is_indexed_without_an_option(product, delivery, tmp_path, capsys):
    images, delivered = delivery(product)
    words = ['index', images, '--size-px', SIZE_PX, '-o', tmp_path / 'pairs.parquet']
    assert main([str(word) for word in words]) == 0
    printed = capsys.readouterr().out
    index = PairIndex.read(tmp_path / 'pairs.parquet')
    assert f'Product:    {product}' in printed
    assert index.bands == tuple(delivered[0].bands)
    assert listed(index) == by_hand(product)

    dataset, rng = TemporalPairs(index), np.random.default_rng(0)
    several = len({path for path, _ in delivered[0].bands.values()}) > 1 and 'sentinel2' in product
    assert ('brought to it, bilinear' in printed) == several
    for location in rng.choice(len(index), 10, replace=False):
        dates = np.flatnonzero(index.location_of_dates() == location)
        date = int(rng.integers(len(dates)))
        taken = str(index.times[dates[date]].astype('datetime64[s]'))
        capture = delivered[DATES[product].index(taken)]
        pixels, valid = dataset.read(int(location), date)
        for band, (path, number) in zip(pixels, capture.bands.values(), strict=True):
            expected = warped(path, number, index, location, Resampling.bilinear, NODATA.get(product))
            assert np.array_equal(band[valid], expected[valid].astype(np.float32))
        seen = np.ones((SIZE_PX, SIZE_PX), dtype=bool)
        if product in TELLS_NODATA:
            path, number = capture.masks[TELLS_NODATA[product]]
            seen = ~np.isin(warped(path, number, index, location, Resampling.nearest), MASKS[product])
        assert np.array_equal(valid, seen)


@pytest.mark.parametrize('product', [product for product in TELLS_NODATA if product != 'sentinel1-rtc'])
def test_masks_tell_clouds_in_each_window(product, delivery):
    index = build_index(scan_rasters(delivery(product)[0]), size_px=SIZE_PX, limits=Limits(max_cloud=50))
    third = index.times.astype('datetime64[s]').astype(str) == DATES[product][2]
    rows = index.locations.row[index.location_of_dates()]
    assert set(rows[third]) == set(range(CLOUD_PX, SIDE_PX, SIZE_PX))


def test_bands_are_taken_by_name_in_the_stated_order_at_the_finest_of_them(delivery):
    images, delivered = delivery('sentinel2-l2a')
    index = build_index(scan_rasters(images, bands=['B11', 'nir08']), size_px=32)
    assert index.bands == ('B11', 'B8A')
    assert index.sites['res_x'].tolist() == [20]
    with rasterio.open(delivered[0].bands['B11'][0]) as file:
        expected = file.read(1)[:32, :32]
    assert np.array_equal(TemporalPairs(index, bands=['B11']).read(0, 0)[0][0], expected)
    assert np.array_equal(TemporalPairs(index, bands=['B8A', 'B11']).read(0, 0)[0][1], expected)
    with pytest.raises(ValueError, match=r'There is no band .B99.; choose from B01, B02'):
        scan_rasters(images, bands=['B99'])
    with pytest.raises(ValueError, match='each can be given once'):
        scan_rasters(images, bands=['B8A', 'nir08'])
    with pytest.raises(ValueError, match=r'bands 1 to 2 \(B11, B8A\)'):
        TemporalPairs(index, bands=['B02'])


def test_a_date_that_lacks_a_band_is_left_out_and_counted(tmp_path):
    delivered = PRODUCTS['landsat-c2'](tmp_path)
    delivered[1].bands['SR_B2'][0].unlink()
    scan = scan_rasters(tmp_path)
    assert scan.files['time'].astype('datetime64[s]').astype(str).tolist() == ['2020-07-15', '2022-07-14']
    told = [item for item in scan.excluded if item.what == 'capture']
    assert [(item.number, item.reason.split(';')[0]) for item in told] == [(1, 'lacks SR_B2')]
    assert '20200731' in told[0].example
    assert len(scan_rasters(tmp_path, bands=['red']).files) == 3


def test_one_name_of_two_sensors_is_never_one_band(tmp_path):
    hls(tmp_path)
    scan = scan_rasters(tmp_path, bands=['B05'])
    assert scan.files['sensor'].tolist() == ['S30', 'S30']
    assert any('B05 is rededge071 of S30, nir08 of L30' in doubt.text for doubt in scan.doubts)
    both = scan_rasters(tmp_path, bands=['B03', 'nir08'])
    names = [
        paths[layer[1][0]].split('.')[-2]
        for paths, layer in zip(both.files['paths'], both.files['layers'], strict=True)
    ]
    assert sorted(zip(both.files['sensor'], names, strict=True)) == [('L30', 'B05'), ('S30', 'B8A'), ('S30', 'B8A')]


def test_captures_of_two_products_are_no_pairs(tmp_path):
    hls(tmp_path / 'a')
    sentinel = PRODUCTS['landsat-c2'](tmp_path / 'b')
    for path, _ in [*sentinel[0].bands.values(), *sentinel[0].masks.values()]:
        path.unlink()
    scan = scan_rasters(tmp_path)
    assert scan.content.product == 'hls'
    assert any('landsat-c2 where most captures are hls' in item.reason and item.number == 2 for item in scan.excluded)
    assert len(scan_rasters(tmp_path, product='landsat-c2').files) == 2
    with pytest.raises(ValueError, match='choose auto, none or one of'):
        scan_rasters(tmp_path, product='modis')


def test_a_user_adds_products(tmp_path):
    table = tmp_path / 'mine.yaml'
    table.write_text(
        'drone:\n  date_format: "%d%m%Y"\n  nodata: 7\n  bands: [red, edge]\n'
        '  masks: {shade: {nodata: [1], cloud_bits: [1]}}\n'
        '  files: [{pattern: "flight(?P<date>\\\\d{8})-(?P<layer>\\\\w+)[.]tif$"}]\n'
    )
    for day in ('11072020', '12072020'):
        for seed, layer in enumerate(('edge', 'red', 'shade')):
            pixels = np.zeros((1, 32, 32), np.uint8) if layer == 'shade' else None
            write_raster(tmp_path / f'flight{day}-{layer}.tif', pixels, bands=1, size_px=32, seed=seed)
    index = build_index(scan_rasters(tmp_path, products=table), size_px=32)
    assert (index.content.product, index.bands) == ('drone', ('red', 'edge'))
    assert index.times.astype('datetime64[s]').astype(str).tolist() == ['2020-07-11T00:00:00', '2020-07-12T00:00:00']
    assert np.array_equal(index.content.masks[0].cloud_bits, [1])
    with rasterio.open(tmp_path / 'flight11072020-red.tif') as file:
        expected = file.read(1)
    pixels, valid = TemporalPairs(index).read(0, 0)
    assert not valid[expected == 7].any()
    assert np.array_equal(pixels[0][valid], expected[valid])


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[', 'is no YAML'),
        ('a: 3', 'must hold a mapping'),
        ('a: {files: 3}', r'a: files must be a list'),
        ('a: {files: [{pattern: "("}]}', 'no regular expression'),
        ('a: {cloud: 1, files: [{pattern: "x"}]}', r'a: cloud is unknown; choose from pattern'),
        ('a: {masks: {m: {clouds: [1]}}, files: [{pattern: "x"}]}', r'mask m: clouds is unknown'),
    ],
)
def test_tables_of_products_that_make_no_sense_are_told(tmp_path, text, message):
    (tmp_path / 'mine.yaml').write_text(text)
    write_raster(tmp_path / 'x_20200101.tif')
    with pytest.raises(ValueError, match=message):
        scan_rasters(tmp_path, products=tmp_path / 'mine.yaml')


def test_names_that_torchgeo_knows_are_known():
    """Names after the examples and patterns of TorchGeo's data sets, with their band."""
    for data_set, product, name, band in (
        (Sentinel2, 'sentinel2-l1c', 'T26EMU_20190414T110751_B02.jp2', 'B02'),
        (Sentinel2, 'sentinel2-l2a', 'T26EMU_20190414T110751_B8A_20m.jp2', 'B8A'),
        (Sentinel1, 'sentinel1-rtc', 'S1A_IW_20221204T161641_DVP_RTC30_G_gpuned_1A2B_VV.tif', 'VV'),
        (Landsat8, 'landsat-c2', 'LC08_L2SP_023032_20210622_20210629_02_T1_SR_B4.TIF', 'SR_B4'),
        (NAIP, 'naip', 'm_3807511_ne_18_060_20181104.tif', None),
        (NAIP, 'naip', 'm_3807708_nw_18_060_20180825_20190211.tif', None),
    ):
        regex = data_set.filename_regex
        theirs = re.match(regex.format('20m') if data_set is Sentinel2 else regex, name, re.VERBOSE)
        kinds = known_products()[product]
        ours = next(match for kind in kinds if (match := kind.pattern.search(f'folder/{name}')))
        assert ours['date'] == theirs['date']
        assert ours.groupdict().get('layer') == band


def test_processing_baselines_of_sentinel2_are_brought_to_one(tmp_path):
    """The same ground: since baseline 04.00 values lie 1000 higher."""
    pixels = np.random.default_rng(0).integers(200, 3000, (1, 64, 64)).astype('uint16')
    for stamp, baseline, added in (('20210613T100601', '0301', 0), ('20220613T100601', '0400', 1000)):
        folder = tmp_path / f'S2A_MSIL2A_{stamp}_N{baseline}_R022_T33TVM_20230101T120000.SAFE' / 'IMG_DATA' / 'R10m'
        folder.mkdir(parents=True)
        write_raster(folder / f'T33TVM_{stamp}_B02_10m.tif', pixels + added)
    scan = scan_rasters(tmp_path)
    (doubt,) = [doubt for doubt in scan.doubts if doubt.about == 'radiometry']
    assert '1 of 2 dates are brought to scale 0.0001, offset 0' in doubt.text
    image = TemporalPairs(build_index(scan, size_px=64))[0]['image'].numpy()
    assert np.allclose(image, pixels, atol=1e-2)
    stored = TemporalPairs(build_index(scan_rasters(tmp_path, radiometry='stored'), size_px=64))[0]['image'].numpy()
    assert np.array_equal(stored[1], pixels + 1000)


def test_planet_of_four_and_of_eight_bands_share_four(tmp_path):
    folder = tmp_path / 'PSScene'
    folder.mkdir()
    for name, bands in (
        ('20200315_092339_1003_3B_AnalyticMS_SR', 4),
        ('20230415_093201_71_2486_3B_AnalyticMS_SR_8b', 8),
    ):
        pixels = np.stack([np.full((32, 32), 100 * bands + band, 'uint16') for band in range(1, bands + 1)])
        write_raster(folder / f'{name}.tif', pixels, res=3)
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert index.bands == ('blue', 'green', 'red', 'nir')
    image = TemporalPairs(index)[0]['image'][:, :, 0, 0].tolist()
    assert image == [[401, 402, 403, 404], [802, 804, 806, 808]]


def test_natural_colour_of_naip_lacks_near_infrared(tmp_path):
    for day, bands in (('20060616', 3), ('20160616', 4), ('20180712', 4)):
        write_raster(tmp_path / f'm_3412039_nw_10_1_{day}.tif', bands=bands)
    scan = scan_rasters(tmp_path)
    assert scan.content.bands == ('R', 'G', 'B', 'NIR')
    assert [item.number for item in scan.excluded if 'lacks NIR' in item.reason] == [1]
    assert len(scan_rasters(tmp_path, bands=['R', 'G', 'B']).files) == 3


LAYOVER_SHADOW = {0: False, 1: True, 3: True, 5: False, 9: True, 11: True, 17: False, 21: False, 27: False, 31: False}
OPERA = {0: True, 1: False, 2: False, 3: False, 255: False}


@pytest.mark.parametrize(
    ('name', 'layer', 'codes'),
    [
        ('S1A_IW_202212{}T164107_DVP_RTC30_G_gpuned_AB2C', 'ls_map', LAYOVER_SHADOW),
        ('OPERA_L2_RTC-S1_T035-073251-IW2_202212{0}T164107Z_202301{0}T010203Z_S1A_30_v1.0', 'mask', OPERA),
    ],
)
def test_layover_and_shadow_of_radar_hold_no_data(tmp_path, name, layer, codes):
    values = np.resize(np.array(list(codes), np.uint8), (1, 32, 32))
    for day in ('04', '16'):
        write_raster(tmp_path / f'{name.format(day)}_VV.tif', np.full((1, 32, 32), 0.5, np.float32))
        write_raster(tmp_path / f'{name.format(day)}_{layer}.tif', values)
    index = build_index(scan_rasters(tmp_path), size_px=32, limits=Limits(max_nodata=1))
    valid = TemporalPairs(index).read(0, 0)[1]
    assert {int(value): set(valid[values[0] == value].tolist()) for value in codes} == {
        value: {sound} for value, sound in codes.items()
    }


@pytest.mark.parametrize(('days', 'doubted'), [(('20210613', '20220613'), 1), (('20220613', '20220723'), 0)])
def test_sentinel2_without_its_folders_is_doubted_where_the_baseline_changed(tmp_path, days, doubted):
    for day in days:
        write_raster(tmp_path / f'T33TVM_{day}T100601_B02_10m.tif', np.full((1, 32, 32), 900, np.uint16))
    scan = scan_rasters(tmp_path)
    assert len([doubt for doubt in scan.doubts if 'lie 1000 higher' in doubt.text]) == doubted
    with pytest.raises(ValueError, match='keep the SAFE folders'):
        scan_rasters(tmp_path, radiometry='physical')


def test_copies_in_folders_of_their_acquisition_are_known(tmp_path):
    for number, day in enumerate(('20220613', '20220723')):
        folder = tmp_path / 's2' / f'S2B_33TVM_{day}_0_L2A'
        folder.mkdir(parents=True)
        for band in ('B02', 'B03'):
            write_raster(folder / f'{band}.tif', np.full((1, 32, 32), 1000 * (number + 1) + int(band[2]), np.uint16))
        write_raster(folder / 'SCL.tif', np.full((1, 32, 32), 4, np.uint8))
        stamp = f'{day}T164107_{day}T164132_046194_0587AE'
        radar = tmp_path / 's1' / f'S1A_IW_GRDH_1SDV_{stamp}_rtc' / 'measurement'
        radar.mkdir(parents=True)
        for band in ('vv', 'vh'):
            write_raster(radar / f'iw-{band}.rtc.tiff', np.full((1, 32, 32), number, np.float32), nodata=-32768)
    index = build_index(scan_rasters(tmp_path / 's2'), size_px=32)
    assert (index.content.product, index.bands) == ('sentinel2-l2a', ('B02', 'B03'))
    assert TemporalPairs(index)[0]['image'][:, :, 0, 0].tolist() == [[1002, 1003], [2002, 2003]]
    radar = build_index(scan_rasters(tmp_path / 's1'), size_px=32)
    assert (radar.content.product, radar.bands) == ('sentinel1-rtc', ('vv', 'vh'))
    assert radar.times.astype('datetime64[s]').astype(str)[0] == '2022-06-13T16:41:07'


@pytest.mark.parametrize(
    ('product', 'names', 'bands', 'mask'),
    [
        ('sentinel2-l2a', ['S2B_33TVM_{}_0_L2A_B02', 'S2B_33TVM_{}_0_L2A_B03'], ('B02', 'B03'),
         'S2B_33TVM_{}_0_L2A_SCL'),
        ('sentinel2-l2a', ['S2B_5QKB_{}_0_L2A_blue', 'S2B_5QKB_{}_0_L2A_nir08'], ('blue', 'nir08'),
         'S2B_5QKB_{}_0_L2A_scl'),
        ('landsat-c1', ['LC08_L1TP_190029_{}_20180308_01_T1_sr_band4'], ('sr_band4',),
         'LC08_L1TP_190029_{}_20180308_01_T1_pixel_qa'),
        ('hls', ['HLS.S30.T33TVM.{}T095500.v2.0.B02.subset'], ('B02',), 'HLS.S30.T33TVM.{}T095500.v2.0.Fmask.subset'),
        ('planet-sr', ['{}_101329_55_2458_ortho_analytic_4b_sr'], ('blue', 'green', 'red', 'nir'),
         '{}_101329_55_2458_ortho_udm2'),
    ],
)  # fmt: skip
def test_other_names_of_known_products(tmp_path, product, names, bands, mask):
    """Flat downloads, names of assets, an earlier collection, subsets, new names; the mask takes out one row."""
    word = re.search('SCL|scl|pixel_qa|Fmask|udm2', mask)[0]
    sound, empty = {'SCL': (4, 0), 'scl': (4, 0), 'Fmask': (0, 255)}.get(word, (0, 1))
    codes = np.full((8 if word == 'udm2' else 1, 32, 32), sound, np.uint8)
    codes[-1, :1] = empty
    pixels = np.full((len(bands) // len(names), 32, 32), 900, np.int16)
    for day in ('2018001', '2018065') if product == 'hls' else ('20180101', '20180306'):
        for name in names:
            write_raster(tmp_path / f'{name.format(day)}.tif', pixels)
        write_raster(tmp_path / f'{mask.format(day)}.tif', codes)
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert (index.content.product, index.bands) == (product, bands)
    days = index.times.astype('datetime64[s]').astype('datetime64[D]')
    assert days.astype(str).tolist() == ['2018-01-01', '2018-03-06']
    valid = TemporalPairs(index).read(0, 0)[1]
    assert not valid[0].any()
    assert valid[1:].all()


def test_tiles_of_the_united_states_are_known(tmp_path):
    for day in ('20200715', '20200731'):
        for layer, value in (('SR_B2', 8000), ('SR_B3', 9000), ('QA_PIXEL', 21824)):
            path = tmp_path / f'LC08_CU_003009_{day}_20210504_02_{layer}.TIF'
            write_raster(path, np.full((1, 32, 32), value, np.uint16))
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert (index.content.product, index.bands) == ('landsat-c2', ('SR_B2', 'SR_B3'))
    assert index.times.astype('datetime64[s]').astype(str).tolist() == ['2020-07-15T00:00:00', '2020-07-31T00:00:00']


def band_files(folder, name, days=('20200101', '20210101'), **values):
    folder.mkdir(exist_ok=True)
    for number, day in enumerate(days):
        for band, value in values.items():
            pixels = np.full((1, 32, 32), value + number, np.uint8)
            write_raster(folder / name.format(day=day, band=band), pixels)
    return folder


@pytest.mark.parametrize('name', ['scene_{day}_{band}.tif', '{band}-{day}.tif', 'x{day}.{band}.v2.tif'])
def test_files_of_a_band_each_are_one_capture_by_the_words_in_their_names(tmp_path, name):
    scan = scan_rasters(band_files(tmp_path / 'a', name, nir=30, red=20, blue=10))
    (doubt,) = [doubt for doubt in scan.doubts if doubt.about == 'bands']
    assert 'hold a band each: blue, red, nir' in doubt.text
    assert TemporalPairs(build_index(scan, size_px=32))[0]['image'][:, :, 0, 0].tolist() == [[10, 20, 30], [11, 21, 31]]
    chosen = build_index(scan_rasters(tmp_path / 'a', bands=['nir', 'red']), size_px=32)
    assert TemporalPairs(chosen)[0]['image'][:, :, 0, 0].tolist() == [[30, 20], [31, 21]]
    assert len(scan_rasters(tmp_path / 'a', product='none').files) == 6


def test_a_date_that_lacks_a_file_of_a_band_is_left_out(tmp_path):
    folder = band_files(tmp_path / 'a', 'scene_{day}_{band}.tif', ('20200101', '20210101', '20220101'), B2=2, B8A=8)
    (folder / 'scene_20210101_B2.tif').unlink()
    index = build_index(scan_rasters(folder), size_px=32)
    assert index.bands == ('B2', 'B8A')
    assert [item.reason.split(';')[0] for item in index.excluded] == ['lacks B2']
    assert TemporalPairs(index)[0]['image'][:, :, 0, 0].tolist() == [[2, 8], [4, 10]]


def test_tiles_and_captures_of_several_bands_are_no_files_of_a_band(tmp_path):
    for number, day in enumerate(('20200101', '20210101')):
        for tile in (1, 2):
            write_raster(tmp_path / f'ortho_{day}_B{tile}.tif', bands=1, seed=number, offset_px=(64 * tile, 0))
    assert build_index(scan_rasters(tmp_path), size_px=32).content.product == ''


def test_dates_of_folders_are_taken_where_no_name_has_one(tmp_path):
    for day in ('2022-08-17', '2022-08-22'):
        (tmp_path / day / 'images').mkdir(parents=True)
        write_raster(tmp_path / day / 'images' / 'ortho.tif')
    scan = scan_rasters(tmp_path)
    assert scan.files['time'].to_numpy().astype('datetime64[s]').astype('datetime64[D]').astype(str).tolist() == [
        '2022-08-17', '2022-08-22',
    ]  # fmt: skip
    assert 'names of their folders' in scan.doubts[0].text
    write_raster(tmp_path / 'ortho_20220901.tif')
    assert len(scan_rasters(tmp_path).files) == 1  # once names hold dates, others are left out and counted
