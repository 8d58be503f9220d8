"""Index files are checked against one schema where they are read: what does not fit is told, never made use of."""

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.pairs import PairIndex, build_index, change_polygons, scan_rasters
from tests.data.regions import polygons, square, write_series

KEY = b'geo_noisy'
ODD = (
    None,
    'x',
    -1,
    0,
    1.5,
    10**30,
    10**400,
    math.nan,
    math.inf,
    True,
    [],
    {},
    [[]],
    ['x'],
    [None],
    [-1],
    ['/etc/passwd'],
)


@pytest.fixture(scope='module')
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp('index')
    index = build_index(scan_rasters(write_series(folder / 'images')), size_px=32)
    noise = change_polygons(polygons(square(0, 0, 8), square(40, 40, 8)), event_date='2020-06-01')
    path = folder / 'pairs.parquet'
    index.with_noise(noise).with_statistics().write(path)
    return path


def rewritten(good, table, stored, name='odd'):
    path = good.parent / f'{name}.parquet'
    metadata = {**table.schema.metadata, KEY: stored if isinstance(stored, bytes) else json.dumps(stored).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    return path


def places(value, path=()):
    """Paths of all values below one, of lists the first entry alone."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, entry in items:
        yield from places(entry, (*path, key))


def put(stored, path, value):
    """A copy with another value at one place."""
    copy = json.loads(json.dumps(stored))
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return copy


def test_no_odd_value_beside_the_rows_is_met_with_a_foreign_error(good):
    """Each value in turn is replaced by odd ones: the index is refused with its name, or reads as one that could be."""
    table = pq.read_table(good)
    stored = json.loads(table.schema.metadata[KEY])
    wanted = PairIndex.read(good)
    told, elsewhere = 0, set()
    for number, path in enumerate(places(stored)):
        for odd in ODD[number % 3 :: 3] if path else ():
            try:
                index = PairIndex.read(rewritten(good, table, put(stored, path, odd)))
            except InputError as error:
                told += 'odd.parquet' in str(error)
            except FileNotFoundError:  # a folder that could be
                elsewhere.add(path[0])
            else:
                assert len(index) == len(wanted)
                assert index.count('clean') + index.count('noisy') + index.count('unknown') <= 12
    assert told > 300
    assert elsewhere <= {'root', 'root_from_here', 'paths'}


@pytest.mark.parametrize(
    ('path', 'value', 'message'),
    [
        (('size_px',), 0, r'size_px is 0, not a whole number from 1'),
        (('files', 'time', 0), 10**12, r'files\.time is 1e\+12, not from'),
        (('files', 'res_x', 1), -10, r'files\.res_x is -10'),
        (('files', 'cloud', 1), 101, r'files\.cloud is 101, not from 0 to 100'),
        (('files', 'site', 0), 5, r'files\.site is 5, where there are 1 sites'),
        (('files', 'layers', 0), [[3, 1], [0, 2]], 'capture 0: layers is band 1 of file 3, where there are 1 files'),
        (('files', 'scales', 0), [1], 'capture 0: scales'),
        (('paths', 0), ['../../secret.tif'], r"'\.\./\.\./secret\.tif', which leads out of the folder"),
        (('paths', 0), ['/etc/passwd'], 'leads out of the folder'),
        (('statistics', 'std', 0), math.nan, r'statistics\.std'),
        (('statistics', 'mean'), [1.0], r'statistics\.mean is of 1 values, where there are 2 bands'),
        (('sites', 'crs', 0), 'EPSG:nowhere', "crs is 'EPSG:nowhere'"),
        (('rules', 'min_noise'), 2, r'rules\.min_noise is 2'),
        (('rules', 'gap'), 2, "'gap' was unexpected"),
    ],
)
def test_values_out_of_range_are_named(good, path, value, message):
    table = pq.read_table(good)
    stored = json.loads(table.schema.metadata[KEY])
    with pytest.raises(InputError, match=message):
        PairIndex.read(rewritten(good, table, put(stored, path, value)))


def with_column(table, name, values):
    return table.set_column(table.column_names.index(name), name, values)


def lists(table, name, change):
    rows = table[name].to_pylist()
    change(rows)
    return with_column(table, name, pa.array(rows, type=table[name].type))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda table: table.drop_columns('place'), 'column place is absent'),
        (lambda table: table.slice(0, 0), 'the table is empty'),
        (
            lambda table: with_column(table, 'site', pa.array([1] * 4, pa.int32())),
            'column site is 1, where there are 1',
        ),
        (
            lambda table: with_column(table, 'split', pa.array([3] * 4, pa.int8())),
            'column split is 3, not from -2 to 2',
        ),
        (lambda table: with_column(table, 'col', pa.array(['a'] * 4)), 'column col is of type string'),
        (lambda table: with_column(table, 'col', pa.array([None] * 4, pa.int32())), 'column col is empty in 4 rows'),
        (lambda table: with_column(table, 'col', pa.array([9999] * 4, pa.int32())), 'which it does not show'),
        (lambda table: lists(table, 'files', lambda rows: rows[1].reverse()), 'not in the order of time at location 1'),
        (lambda table: lists(table, 'files', lambda rows: rows[1].append(7)), 'column files is 7, where there are 3'),
        (lambda table: lists(table, 'files', lambda rows: rows[2].clear()), 'column files is empty at a location'),
        (lambda table: lists(table, 'event_share', lambda rows: rows[0].append(2.0)), 'column event_share is 2.0'),
        (lambda table: lists(table, 'event_share', lambda rows: rows[0].clear()), 'events is of unlike lengths'),
        (lambda table: lists(table, 'event_stop', lambda rows: rows[0].__setitem__(0, 5)), 'before the start'),
        (lambda table: lists(table, 'event_wkb', lambda rows: rows[0].__setitem__(0, b'no')), 'no outline'),
    ],
)
def test_rows_that_do_not_fit_are_named(good, change, message):
    table = pq.read_table(good)
    odd = change(table)
    with pytest.raises(InputError, match=message):
        PairIndex.read(rewritten(good, odd, table.schema.metadata[KEY]))


@pytest.mark.parametrize('kind', ['empty', 'cut', 'scratched'])
def test_a_damaged_file_is_told(good, tmp_path, kind):
    whole = good.read_bytes()
    content = {'empty': b'', 'cut': whole[: len(whole) // 2], 'scratched': whole[:200] + b'x' * 400 + whole[600:]}
    (tmp_path / 'damaged.parquet').write_bytes(content[kind])
    with pytest.raises(InputError, match=r'damaged\.parquet'):
        PairIndex.read(tmp_path / 'damaged.parquet')


def test_a_damaged_index_ends_fit_with_status_1(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where fit leaves its config
    (tmp_path / 'a.parquet').write_bytes(b'PAR1')
    words = ['--model=MomentumContrast', '--data=TemporalPairsDataModule', f'--data.index={tmp_path}/a.parquet']
    assert main(['fit', *words, '--trainer.logger=false', '--trainer.accelerator=cpu']) == 1
    told = capsys.readouterr().err
    assert f'{tmp_path}/a.parquet is not a Parquet file' in told
    assert 'Traceback' not in told


@pytest.mark.parametrize('text', [b'{', b'\xff', b'[]', b'null', b'[' * 100_000])
def test_metadata_that_is_no_mapping_is_told(good, text):
    with pytest.raises(InputError, match=r'odd\.parquet'):
        PairIndex.read(rewritten(good, pq.read_table(good), text))
