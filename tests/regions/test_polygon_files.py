"""Files of polygons as they are delivered: layers, classes with gaps, odd outlines, other CRS."""

import json
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from pyproj import Transformer

from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.regions import PairIndex, build_index, change_polygons, scan_rasters
from geo_noisy.regions.noise.reproject import reproject
from tests.data.regions import CRS, ORIGIN, polygons, square, write_series


@pytest.fixture
def two_dates(tmp_path):
    """Four windows of 32 px, two dates."""
    return build_index(scan_rasters([write_series(tmp_path / 'images', ('20200101', '20210101'))]), size_px=32)


@pytest.fixture
def survey(tmp_path):
    """The area that was looked at, then what was damaged in it, as Copernicus EMS delivers them."""
    path = tmp_path / 'ems.gpkg'
    polygons(square(0, 0, 64)).to_file(path, layer='areaOfInterest')
    polygons(square(0, 0, 16)).to_file(path, layer='observedEvent')
    return path


def test_several_layers_are_listed_and_one_is_chosen(survey, two_dates):
    layers = r'areaOfInterest \(Polygon\), observedEvent \(Polygon\)'
    with pytest.raises(ValueError, match=rf'ems\.gpkg has several layers; choose one with --layer: it has {layers}'):
        change_polygons(survey)
    with pytest.raises(ValueError, match=rf"ems\.gpkg has no layer 'damage' with polygons; it has {layers}"):
        change_polygons(survey, layer='damage')
    index = two_dates.with_noise(change_polygons(survey, layer='observedEvent'))
    assert index.index['noise'].tolist() == pytest.approx([0.25, 0, 0, 0])
    with pytest.raises(ValueError, match='choose one with --ground-layer'):
        change_polygons(survey, layer='observedEvent', ground=survey)
    on_ground = change_polygons(survey, layer='observedEvent', ground=survey, ground_layer='areaOfInterest')
    assert two_dates.with_noise(on_ground).index['noisy'].tolist() == [1, 0, 0, 0]


def test_the_command_takes_a_layer(survey, two_dates, tmp_path, capsys):
    words = ['index', str(tmp_path / 'images'), '--size-px', '32', '-o', str(tmp_path / 'p.parquet')]
    words += ['--polygons', str(survey)]
    assert main(words) == 2
    assert 'choose one with --layer' in capsys.readouterr().err
    assert main([*words, '--layer', 'observedEvent']) == 0
    assert PairIndex.read(tmp_path / 'p.parquet').index['noise'].tolist() == pytest.approx([0.25, 0, 0, 0])


def test_layers_without_polygons_are_passed_by(tmp_path):
    path = tmp_path / 'damage.gpkg'
    pyogrio.write_dataframe(pd.DataFrame({'styleName': ['x']}), path, layer='layer_styles')  # as QGIS writes it
    polygons(shapely.Point(*ORIGIN)).to_file(path, layer='places')
    polygons(square(0, 0, 16)).to_file(path, layer='damage')
    assert len(change_polygons(path).geometry) == 1
    with pytest.raises(
        ValueError, match=r"no layer 'layer_styles' with polygons; it has .*layer_styles \(no geometry\)"
    ):
        change_polygons(path, layer='layer_styles')
    pd.DataFrame({'a': [1]}).to_csv(tmp_path / 'a.csv', index=False)
    with pytest.raises(
        ValueError, match=r'a\.csv holds no polygons that can be read: no column is named geometry.* it has a'
    ):
        change_polygons(tmp_path / 'a.csv')


def test_archives_tell_where_their_files_are(tmp_path):
    polygons(square(0, 0, 16)).to_file(tmp_path / 'damage.geojson')
    with zipfile.ZipFile(tmp_path / 'ems.zip', 'w') as archive:
        archive.write(tmp_path / 'damage.geojson', 'deep/damage.geojson')
        archive.write(tmp_path / 'damage.geojson', 'deep/area.geojson')
    with pytest.raises(ValueError, match=r'In the archive: /vsizip/.*/ems\.zip/deep/damage\.geojson'):
        change_polygons(tmp_path / 'ems.zip')
    assert len(change_polygons(f'/vsizip/{tmp_path}/ems.zip/deep/damage.geojson').geometry) == 1


def test_layers_of_what_has_none_are_told(tmp_path):
    frame = polygons(square(0, 0, 16))
    frame.to_parquet(tmp_path / 'a.parquet')
    with pytest.raises(ValueError, match='Parquet or Feather, which has no layers; leave --layer away'):
        change_polygons(tmp_path / 'a.parquet', layer='x')
    with pytest.raises(ValueError, match="A frame has no layers, so 'x' cannot be chosen"):
        change_polygons(frame, layer='x')


@pytest.mark.parametrize(
    'values',
    [[1, 2, None, 2], [1.0, 2.0, np.nan, 2.0], ['1', '2', None, '2'], pd.array([1, 2, None, 2], dtype='Int64')],
)
@pytest.mark.parametrize('suffix', [None, 'gpkg', 'parquet'])
def test_classes_with_gaps_compare_as_they_are_written(tmp_path, values, suffix):
    frame = polygons(*[square(8 * side, 0, 8) for side in range(4)], damage=values)
    if suffix == 'gpkg':
        frame.to_file(tmp_path / 'a.gpkg')
    elif suffix == 'parquet':
        frame.to_parquet(tmp_path / 'a.parquet')
    found = change_polygons(
        frame if suffix is None else tmp_path / f'a.{suffix}', class_column='damage', noisy_classes=['2']
    )
    assert len(found.geometry) == 2
    assert [(item.reason, item.number) for item in found.excluded] == [
        ("no class in column 'damage'", 1),
        ('of a class that does not count', 1),
    ]


def test_classes_of_text_keep_their_zeros():
    frame = polygons(square(0, 0, 8), square(8, 0, 8), damage=['01', '1'])
    assert len(change_polygons(frame, class_column='damage', noisy_classes=['01']).geometry) == 1
    with pytest.raises(ValueError, match="No polygon has class 3; 'damage' holds 01, 1"):
        change_polygons(frame, class_column='damage', noisy_classes=['3'])


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf])
def test_outlines_that_are_not_finite_are_left_out_and_counted(two_dates, bad):
    left, top = ORIGIN
    with np.errstate(invalid='ignore'):
        lost = shapely.Polygon([(left, top), (left + 100, bad), (left + 100, top - 100)])
    found = change_polygons(polygons(square(0, 0, 16), lost))
    assert [(item.reason, item.number) for item in found.excluded] == [('coordinates that are NaN or infinite', 1)]
    assert two_dates.with_noise(found).index['noise'].tolist() == pytest.approx([0.25, 0, 0, 0])


def test_polygons_that_meet_no_window_are_counted(two_dates):
    frame = polygons(square(0, 0, 16), square(500, 0, 16), square(63, 63, 1), square(-20, -20, 4))
    excluded = two_dates.with_noise(change_polygons(frame)).excluded
    assert [(item.what, item.reason, item.number) for item in excluded] == [('polygon', 'meets no window', 2)]


def test_edges_stay_where_they_were_in_another_crs():
    outline = shapely.box(14.0, 45.0, 15.0, 45.5)  # 79 km from west to east
    moved = reproject(gpd.GeoSeries([outline], crs='EPSG:4326'), CRS)[0]
    to_utm = Transformer.from_crs('EPSG:4326', CRS, always_xy=True)
    along = np.linspace(14.0, 15.0, 257)
    edge = shapely.points(np.column_stack(to_utm.transform(along, np.full(257, 45.0))))
    assert shapely.distance(shapely.boundary(moved), edge).max() < 0.01  # metres
    corners = gpd.GeoSeries([outline], crs='EPSG:4326').to_crs(CRS)[0]
    assert shapely.distance(shapely.boundary(corners), edge).max() > 50


def test_long_edges_give_the_noise_that_they_enclose(tmp_path):
    """The southern edge of a large polygon runs along a parallel, 60 m from the chord of its corners."""
    origin = Transformer.from_crs('EPSG:4326', CRS, always_xy=True).transform(14.5, 45.0)
    folder = write_series(tmp_path / 'a', ('20200101', '20210101'), origin=(origin[0], origin[1] + 320), size_px=32)
    collection = {
        'type': 'FeatureCollection',
        'features': [
            {'type': 'Feature', 'properties': {}, 'geometry': shapely.box(14, 45, 15, 45.5).__geo_interface__}
        ],
    }
    (tmp_path / 'a.geojson').write_text(json.dumps(collection))
    index = build_index(scan_rasters([folder]), size_px=32).with_noise(change_polygons(tmp_path / 'a.geojson'))
    assert index.pair_noise(0, 0, 1) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize('outline', [shapely.box(-180, -80, 180, 80), shapely.box(-30, 0, 60, 70)])
def test_polygons_of_the_world_or_a_continent_cover_the_windows(two_dates, outline):
    """Further than half the globe away, a zone of UTM reaches nothing."""
    change = change_polygons(polygons(outline, crs='EPSG:4326'), event_date='2020-06-01')
    assert two_dates.with_noise(change).index['noise'].tolist() == pytest.approx([1.0] * 4)
    part = change_polygons(
        polygons(square(0, 0, 16)), event_date='2020-06-01', ground=polygons(outline, crs='EPSG:4326')
    )
    assert two_dates.with_noise(part).index['noisy'].tolist() == [1, 0, 0, 0]


def test_a_file_that_is_not_there_or_empty_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'none\.gpkg are not there'):
        change_polygons(tmp_path / 'none.gpkg')
    (tmp_path / 'empty.geojson').write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(InputError, match=r'empty\.geojson holds no polygon'):
        change_polygons(tmp_path / 'empty.geojson')


def exported(path, kind):
    """A square of 16 px in a file of some kind."""
    frame = polygons(square(0, 0, 16), when=['2020-06-01'])
    (outline,) = frame.geometry
    utm = shapely.set_srid(outline, 32633)
    if kind == 'upper.PARQUET':
        frame.to_parquet(path)
    elif kind == 'burnt.feather':
        frame.to_feather(path)
    elif kind == 'wkb.parquet':
        pd.DataFrame({'when': frame['when'], 'geom': [shapely.to_wkb(utm, include_srid=True)]}).to_parquet(path)
    elif kind == 'hex.csv':
        text = shapely.to_wkb(utm, hex=True, include_srid=True)
        pd.DataFrame({'when': frame['when'], 'wkb_geometry': [text]}).to_csv(path, index=False)
    elif kind == 'ewkt.csv':
        text = f'SRID=32633;{outline.wkt}'
        pd.DataFrame({'when': frame['when'], 'the_geom': [text]}).to_csv(path, index=False)
    else:
        frame.to_crs(4326).to_file(path.parent / 'burnt.shp')
        with zipfile.ZipFile(path, 'w') as archive:
            for part in path.parent.glob('burnt.*'):
                archive.write(part, f'delivery/{part.name}')


@pytest.mark.parametrize('kind', ['upper.PARQUET', 'burnt.feather', 'wkb.parquet', 'hex.csv', 'ewkt.csv', 'folder.zip'])
def test_polygons_as_databases_and_portals_export_them(tmp_path, two_dates, kind):
    (tmp_path / 'out').mkdir()
    exported(tmp_path / 'out' / kind, kind)
    index = two_dates.with_noise(change_polygons(tmp_path / 'out' / kind, event_column='when'))
    assert index.index['noise'].tolist() == pytest.approx([0.25, 0, 0, 0], abs=1e-6)


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        (
            ['POLYGON ((0 0, 1 0, 1 1, 0 0))', 'POLYGON ((0 0, 1'],
            "'geom', row 2: 'POLYGON .*neither WKT nor WKB",
        ),
        (['SRID=4326;POINT (1 1)', 'SRID=32633;POINT (1 1)'], 'several CRS, by their SRID 4326, 32633'),
        (['SRID=1;POINT (1 1)'], 'the SRID 1 is no known CRS'),
        (['POLYGON ((0 0, 1 0, 1 1, 0 0))'], 'have no CRS.*--polygons-crs'),
    ],
)
def test_a_damaged_column_of_outlines_is_told(tmp_path, rows, message):
    pd.DataFrame({'a': 1, 'geom': rows}).to_csv(tmp_path / 'a.csv', index=False)
    with pytest.raises(ValueError, match=message):
        change_polygons(tmp_path / 'a.csv')


def test_series_of_outlines_and_frames_without_geometry(two_dates):
    index = two_dates.with_noise(change_polygons(polygons(square(0, 0, 16)).geometry, event_date='2020-06-01'))
    assert index.index['noise'].tolist() == pytest.approx([0.25, 0, 0, 0])
    with pytest.raises(ValueError, match='no active geometry; choose its column with set_geometry'):
        change_polygons(gpd.GeoDataFrame({'a': [1]}))


def test_the_world_is_cut_to_what_a_crs_reaches_on_the_southern_half():
    near = np.array([shapely.box(500_000, 6_000_000, 500_160, 6_000_160)])  # 36 degrees south
    world = gpd.GeoSeries([shapely.box(-180, -90, 180, 90)], crs='EPSG:4326')
    (moved,) = reproject(world, 'EPSG:32733', near=near)
    assert shapely.covers(moved, near[0])
    assert shapely.area(moved) < 10 * shapely.area(near[0])
