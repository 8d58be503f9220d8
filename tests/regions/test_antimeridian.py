"""Ground at 180 degrees, longitudes from 0 to 360, and files whose CRS is local."""

import numpy as np
import pytest
import shapely
from rasterio.crs import CRS
from rasterio.transform import from_origin

from geo_noisy.datasets import TemporalPairs
from geo_noisy.pairs import build_index, scan_rasters
from geo_noisy.regions.windows.antimeridian import around_middle, in_one_piece, meeting, unwrapped
from tests.data.regions import write_raster

DEGREE_PX = 1e-4
LOCAL = 'LOCAL_CS["Local Coordinates (m)",UNIT["metre",1]]'


def write_dates(folder, name, *, left, top=-16.0, crs='EPSG:4326', res=DEGREE_PX, same=True):
    folder.mkdir(exist_ok=True)
    for date, seed in (('20200101', 0), ('20210101', 0 if same else 1)):
        pixels = np.random.default_rng(seed).integers(1, 255, (1, 64, 64), dtype=np.uint8)
        write_raster(folder / f'{name}_{date}.tif', pixels, crs=crs, transform=from_origin(left, top, res, res))
    return folder


def read(index, location=0):
    return TemporalPairs(index).read(location, 0)


def test_bounds_in_one_piece():
    found = in_one_piece(np.array([[204, 1, 205, 2], [179.9, 1, -179.9, 2], [179.9, 1, 180.1, 2], [np.inf] * 4]))
    crossing = [179.9, 1, 180.1, 2]
    assert found[:3].tolist() == [[-156, 1, -155, 2], pytest.approx(crossing), crossing]
    assert np.isinf(found[3]).all()


def test_both_sides_of_180_degrees_meet():
    first, second = meeting(np.array([[179.9, 0, 180.1, 1], [-179.95, 0, -179.9, 1], [10, 0, 11, 1.0]]))
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == {(0, 0), (1, 1), (2, 2), (0, 1)}


def test_outlines_are_unwrapped():
    wrapped = shapely.Polygon([(179.9, 0), (-179.9, 0), (-179.9, 1), (179.9, 1)])
    plain = shapely.box(-20, 0, 30, 1)
    found = unwrapped(np.array([wrapped, plain]))
    assert shapely.bounds(found).tolist() == [pytest.approx([179.9, 0, 180.1, 1]), [-20, 0, 30, 1]]


def test_only_longitudes_beyond_180_change_the_crs():
    plain = CRS.from_epsg(4326)
    assert around_middle(plain, 10, 11) is plain
    assert around_middle(CRS.from_epsg(32633), 500_000, 600_000).to_epsg() == 32633
    assert '+lon_wrap=180' in around_middle(plain, 179.9, 180.1).to_proj4()


@pytest.mark.parametrize(('crs', 'west'), [(None, None), ('EPSG:32760', 'EPSG:32759')])
def test_files_over_the_antimeridian_are_read_as_those_a_zone_to_the_west(tmp_path, crs, west):
    crossing, usual = (
        build_index(scan_rasters([write_dates(tmp_path / str(left), 'fj', left=left)]), size_px=16, crs=target)
        for left, target in ((179.996, crs), (173.996, west))
    )
    assert (crossing.crs, usual.crs) == ((crs, west) if crs else ('EPSG:32760', 'EPSG:32759'))
    assert len(crossing) == len(usual) >= 6
    for location in range(len(usual)):
        (pixels, valid), (expected, known) = read(crossing, location), read(usual, location)
        assert np.array_equal(valid, known)
        assert np.abs(pixels - expected).max() <= 1


@pytest.mark.parametrize('crs', [None, 'EPSG:32605'])
def test_longitudes_from_0_to_360_are_the_same_ground(tmp_path, crs):
    there = write_dates(tmp_path / 'a', 'hi', left=204.0, top=20.0)
    usual = write_dates(tmp_path / 'b', 'hi', left=-156.0, top=20.0)
    first, second = (build_index(scan_rasters([folder]), size_px=16, crs=crs) for folder in (there, usual))
    assert first.crs == second.crs == 'EPSG:32605'
    assert len(first) == len(second) >= 6
    assert np.allclose(first.corners(), second.corners(), atol=1e-3)
    assert np.abs(read(first)[0] - read(second)[0]).max() <= 1


def test_utm_zones_on_both_sides_make_pairs(tmp_path):
    write_dates(tmp_path / 'a', 'west', left=820_500, top=8_229_000, crs='EPSG:32760', res=10)
    write_dates(tmp_path / 'a', 'east', left=179_800, top=8_229_000, crs='EPSG:32701', res=10)
    index = build_index(scan_rasters([tmp_path / 'a']), size_px=16)
    assert len(index) >= 16
    assert not [item for item in index.excluded if item.what == 'file']


def test_a_local_crs_is_left_out_and_counted(tmp_path):
    folder = write_dates(tmp_path / 'a', 'site', left=400_000, top=5_300_000, crs=LOCAL, res=10)
    for crs in (None, 'EPSG:32633'):
        with pytest.raises(ValueError, match=r'(?s)None of 2 files can be placed.*2 x file: a local CRS.*gdal_edit'):
            build_index(scan_rasters([folder]), size_px=16, crs=crs)
    write_dates(folder, 'good', left=400_000, top=5_300_000, crs='EPSG:32633', res=10)
    index = build_index(scan_rasters([folder]), size_px=16)
    assert len(index) == 16
    assert [(item.what, item.number) for item in index.excluded] == [('file', 2)]
