"""One notion of paths: folders, links, archives, addresses, hrefs; written to an index and read back."""

import http.server
import os
import shutil
import threading
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest

from geo_noisy.datasets import TemporalPairs
from geo_noisy.errors import InputError
from geo_noisy.experiments.grids.grid_file import read_mapping
from geo_noisy.main import main
from geo_noisy.pairs import PairIndex, build_index, scan_rasters, scan_table
from geo_noisy.regions.files.find import find_rasters
from geo_noisy.regions.files.paths import is_local, located
from geo_noisy.regions.files.remote import Remote
from tests.data.regions import write_raster, write_series

DATES = ('20200101', '20210101')


def names(paths):
    return sorted(os.path.basename(path) for path in paths)


def read_back(scan, path, *, remote=None):
    """Pixels of a pair through an index that was written and read."""
    build_index(scan, size_px=32).write(path)
    return TemporalPairs(PairIndex.read(path), remote=remote)[0]['image'].numpy()


@pytest.fixture
def images(tmp_path):
    return write_series(tmp_path / 'images', DATES)


@pytest.fixture
def pixels(images, tmp_path):
    return read_back(scan_rasters(images), tmp_path / 'plain.parquet')


@pytest.mark.parametrize(
    ('path', 'local'),
    [
        ('a/b.tif', True), ('/a/b.tif', True), ('file:///a/b.tif', True), ('http://x/b.tif', False),
        ('s3://x/b.tif', False), ('zip:///a.zip!/b.tif', False), ('/vsizip/a.zip/b.tif', False),
    ],
)  # fmt: skip
def test_what_is_local(path, local):
    assert is_local(path) == local


def test_where_a_path_leads():
    assert located('./img/a.tif', beside='/data/items') == '/data/items/img/a.tif'
    assert located('/b/a.tif', beside='/data') == '/b/a.tif'
    assert located('file:///b/%C3%A4%20b.tif', beside='/data') == '/b/ä b.tif'
    assert located('s3://bucket/a.tif', beside='/data') == 's3://bucket/a.tif'
    assert located('a.tif') == 'a.tif'


def test_links_are_followed_and_each_folder_counts_once(images, tmp_path):
    work = tmp_path / 'work'
    work.mkdir()
    (work / '2020').symlink_to(images)
    (work / 'again').symlink_to(images)
    (work / 'round').symlink_to(work)
    write_raster(work / 'own_20220101.tif')
    assert len(find_rasters(work)) == 3


def test_names_stand_for_themselves(tmp_path):
    folder = tmp_path / 'Köln Süd [v1] (neu)'
    folder.mkdir()
    for date in DATES:
        write_raster(folder / f'Ä b [2]_{date}.TIF')
        (folder / f'._Ä b [2]_{date}.TIF').write_bytes(b'\0\5\26\7')
    assert len(find_rasters(folder)) == len(find_rasters(folder / '*.TIF')) == len(find_rasters(f'{folder}/**')) == 2
    assert names(find_rasters(folder / 'Ä b [2]_20200101.TIF')) == ['Ä b [2]_20200101.TIF']


def test_paths_that_lead_nowhere_are_told(tmp_path):
    for path, message in (('none', 'neither a file nor a folder'), ('*.tif', 'holds no raster files')):
        with pytest.raises(FileNotFoundError, match=message):
            find_rasters(tmp_path / path)
    (tmp_path / 'cut.zip').write_bytes(b'PK')
    with pytest.raises(InputError, match='no whole zip archive'):
        find_rasters(tmp_path / 'cut.zip')
    (tmp_path / 'a.tar.gz').write_bytes(b'')
    with pytest.raises(FileNotFoundError, match='extract it first'):
        find_rasters(tmp_path / 'a.tar.gz')


@pytest.mark.parametrize('way', ['{zip}', '/vsizip/{zip}', '/vsizip/{zip}/{name}', 'zip://{zip}!/{name}'])
def test_archives_are_indexed_and_read_back(images, pixels, tmp_path, way):
    archive = tmp_path / 'a.zip'
    with zipfile.ZipFile(archive, 'w') as file:
        for path in images.iterdir():
            file.write(path, path.name)
    given = [way.format(zip=archive, name=path.name) for path in images.iterdir()]
    scan = scan_rasters(dict.fromkeys(given))
    assert np.array_equal(read_back(scan, tmp_path / 'zip.parquet'), pixels)


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves parts of files, as object stores do, and counts what it sends."""

    def log_message(self, *_):
        pass

    def send_head(self):
        wanted = self.headers.get('Range')
        path = self.translate_path(self.path)
        if wanted is None or not os.path.isfile(path):
            return super().send_head()
        size = os.path.getsize(path)
        first, _, last = wanted.removeprefix('bytes=').partition('-')
        stop = min(int(last) if last else size - 1, size - 1)
        self.send_response(206)
        self.send_header('Content-Range', f'bytes {first}-{stop}/{size}')
        self.send_header('Content-Length', str(stop - int(first) + 1))
        self.end_headers()
        with open(path, 'rb') as file:
            file.seek(int(first))
            self.wfile.write(file.read(stop - int(first) + 1))
        return None


@pytest.fixture
def server(images, monkeypatch):
    monkeypatch.setenv('GDAL_DISABLE_READDIR_ON_OPEN', 'EMPTY_DIR')
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), partial(Ranges, directory=images)) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f'http://127.0.0.1:{serving.server_port}'
        serving.shutdown()
        thread.join()


def items(hrefs, **columns):
    rows = [{'id': f'i{k}', 'assets': {'data': {'href': href}}} for k, href in enumerate(hrefs)]
    return pd.DataFrame(rows).assign(**({'datetime': ['2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z']} | columns))


def test_remote_items_are_indexed_and_read_back(images, pixels, server, tmp_path):
    remote = [f'{server}/{path.name}' for path in sorted(images.iterdir())]
    mixed = [remote[0], str(sorted(images.iterdir())[1])]
    with Remote().applied():
        assert np.array_equal(read_back(scan_table(items(remote)), tmp_path / 'r.parquet', remote=True), pixels)
        assert np.array_equal(read_back(scan_table(items(mixed)), tmp_path / 'm.parquet', remote=True), pixels)


def test_hrefs_start_from_the_table(images, pixels, tmp_path, monkeypatch):
    table = tmp_path / 'items.parquet'
    items([f'./images/{path.name}' for path in sorted(images.iterdir())]).to_parquet(table)
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert np.array_equal(read_back(scan_table(table), 'p.parquet'), pixels)
    assert len(scan_table(table, root=tmp_path).files) == 2
    with pytest.raises(ValueError, match='None of 2 files can serve'):
        scan_table(table, root=elsewhere)


def test_file_addresses_are_local(images, pixels, tmp_path):
    hrefs = [path.resolve().as_uri() for path in sorted(images.iterdir())]
    assert np.array_equal(read_back(scan_table(items(hrefs)), tmp_path / 'p.parquet'), pixels)


def test_items_with_a_period_are_dated_to_its_middle(images):
    hrefs = [str(path) for path in sorted(images.iterdir())]
    start, end = ['2020-01-01T00:00:00Z', '2020-02-01T00:00:00Z'], ['2020-01-31T00:00:00Z', '2020-02-29T00:00:00Z']
    scan = scan_table(items(hrefs, datetime=[None, None], start_datetime=start, end_datetime=end))
    assert scan.files['time'].astype('datetime64[s]').astype(str).tolist() == ['2020-01-16', '2020-02-15']
    assert [doubt.about for doubt in scan.doubts if 'middle' in doubt.text] == ['dates']
    mixed = scan_table(
        items(hrefs, datetime=['2019-05-01', None], start_datetime=[None, start[1]], end_datetime=[None, end[1]])
    )
    assert mixed.files['time'].astype('datetime64[s]').astype(str).tolist() == ['2019-05-01', '2020-02-15']


def test_assets_that_are_no_mapping_are_counted(images):
    frame = items([str(path) for path in sorted(images.iterdir())])
    frame.loc[1, 'assets'] = 'text'
    with_one = scan_table(frame)
    assert [item.number for item in with_one.excluded if 'not a mapping' in item.reason] == [1]


def test_an_archive_through_the_command(images, tmp_path, capsys):
    archive = tmp_path / 'a.zip'
    with zipfile.ZipFile(archive, 'w') as file:
        for path in images.iterdir():
            file.write(path, path.name)
    assert main(['index', str(archive), '--size-px', '32', '-o', str(tmp_path / 'p.parquet')]) == 0
    assert 'Locations:  4' in capsys.readouterr().out


def test_a_folder_of_zip_archives_is_searched_through(images, pixels, tmp_path):
    folder = tmp_path / 'delivered'
    folder.mkdir()
    for path in sorted(images.iterdir()):
        with zipfile.ZipFile(folder / f'{path.stem}.zip', 'w') as file:
            file.write(path, path.name)
    scan = scan_rasters(folder)
    assert np.array_equal(read_back(scan, tmp_path / 'zips.parquet'), pixels)
    (folder / 'cut_20220101.zip').write_bytes(b'PK')  # one odd file among good ones
    assert [item.example for item in scan_rasters(folder).excluded] == [str(folder / 'cut_20220101.zip')]


def test_archives_beside_rasters_are_told(images):
    (images / 'more.zip').write_bytes(b'PK')
    assert [(item.what, item.example) for item in scan_rasters(images).excluded] == [
        ('archive', str(images / 'more.zip'))
    ]


def test_archives_of_another_kind_are_named(tmp_path):
    (tmp_path / 'LC08_L2SP_193024_20200815_20200822_02_T1.tar').write_bytes(b'')
    with pytest.raises(FileNotFoundError, match=r'but 1 archives .* extract them first'):
        find_rasters(tmp_path)


def test_hidden_files_and_folders_are_passed_over(images):
    known = find_rasters(images)
    (images / '.ipynb_checkpoints').mkdir()
    shutil.copy(known[0], images / '.ipynb_checkpoints' / 'a_20200101-checkpoint.tif')
    assert find_rasters(images) == known


@pytest.mark.parametrize('name', ['{}_mask', '{}_cloudmask', '{}-QA', '{}_preview', '{}_udm2'])
def test_masks_and_previews_of_no_known_product_are_no_images(images, name):
    for path in list(images.iterdir()):
        shutil.copy(path, images / f'{name.format(path.stem)}.tif')
    scan = scan_rasters(images)
    assert len(scan.files) == 2
    assert [(item.number, '--product none' in item.reason) for item in scan.excluded] == [(2, True)]
    assert len(scan_rasters(images, product='none').files) == 4


def test_the_home_folder_is_written_out(images, tmp_path, monkeypatch):
    """In words that a shell leaves as they are, in tables, in Python, in a config and in a grid."""
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(['index', '~/images', '--size-px', '32', '--output=~/p.parquet']) == 0
    assert len(PairIndex.read('~/p.parquet')) == 4
    paths = [f'~/images/{path.name}' for path in sorted(images.iterdir())]
    pd.DataFrame({'path': paths, 'datetime': ['2020-01-01', '2021-01-01']}).to_csv('items.csv', index=False)
    build_index(scan_table('~/items.csv', path_column='path'), size_px=32).write('~/q.parquet')
    assert (tmp_path / 'q.parquet').is_file()
    assert not (tmp_path / '~').exists()


def test_the_home_folder_in_a_config(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'fit.yaml').write_text(
        'model: {class_path: MomentumContrast}\n'
        'data: {class_path: TemporalPairsDataModule, init_args: {index: ~/absent.parquet}}\n'
    )
    assert main(['fit', '--config', '~/fit.yaml']) in (1, 2)
    assert f'{tmp_path}/absent.parquet' in capsys.readouterr().err
    assert read_mapping(tmp_path / 'fit.yaml')['data']['init_args']['index'] == f'{tmp_path}/absent.parquet'
