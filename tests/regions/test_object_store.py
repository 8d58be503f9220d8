"""Images in an object store (moto's server), by ``s3://``."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest

from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.pairs.keys import PairKey
from geo_noisy.regions import PairIndex, Remote, build_index
from geo_noisy.regions.files.captures import Capture
from geo_noisy.regions.files.file_scan import scan_captures
from tests.data.archive import write_cog
from tests.data.servers import free_port, wait_for


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A client of a store that has the bucket ``archive``."""
    port = free_port()
    command = [Path(sys.executable).parent / 'moto_server', '-p', str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f'http://127.0.0.1:{port}/moto-api/', process)
        settings = {
            'AWS_ACCESS_KEY_ID': 'me', 'AWS_SECRET_ACCESS_KEY': 'secret', 'AWS_DEFAULT_REGION': 'us-east-1',
            'AWS_S3_ENDPOINT': f'127.0.0.1:{port}', 'AWS_HTTPS': 'NO', 'AWS_VIRTUAL_HOSTING': 'FALSE',
        }  # fmt: skip
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        client = boto3.client('s3', endpoint_url=f'http://127.0.0.1:{port}')
        client.create_bucket(Bucket='archive')
        yield client
    finally:
        process.terminate()
        process.wait()


def test_pairs_come_from_an_object_store(store: object, tmp_path: Path) -> None:
    written = [np.random.default_rng(number).integers(1, 9000, (256, 256)).astype(np.uint16) for number in range(2)]
    for number, pixels in enumerate(written):
        write_cog(tmp_path / 'image.tif', pixels)
        store.upload_file(str(tmp_path / 'image.tif'), 'archive', f'scenes/{number}.tif')
    captures = [Capture((f's3://archive/scenes/{number}.tif',), number * 10**8) for number in range(2)]
    with Remote().applied():
        build_index(scan_captures(captures), size_px=128).write(tmp_path / 'pairs.parquet')
    assert list(PairIndex.read(tmp_path / 'pairs.parquet').files['paths'][0]) == ['s3://archive/scenes/0.tif']
    image = TemporalPairs(tmp_path / 'pairs.parquet', remote=True)[PairKey(0, 0, 1)]['image']
    np.testing.assert_array_equal(image[:, 0], [pixels[:128, :128] for pixels in written])
