"""Tiles that chain across UTM zones do not end in one CRS that distorts their ends."""

import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info

from geo_noisy.regions import build_index, scan_rasters
from geo_noisy.regions.windows.zones import utm_zone
from tests.data.regions import write_raster

GEOD = Geod(ellps='WGS84')


def tile(folder, zone, lon, date, *, size_px=256, res=2000.0):
    """A tile of UTM at 50 degrees north around a longitude."""
    crs = f'EPSG:{32600 + zone}'
    x, y = Transformer.from_crs('EPSG:4326', crs, always_xy=True).transform(lon, 50)
    origin = (x // res * res - size_px * res / 2, y // res * res + size_px * res / 2)
    write_raster(folder / f'z{zone}_{date}.tif', size_px=size_px, res=res, crs=crs, origin=origin, bands=1, seed=zone)


def sides_m(index):
    """True lengths of the upper sides of all windows."""
    found = []
    for (left, _, right, top), site in zip(shapely.bounds(index.windows()), index.locations.site, strict=True):
        back = Transformer.from_crs(index.sites['crs'][site], 'EPSG:4326', always_xy=True)
        (lon1, lon2), (lat1, lat2) = back.transform([left, right], [top, top])
        found.append(GEOD.inv(lon1, lat1, lon2, lat2)[2])
    return np.array(found)


@pytest.mark.parametrize(('lon', 'lat'), [(5.1, 60.0), (9.0, 79.0), (-179.9, 1.0), (179.9, -1.0), (30.0, 50.0)])
def test_the_zone_is_one_that_pyproj_names(lon, lat):
    there = AreaOfInterest(lon, lat, lon, lat)
    zones = {f'EPSG:{zone.code}' for zone in query_utm_crs_info('WGS 84', there)}
    assert {utm_zone(lon, lat, lon, lat), utm_zone(lon + 360, lat, lon + 360, lat)} <= zones


@pytest.mark.parametrize(('zones', 'sites'), [(range(31, 38), 7), (range(32, 34), 1)])
def test_a_chain_of_zones_keeps_its_lengths(tmp_path, zones, sites):
    for zone in zones:
        for date in ('20200101', '20210101'):
            tile(tmp_path, zone, 6 * zone - 183, date)
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert len(index.sites) == sites
    assert np.abs(sides_m(index) / 64_000 - 1).max() < 0.03


def test_ground_that_two_zones_show_is_one_place(tmp_path):
    for zone in range(31, 38):
        for date in ('20200101', '20210101'):
            tile(tmp_path, zone, 6 * zone - 183, date)
    index = build_index(scan_rasters(tmp_path), size_px=32)
    assert any('two UTM zones share' in item.reason for item in index.excluded)
    boxes = index.windows_in('EPSG:4326')
    first, second = shapely.STRtree(boxes).query(boxes, predicate='intersects')
    other = index.locations.site[first] != index.locations.site[second]
    assert shapely.area(shapely.intersection(boxes[first[other]], boxes[second[other]])).sum() == pytest.approx(0)
    assert len(np.unique(index.locations.place)) == len(index)


def test_degrees_across_many_zones_are_cut_too(tmp_path):
    for date in ('20200101', '20210101'):
        for part in range(8):
            origin = (part * 5.0, 50.0)
            path = tmp_path / f'p{part}_{date}.tif'
            write_raster(path, size_px=128, res=0.04, crs='EPSG:4326', origin=origin, bands=1, seed=part)
    index = build_index(scan_rasters(tmp_path), size_px=16)
    assert len(index.sites) > 5
    lengths = sides_m(index) / (16 * index.sites['res_x'].to_numpy()[index.locations.site])
    assert np.abs(lengths - 1).max() < 0.03


def test_metres_of_a_web_map_are_doubted_until_they_are_settled(tmp_path):
    """At 60 degrees north a metre of EPSG:3857 is half a metre of the ground."""
    origin = Transformer.from_crs('EPSG:4326', 'EPSG:3857', always_xy=True).transform(15, 60)
    for seed, date in enumerate(('20200101', '20210101')):
        write_raster(tmp_path / f'{date}.tif', crs='EPSG:3857', origin=origin, seed=seed)
    scan = scan_rasters(tmp_path)
    index = build_index(scan, size_px=32)
    (doubt,) = index.doubts
    assert doubt.about == 'crs'
    assert 'pixels of 10 by 10 units are 5 by 5 m' in doubt.text
    assert '--crs EPSG:32633' in doubt.remedy
    assert np.allclose(sides_m(index), 160, atol=1)
    on_ground = build_index(scan, size_px=16, crs='EPSG:32633', res=10)
    assert on_ground.doubts == ()
    assert np.allclose(sides_m(on_ground), 160, atol=0.2)
    assert build_index(scan, size_px=32, crs='EPSG:3857').doubts == ()
