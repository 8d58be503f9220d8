import json
import math

import numpy as np
import pytest
import shapely

from geo_noisy.datasets.xbd.labels import LabelError, read_label
from geo_noisy.datasets.xbd.masks import XBDLabels, class_mask, draw_codes, tile_counts
from tests.data.xbd import BUILDINGS, Building, label_document, wkt

CROSSING = 'POLYGON ((10 10, 60 60, 60 10, 10 60, 10 10))'


def write(path, buildings=BUILDINGS, date='post', change=lambda document: None):
    document = label_document('alpha-flood', 0, date, buildings)
    change(document)
    path.write_text(json.dumps(document))
    return path


def read(path, date='post', **options):
    return read_label(path, post=date == 'post', **options)


def drawn(*buildings, overlap='worst', path):
    return draw_codes(read(write(path, buildings)), overlap=overlap)


def test_label_holds_what_the_file_says(tmp_path):
    label = read(write(tmp_path / 'a.json'))
    assert label.codes.tolist() == [4, 2, 1, 5]
    assert label.disaster == 'alpha-flood'
    assert label.sensor == 'WORLDVIEW02'
    assert label.off_nadir_deg == 28
    assert label.resolution_m == 0.47
    assert label.time.isoformat() == '2017-10-11T19:19:41+00:00'
    assert label.polygons[0].equals(shapely.box(100, 100, 140, 130))
    assert label.world[0].bounds[0] == pytest.approx(-90 + 1e-5 + 100 * 5e-6)


def test_pre_label_needs_odd_subtype(tmp_path):
    assert read(write(tmp_path / 'a.json', date='pre'), date='pre').codes.tolist() == [1, 1, 1, 1]


def test_times_are_taken_to_utc(tmp_path):
    path = write(tmp_path / 'a.json', change=lambda d: d['metadata'].update(capture_date='2017-10-11T19:00:00+02:00'))
    assert read(path).time.isoformat() == '2017-10-11T17:00:00+00:00'


def odd_subtype(document):
    document['features']['xy'][0]['properties']['subtype'] = 'gone'


def set_wkt(text):
    return lambda document: document['features']['xy'][1].update(wkt=text)


BAD = {
    'no xy': (lambda d: d['features'].pop('xy'), '`features.xy` is missing'),
    'no features': (lambda d: d.pop('features'), '`features` is missing'),
    'no metadata': (lambda d: d.pop('metadata'), '`metadata` is missing'),
    'sensor a number': (lambda d: d['metadata'].update(sensor=3), '`metadata.sensor` is 3'),
    'bad date': (lambda d: d['metadata'].update(capture_date='June'), 'not an ISO time'),
    'wrong width': (lambda d: d['metadata'].update(width=512), '`metadata.width` is 512, not 1024'),
    'width true': (lambda d: d['metadata'].update(width=True), '`metadata.width` is True, not 1024'),
    'angle true': (lambda d: d['metadata'].update(off_nadir_angle=True), '`metadata.off_nadir_angle` is True, not'),
    'angle NaN': (lambda d: d['metadata'].update(off_nadir_angle=math.nan), '`metadata.off_nadir_angle` is nan, not'),
    'angle unknown': (lambda d: d['metadata'].update(off_nadir_angle=-999), 'degrees from -90 to 90; it may be null'),
    'no list': (lambda d: d['features'].update(xy=None), '`features.xy` is None, not a list'),
    'uid a number': (lambda d: d['features']['xy'][0]['properties'].update(uid=3), 'properties.uid` is 3, not text'),
    'unknown subtype': (
        lambda d: d['features']['xy'][0]['properties'].update(subtype='gone'),
        "`features.xy[0].properties.subtype` is 'gone', not a known subtype",
    ),
    'odd subtype': (odd_subtype, "is 'gone', not a known subtype (no-damage, "),
    'no uid': (lambda d: d['features']['xy'][0]['properties'].pop('uid'), '`features.xy[0].properties.uid` is missing'),
    'no wkt': (lambda d: d['features']['xy'][0].pop('wkt'), '`features.xy[0].wkt` is missing'),
    'not a polygon': (set_wkt('LINESTRING (1 1, 2 2)'), 'no polygon'),
    'no geometry at all': (set_wkt('POLYGON (('), 'no polygon'),
    'crosses itself': (set_wkt(CROSSING), 'crosses itself'),
    'empty': (set_wkt('POLYGON EMPTY'), 'is empty'),
    'outside': (set_wkt(wkt(Building(1000, 10).corners)), 'outside the image'),
    'wholly outside': (set_wkt(wkt(Building(-500, 10).corners)), 'outside the image'),
    'twice the outline': (set_wkt(wkt(BUILDINGS[0].corners)), 'is there twice'),
    'twice the uid': (
        lambda d: d['features']['xy'][1]['properties'].update(uid=d['features']['xy'][0]['properties']['uid']),
        'is there twice',
    ),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_label_is_refused_with_its_reason(tmp_path, name):
    change, reason = BAD[name]
    with pytest.raises(LabelError) as error:
        read(write(tmp_path / 'a.json', change=change))
    assert any(reason in given for given in error.value.reasons)


def test_all_reasons_come_together(tmp_path):
    def change(document):
        document['metadata'].update(width=512, capture_date=3)
        odd_subtype(document)

    with pytest.raises(LabelError) as error:
        read(write(tmp_path / 'a.json', change=change))
    assert len(error.value.reasons) == 3


@pytest.mark.parametrize('content', [b'{"features": {"xy": [', b'', b'\xff\xfe{}', b'[]'])
def test_cut_off_json_is_refused(tmp_path, content):
    path = tmp_path / 'a.json'
    path.write_bytes(content)
    with pytest.raises(LabelError):
        read(path)


def test_rounding_at_the_edge_is_no_problem(tmp_path):
    assert len(read(write(tmp_path / 'a.json', [Building(-7e-7, 10)]))) == 1


def test_repair_mends_polygons(tmp_path):
    def change(document):
        set_wkt(CROSSING)(document)
        document['features']['xy'].append(document['features']['xy'][0])

    path = write(tmp_path / 'a.json', [*BUILDINGS[:2], Building(1000, 10), Building(1500, 10)], change=change)
    label = read(path, repair=True)
    assert shapely.is_valid(label.polygons).all()
    # the second crosses itself, the third is cut at the edge, the fourth lies outside, the fifth is the first again
    assert [round(polygon.area) for polygon in label.polygons] == [1200, 1250, 24 * 30]
    with pytest.raises(LabelError):
        read(path)


def test_pixels_belong_to_the_building_over_their_centre(tmp_path):
    codes = drawn(Building(10.6, 20.4, width=3, height=2, subtype='destroyed'), path=tmp_path / 'a.json')
    rows, cols = np.nonzero(codes)
    assert (sorted(set(rows)), sorted(set(cols))) == ([20, 21], [11, 12, 13])
    assert set(codes[rows, cols]) == {4}


@pytest.mark.parametrize(('overlap', 'winner'), [('worst', 4), ('file', 5)])
def test_overlap_has_an_explicit_order(tmp_path, overlap, winner):
    kinds = ('destroyed', 'minor-damage', 'un-classified')
    codes = drawn(
        *(Building(10 + k, 10, subtype=kind) for k, kind in enumerate(kinds)), overlap=overlap, path=tmp_path / 'a'
    )
    assert codes[20, 30] == winner


def test_worst_order_does_not_hang_on_the_file(tmp_path):
    buildings = [
        Building(10 + k, 10, subtype=kind) for k, kind in enumerate(('destroyed', 'no-damage', 'major-damage'))
    ]
    one, other = (drawn(*order, path=tmp_path / 'a') for order in (buildings, buildings[::-1]))
    np.testing.assert_array_equal(one, other)


def test_unclassified_is_ignored_or_not_damaged():
    codes = np.arange(6, dtype=np.uint8)
    ignored, drawn_as_1 = XBDLabels(), XBDLabels(unclassified='no-damage')
    assert class_mask(codes, labels=ignored, binary=False).tolist() == [0, 1, 2, 3, 4, 255]
    assert class_mask(codes, labels=drawn_as_1, binary=False).tolist() == [0, 1, 2, 3, 4, 1]
    assert class_mask(codes, labels=ignored, binary=True).tolist() == [0, 1, 1, 1, 1, 255]
    assert class_mask(codes, labels=drawn_as_1, binary=True).tolist() == [0, 1, 1, 1, 1, 1]
    assert class_mask(codes[:5], labels=ignored, binary=False).tolist() == [0, 1, 2, 3, 4]
    assert class_mask(codes[:5], labels=ignored, binary=True).tolist() == [0, 1, 1, 1, 1]


@pytest.mark.parametrize('options', [{'unclassified': 'drop'}, {'overlap': 'first'}])
def test_unknown_options_are_refused(options):
    with pytest.raises(ValueError, match='choose one of'):
        XBDLabels(**options)


@pytest.mark.parametrize('tile_px', [128, 256, 512, 1024])
def test_tile_counts_equal_a_plain_count(tile_px):
    codes = np.random.default_rng(0).integers(0, 6, (1024, 1024), dtype=np.uint8)
    counts = tile_counts(codes, tile_px)
    side = 1024 // tile_px
    for tile in (0, side * side - 1, side - 1):
        row, col = tile // side * tile_px, tile % side * tile_px
        plain = [(codes[row : row + tile_px, col : col + tile_px] == code).sum() for code in range(6)]
        assert counts[tile].tolist() == plain
    assert counts.sum() == 1024**2
