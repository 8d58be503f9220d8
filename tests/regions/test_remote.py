"""Images at addresses: what is asked for, what is read, and what a user is told when the network fails."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.errors import InputError
from geo_noisy.main import main
from geo_noisy.pairs.keys import PairKey
from geo_noisy.regions import PairIndex, Remote, build_index, scan_rasters, scan_table
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.file_scan import scan_captures
from geo_noisy.regions.files.paths import is_far
from geo_noisy.regions.windows.reader import UnreadableFileError
from geo_noisy.search.snapshot import write_items
from tests.data.archive import write_archive, write_cog
from tests.data.servers import RangeServer

QUICK = Remote(retries=2, pause_s=0.01, timeout_s=2.0)
KEY = PairKey(0, 0, 1)


@pytest.fixture(scope='module')
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RangeServer, Path]]:
    """One scene of 512 px at three dates, indexed, at an address that is not reached for the first time."""
    folder = tmp_path_factory.mktemp('archive')
    server = RangeServer(folder / 'files')
    items = write_archive(server.folder, server.address, tiles=1, size_px=512)
    write_items(items, folder / 'items.parquet')
    words = ['index', '--table', str(folder / 'items.parquet'), '--assets', 'B04', 'B08', 'SCL', '--size-px', '128']
    assert main([*words, '--statistics', '0', '-o', str(folder / 'pairs.parquet')]) == 0
    yield server, folder
    server.close()


@pytest.fixture
def fresh(archive: tuple[RangeServer, Path], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple]:
    """The same files at an address that GDAL has not seen, well until a test breaks them."""
    server = RangeServer(archive[0].folder)
    index = PairIndex.read(archive[1] / 'pairs.parquet')
    moved = [
        tuple(path.replace(archive[0].address, server.address) for path in paths) for paths in index.files['paths']
    ]
    index.files['paths'] = moved
    yield server, index
    server.close()


def test_windows_are_read_and_not_files(fresh: tuple[RangeServer, PairIndex]) -> None:
    server, index = fresh
    pairs = TemporalPairs(index, fill=0.0, remote=QUICK)
    image = pairs[KEY]['image'].numpy()
    for date, day in enumerate(('2021-06-01', '2022-06-02')):
        with rasterio.open(server.folder / f'S2A_T33T0_{day}' / 'B08.tif') as file:
            whole = file.read(1, window=Window(0, 0, 128, 128))
        shown = image[date, 1] if date else image[date, 1] - 1000  # the earlier is brought to the offset of the later
        np.testing.assert_array_equal(shown[32:, 32:], whole[32:, 32:])
    files = [
        path for path in server.folder.rglob('*.tif') if '2022-07' not in str(path) and path.stem not in ('B02', 'B03')
    ]
    assert server.sent < 0.5 * sum(path.stat().st_size for path in files)
    assert all(asked for _, asked in server.requests if _ and asked)  # ranges alone


def test_addresses_of_an_index_are_opened_only_where_asked_for(archive: tuple[RangeServer, Path]) -> None:
    with pytest.raises(InputError, match=r'holds 9 addresses, such as http://.*remote=True'):
        TemporalPairs(archive[1] / 'pairs.parquet')
    address = f'{archive[0].address}/S2A_T33T0_2021-06-01/B04.tif'
    look = [Capture((address,), 0)]
    with pytest.raises(InputError, match='opened only where that is asked for'):
        scan_captures(look)
    with Remote().applied():
        assert len(scan_captures(look).files) == 1


@pytest.mark.parametrize(
    ('path', 'far'),
    [
        ('https://host/a.tif', True), ('s3://bucket/a.tif', True), ('/vsicurl/https://host/a.tif', True),
        ('/vsizip//vsicurl/https://host/a.zip/a.tif', True), ('zip+https://host/a.zip!a.tif', True),
        ('/vsizip//data/a.zip/a.tif', False), ('zip:///data/a.zip!a.tif', False), ('/data/a.tif', False),
        ('a.tif', False), ('file:///data/a.tif', False), ('/vsizip/{/vsis3/b/a.zip}/a.tif', True),
    ],
)  # fmt: skip
def test_what_is_far(path: str, far: bool) -> None:
    assert is_far(path) == far


@pytest.mark.parametrize(
    ('fault', 'told'),
    [
        (404, r'it is not there \(404\)'),
        (403, r'access is refused \(403\): the address needs a signature'),
        (429, r'asks for fewer requests \(429\)'),
        (503, r'the server is busy \(503\)'),
        ('refuse', 'Empty reply from server'),
        ('cut', 'cannot be read'),
    ],
)
def test_a_fault_is_never_a_pair(fresh: tuple[RangeServer, PairIndex], fault: int | str, told: str) -> None:
    server, index = fresh
    server.faults = {'B08': fault}
    pairs = TemporalPairs(index, fill=0.0, remote=QUICK)
    with pytest.raises(UnreadableFileError, match=rf'B08\.tif cannot be read: .*{told}|B08.*{told}'):
        pairs[KEY]
    tries = [path for path, status in server.requests if 'B08' in path and status == str(fault)]
    if fault in (403, 404):  # what a repeat does not change is not asked for again
        assert len(tries) <= 2
    elif isinstance(fault, int):
        assert len(tries) >= 3


@pytest.mark.parametrize('fault', [503, 429, 'refuse', 'cut'])
def test_a_fault_that_passes_changes_nothing(fresh: tuple[RangeServer, PairIndex], fault: int | str) -> None:
    server, index = fresh
    server.faults, server.failures = {'B08': fault}, {'B08': 2}
    broken = TemporalPairs(index, fill=0.0, remote=QUICK)[KEY]
    assert server.failures == {'B08': 0}
    whole = TemporalPairs(index, fill=0.0, remote=QUICK)[KEY]
    assert broken['image'].equal(whole['image'])
    assert broken['valid'].equal(whole['valid'])


def test_a_server_that_hangs_is_given_up(fresh: tuple[RangeServer, PairIndex]) -> None:
    server, index = fresh
    server.faults, server.hang_s = {'B08': 'hang'}, 20.0
    with pytest.raises(UnreadableFileError, match=r'too slow|timed out'):
        TemporalPairs(index, fill=0.0, remote=Remote(retries=0, timeout_s=1.0))[KEY]


def test_unreadable_addresses_are_skipped_and_counted(fresh: tuple[RangeServer, PairIndex]) -> None:
    server, index = fresh
    server.faults = {'2021-06-01/B08': 404}
    pairs = TemporalPairs(index, fill=0.0, remote=QUICK, on_error='skip')
    days = {
        int(time) for time in pairs[KEY]['time'].numpy().astype('datetime64[s]').astype('datetime64[Y]').astype(int)
    }
    assert days == {52}  # 2022 alone
    assert pairs.skipped >= 1


def test_a_file_that_was_replaced_is_never_a_pair(tmp_path: Path) -> None:
    """Its tiles lie elsewhere now; what is read from the old places decodes to nothing."""
    server = RangeServer(tmp_path)
    rng = np.random.default_rng(0)
    for day in ('20200101', '20210101'):
        write_cog(tmp_path / f'a_{day}.tif', rng.integers(1, 9000, (512, 512)).astype(np.uint16))
    with QUICK.applied():
        scan = scan_rasters([f'{server.address}/a_{day}.tif' for day in ('20200101', '20210101')])
        index = build_index(scan, size_px=128)
    elsewhere = RangeServer(tmp_path)  # an address of which GDAL keeps nothing yet
    index.files['paths'] = [
        tuple(path.replace(server.address, elsewhere.address) for path in paths) for paths in index.files['paths']
    ]
    pairs = TemporalPairs(index, fill=0.0, remote=QUICK)
    pairs[PairKey(0, 0, 1)]
    write_cog(tmp_path / 'a_20210101.tif', rng.integers(1, 50, (400, 400)).astype(np.uint16))
    try:
        valid = pairs[PairKey(15, 0, 1)]['valid'][1]
    except (UnreadableFileError, InputError):
        return
    assert not valid[16:, 16:].any()  # the file that lies there now ends at 400 px
    server.close()
    elsewhere.close()


def test_addresses_are_signed_when_opened_and_kept_unsigned(
    archive: tuple[RangeServer, Path],
    fresh: tuple[RangeServer, PairIndex],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:
    server = fresh[0]
    server.needs = 'sig=secret'
    frame = gpd.read_parquet(archive[1] / 'items.parquet')
    for assets in frame['assets']:
        for asset in assets.values():
            asset['href'] = asset['href'].replace(archive[0].address, server.address) + '?sig=old-secret&se=2020'
    output = tmp_path / 'pairs.parquet'
    with pytest.raises(InputError, match='the address needs a signature'), QUICK.applied():
        scan_table(frame, assets=['B04'])
    with Remote(sign='tests.data.servers:sign').applied():
        build_index(scan_table(frame, assets=['B04']), size_px=128).write(output)
    assert b'secret' not in output.read_bytes()
    with pytest.raises(UnreadableFileError, match='needs a signature') as told:
        TemporalPairs(output, fill=0.0, remote=QUICK)[KEY]
    assert 'secret' not in str(told.value)
    assert TemporalPairs(output, fill=0.0, remote=Remote(sign='tests.data.servers:sign'))[KEY]['image'].shape == (
        2,
        1,
        128,
        128,
    )


@pytest.mark.parametrize(
    ('options', 'told'),
    [
        ({'sign': 'no_such_module:sign'}, 'cannot be imported'),
        ({'sign': 'os:sep'}, 'no function'),
        ({'retries': -1}, 'retries is -1'),
        ({'threads': 0}, 'threads is 0'),
        ({'timeout_s': 0}, 'timeout_s is 0'),
    ],
)
def test_wrong_options_are_refused(options: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Remote(**options)


def test_a_batch_is_fetched_together(fresh: tuple[RangeServer, PairIndex]) -> None:
    server, index = fresh
    server.delay_s = 0.05
    pairs = TemporalPairs(index, fill=0.0, remote=Remote(threads=4))
    batch = pairs.__getitems__([PairKey(location, 0, 1) for location in range(4)])
    assert server.most_at_once >= 3
    alone = TemporalPairs(index, fill=0.0, remote=Remote(threads=1))
    for location, sample in enumerate(batch):
        assert sample['image'].equal(alone[PairKey(location, 0, 1)]['image'])


def test_requester_pays_is_told_to_the_store() -> None:
    assert Remote(requester_pays=True).options(anew=False)['AWS_REQUEST_PAYER'] == 'requester'
    assert 'AWS_REQUEST_PAYER' not in Remote().options(anew=False)
