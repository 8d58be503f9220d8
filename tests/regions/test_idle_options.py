"""An option that cannot act ends the command with status 2, and is named."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from geo_noisy.main import main
from tests.data.regions import polygons, square, write_raster, write_series


@pytest.fixture
def images(tmp_path):
    folder = write_series(tmp_path / 'images', ('20200101', '20210101'))
    polygons(square(0, 0, 16), kind=['hit']).to_file(tmp_path / 'change.gpkg')
    polygons(square(0, 0, 16), back=['2020-09-01']).to_file(tmp_path / 'back.gpkg')
    (tmp_path / 'own.yaml').write_text('mine: {files: [{pattern: "x"}]}')
    paths = sorted(map(str, folder.glob('*.tif')))
    frame = {'path': paths, 'datetime': ['2020-01-01', '2021-01-01']}
    pd.DataFrame(frame).to_csv(tmp_path / 'items.csv', index=False)
    return folder


NOISE = ['--polygons', '{tmp}/change.gpkg', '--event-date', '2020-06-01']


@pytest.mark.parametrize(
    ('words', 'named'),
    [
        ([*NOISE, '--class-column', 'kind'], '--noisy-classes'),
        ([*NOISE, '--ground-layer', 'a'], '--ground-layer'),
        ([*NOISE, '--polygons-crs', 'EPSG:4326'], '--polygons-crs'),
        (['--polygons', '{tmp}/back.gpkg', '--recovered-column', 'back'], 'recovered_column'),
        (['--noise', 'raster'], '--noise'),
        (['--min-noise', '0.1'], '--min-noise'),
        (['--date-tag', 'a', '--date-regex', '2020'], 'date_tag'),
        (['--sensor-regex', 'S2'], '--sensor-regex'),
        (['--product', 'none', '--products', '{tmp}/own.yaml'], 'products'),
        (['--products', '{tmp}/own.yaml'], '--products'),
        (['--images-crs', 'EPSG:32633'], '--images-crs'),
        (['--nodata', '-9999'], '--nodata'),
        (['--radiometry', 'physical'], 'radiometry'),
        (['--alpha', 'data'], 'alpha'),
        (['--footprint', 'bounds', '--max-nodata', '0.5'], 'max_nodata'),
        (['--place-px', '64'], 'place_px'),
    ],
)
def test_an_option_that_cannot_act_is_named(images, tmp_path, capsys, words, named):
    words = [word.format(tmp=tmp_path) for word in words]
    assert main(['index', str(images), '--size-px', '32', '-o', str(tmp_path / 'p.parquet'), *words]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / 'p.parquet').exists()


@pytest.mark.parametrize(('words', 'named'), [(['--assets', 'a'], 'assets'), (['--table-root', '/'], 'root')])
def test_an_option_of_tables_that_cannot_act_is_named(images, tmp_path, capsys, words, named):
    table = ['--table', str(tmp_path / 'items.csv'), '--path-column', 'path', *words]
    assert main(['index', *table, '--size-px', '32', '-o', str(tmp_path / 'p.parquet')]) == 2
    assert named in capsys.readouterr().err


def test_polygons_in_metres_that_geojson_takes_for_degrees_are_of_the_stated_crs(images, tmp_path, capsys):
    bare = gpd.GeoDataFrame(geometry=[square(0, 0, 16)], crs='EPSG:4326')
    bare.to_file(tmp_path / 'bare.geojson')
    words = ['index', str(images), '--size-px', '32', '-o', str(tmp_path / 'p.parquet'), '--event-date', '2020-06-01']
    assert main([*words, '--polygons', str(tmp_path / 'bare.geojson')]) == 1
    assert '--polygons-crs' in capsys.readouterr().err
    assert main([*words, '--polygons', str(tmp_path / 'bare.geojson'), '--polygons-crs', 'EPSG:32633']) == 0
    assert 'Noisy:      1 of 4' in capsys.readouterr().out


def test_a_value_without_data_may_fit_some_files_alone(tmp_path):
    write_raster(tmp_path / 'a_20200101.tif', np.ones((1, 32, 32), np.uint8))
    write_raster(tmp_path / 'a_20210101.tif', np.ones((1, 32, 32), np.int16))
    assert (
        main(['index', str(tmp_path), '--size-px', '32', '--nodata', '-9999', '-o', str(tmp_path / 'p.parquet')]) == 0
    )
