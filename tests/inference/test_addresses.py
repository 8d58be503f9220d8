"""Scenes at addresses: read as those on disk, and only where that was asked for."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio

from geo_noisy.main import main
from tests.data.servers import RangeServer
from tests.inference.scenes import write_dates, write_probe, write_weights

INDEX = ['--size-px', '64', '--bands', '1', '2', '--statistics', '0', '-o']


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[RangeServer, list[str], list[str]]]:
    """Two dates on disk, and the same at addresses."""
    files = write_dates(tmp_path / 'images', rows=200, cols=200)
    server = RangeServer(tmp_path / 'images')
    yield server, [str(path) for path in files], [f'{server.address}/{path.name}' for path in files]
    server.close()


def test_windows_of_addresses_are_those_of_files(
    served: tuple[RangeServer, list[str], list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, files, addresses = served
    words = ['--weights', str(write_weights(tmp_path / 'last.ckpt')), '--no-progress', '-o']
    for name, images in (('near', files), ('far', addresses)):
        assert main(['index', *images, *INDEX, str(tmp_path / f'{name}_index.parquet')]) == 0
        assert main(['embed', *images, '--size-px', '64', *words, str(tmp_path / f'{name}.parquet')]) == 0
    near, far = (gpd.read_parquet(tmp_path / f'{name}.parquet') for name in ('near', 'far'))
    assert np.array_equal(np.stack(near['embedding']), np.stack(far['embedding']))
    assert far['source'][0] == addresses[0]
    asked = ['embed', str(tmp_path / 'far_index.parquet'), *words, str(tmp_path / 'by_index.parquet')]
    capsys.readouterr()
    assert main(asked) == 1
    assert 'opened only where that is asked for (--remote)' in capsys.readouterr().err
    assert main([*asked, '--remote']) == 0
    by_index = gpd.read_parquet(tmp_path / 'by_index.parquet')
    assert np.allclose(np.stack(by_index['embedding']), np.stack(near['embedding']), atol=1e-5)
    assert main(['embed', str(tmp_path / 'near_index.parquet'), *words, str(tmp_path / 'x.parquet'), '--remote']) == 2
    assert main(['embed', *files, *words, str(tmp_path / 'x.parquet'), '--remote']) == 2
    assert 'remote is true, which cannot act' in capsys.readouterr().err
    server.faults = {'image': 404}
    again = f'http://localhost:{server.address.rsplit(":", 1)[1]}/image_20200101.tif'  # of which GDAL keeps nothing yet
    assert main(['embed', again, *words, str(tmp_path / 'x.parquet'), '--retries', '0']) == 1
    assert 'it is not there (404)' in capsys.readouterr().err


def test_maps_of_addresses_are_those_of_files(served: tuple[RangeServer, list[str], list[str]], tmp_path: Path) -> None:
    _, files, addresses = served
    weights, probe = write_weights(tmp_path / 'last.ckpt'), write_probe(tmp_path / 'probe.ckpt')
    for folder, images in (('near', files), ('far', addresses)):
        out = ['--no-progress', '-o', str(tmp_path / folder)]
        assert main(['change', *images, '--weights', str(weights), *out]) == 0
        assert main(['segment', *images, '--checkpoint', str(probe), *out]) == 0
    names = sorted(path.name for path in (tmp_path / 'near').iterdir())
    assert len(names) == 5
    for name in names:
        with rasterio.open(tmp_path / 'near' / name) as near, rasterio.open(tmp_path / 'far' / name) as far:
            assert np.array_equal(near.read(), far.read(), equal_nan=True)
