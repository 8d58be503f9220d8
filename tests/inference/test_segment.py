"""Maps of classes by a probe."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rio_cogeo.cogeo import cog_validate
from torchgeo.datasets import RasterDataset

from geo_noisy.inference import prepare_probe
from geo_noisy.main import main
from tests.data.regions import write_raster
from tests.inference.scenes import texture, write_probe, write_weights


@torch.no_grad()
def test_classes_and_probabilities(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = texture(576, 608)
    pixels[:, 10:20, 30:60] = 0
    image = write_raster(tmp_path / 'image_20200101.tif', pixels, nodata=0)
    checkpoint = write_probe(tmp_path / 'probe.ckpt')
    words = ['segment', str(image), '--checkpoint', str(checkpoint), '--no-progress', '-o', str(tmp_path / 'out')]
    assert main([*words, '--tile-px', '256', '--colours', 'blue', 'green', '#ff0000']) == 0
    assert 'classes water, wood, town' in capsys.readouterr().out
    classes, shares = (tmp_path / 'out' / f'{name}_0_20200101T000000.tif' for name in ('classes', 'probabilities'))
    assert cog_validate(classes, strict=True, quiet=True)[0]
    assert cog_validate(shares, strict=True, quiet=True)[0]
    with rasterio.open(classes) as file:
        found = file.read(1)
        assert file.nodata == 255
        assert file.colormap(1)[2] == (255, 0, 0, 255)
        assert file.tags()['CLASS_1'] == 'wood'
        assert file.overviews(1)
        assert file.descriptions == ('class',)
    with rasterio.open(shares) as file:
        stored = file.read()
        assert file.descriptions == ('water', 'wood', 'town')
        assert set(file.scales) == {0.004}

    class Classes(RasterDataset):
        filename_glob = 'classes_*.tif'
        filename_regex = r'classes_\d+_(?P<date>\d{8}T\d{6})'
        date_format = '%Y%m%dT%H%M%S'
        is_image = False

    dataset = Classes(str(classes.parent))
    assert np.array_equal(dataset[dataset.bounds]['mask'].numpy().squeeze(), found)
    probe, _, network = prepare_probe(checkpoint)
    valid = np.ones((576, 608), dtype=bool)
    valid[10:20, 30:60] = False
    expected = probe(network.images(pixels, valid)).softmax(dim=1)[0].numpy()
    assert np.array_equal(found == 255, ~valid)
    assert np.array_equal((stored == 255).all(axis=0), ~valid)
    assert np.abs(stored[:, valid] * 0.004 - expected[:, valid]).max() < 0.0021
    sure = valid & (np.sort(expected, axis=0)[-1] - np.sort(expected, axis=0)[-2] > 1e-3)
    assert np.array_equal(found[sure], expected.argmax(axis=0)[sure])
    assert main([*words, '--no-probabilities', '-o', str(tmp_path / 'one')]) == 0
    assert len(list((tmp_path / 'one').iterdir())) == 1


def test_what_cannot_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = write_raster(tmp_path / 'image_20200101.tif', texture(64, 64))
    words = ['segment', str(image), '-o', str(tmp_path / 'out'), '--checkpoint']
    assert main([*words, str(write_weights(tmp_path / 'last.ckpt'))]) == 1
    assert 'holds no segmentation probe' in capsys.readouterr().err
    assert main([*words, str(write_probe(tmp_path / 'probe.ckpt')), '--colours', 'red']) == 2
    assert '1 colours for 3 classes' in capsys.readouterr().err
