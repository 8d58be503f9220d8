"""Embeddings of scenes: the same for any tiles, for images and index, and with nothing passed over."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import torch
from rio_cogeo.cogeo import cog_validate
from torchgeo.datasets import RasterDataset

from geo_noisy import load_encoder
from geo_noisy.datamodules import TemporalPairsDataModule
from geo_noisy.inference import WindowWriter, embed_cells, open_scenes, prepare_encoder
from geo_noisy.inference.network import Prepared
from geo_noisy.main import main
from geo_noisy.tasks import MomentumContrast
from tests.data.regions import write_raster
from tests.data.vts import pairs_datamodule, trainer
from tests.inference.scenes import MEAN, texture, write_dates, write_weights


@pytest.fixture(scope='module')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp('weights') / 'last.ckpt')


@pytest.fixture(scope='module')
def network(weights: Path) -> Prepared:
    return prepare_encoder(weights)[1]


def cells(network: Prepared, image: Path, folder: Path, **options: object) -> np.ndarray:
    (path,) = embed_cells(open_scenes([str(image)], channels=2), network, folder, progress=False, **options)
    with rasterio.open(path) as file:
        return file.read()


@torch.no_grad()
def test_cells_are_those_of_the_encoder(weights: Path, network: Prepared, tmp_path: Path) -> None:
    pixels = texture(256, 320)
    found = cells(network, write_raster(tmp_path / 'image_20200101.tif', pixels), tmp_path / 'out')
    expected = load_encoder(weights)(torch.from_numpy(pixels)[None] / 255)[0].numpy()
    assert found.shape == expected.shape == (96, 8, 10)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_tiles_do_not_show_and_a_smaller_halo_does(network: Prepared, tmp_path: Path) -> None:
    image = write_raster(tmp_path / 'image_20200101.tif', texture(448, 512))
    whole = cells(network, image, tmp_path / 'whole')
    for number, side in enumerate((96, 160)):  # tiles start at other multiples of the stride
        assert np.abs(cells(network, image, tmp_path / f'{number}', tile_px=side) - whole).max() < 1e-3 * whole.max()
    with pytest.warns(UserWarning, match='edges of tiles show'):
        torn = cells(network, image, tmp_path / 'torn', tile_px=96, halo_px=0)
    differs = np.abs(torn - whole).max(axis=0) > 1e-3 * whole.max()
    assert differs.any()
    reach = network.reach.px // 32
    assert 0 < reach < 8
    inside = [row for row in range(14) if min(row % 3, 2 - row % 3) >= reach]
    assert not differs[inside][:, inside].any()


def test_a_region_of_interest_has_the_same_cells(network: Prepared, tmp_path: Path) -> None:
    image = write_raster(tmp_path / 'image_20200101.tif', texture(320, 320))
    whole = cells(network, image, tmp_path / 'whole')
    box = (401_000.0, 4_998_000.0, 401_500.0, 4_999_000.0)  # pixels 100 to 150 across, 100 to 200 down
    (scene,) = open_scenes([str(image)], bbox=box, bbox_crs='EPSG:32633')
    (path,) = embed_cells([scene], network, tmp_path / 'part', progress=False)
    with rasterio.open(path) as file:
        assert file.bounds[:] == (400_960.0, 4_997_760.0, 401_600.0, 4_999_040.0)
        assert np.allclose(file.read(), whole[:, 3:7, 3:5], atol=1e-4)


def test_cells_without_data_have_none(network: Prepared, tmp_path: Path) -> None:
    pixels = texture(256, 256)
    pixels[:, 64:100, 32:64] = 0
    image = write_raster(tmp_path / 'image_20200101.tif', pixels, nodata=0)
    found = cells(network, image, tmp_path / 'none')
    empty = np.zeros((8, 8), dtype=bool)
    empty[2:4, 1] = True
    assert np.array_equal(np.isnan(found).all(axis=0), empty)
    assert np.array_equal(np.isnan(found).any(axis=0), empty)
    lenient = cells(network, image, tmp_path / 'some', max_nodata=0.5)
    assert np.argwhere(np.isnan(lenient[0])).tolist() == [[2, 1]]


def test_files_as_others_read_them(weights: Path, tmp_path: Path) -> None:
    write_dates(tmp_path / 'images', rows=600, cols=640)
    out = tmp_path / 'out'
    words = [str(tmp_path / 'images'), '--weights', str(weights), '-o', str(out), '--no-progress']
    assert main(['embed', *words, '--by', 'cell', '--output-stride', '16', '--date', '2021-01-01']) == 0
    (path,) = out.iterdir()
    assert path.name == 'embedding_0_20210101T000000.tif'
    assert cog_validate(path, strict=True, quiet=True)[0]
    with rasterio.open(path) as file:
        assert file.descriptions[:2] == ('feature 1', 'feature 2')
        assert np.isnan(file.nodata)
        assert file.res == (160.0, 160.0)
        assert file.tags()['MODEL'] == load_encoder(weights, output_stride=16).digest

    class Embeddings(RasterDataset):
        filename_glob = 'embedding_*.tif'
        filename_regex = r'embedding_\d+_(?P<date>\d{8}T\d{6})'
        date_format = '%Y%m%dT%H%M%S'

    dataset = Embeddings(str(out))
    sample = dataset[dataset.bounds]
    assert sample['image'].shape == (96, 38, 40)


@torch.no_grad()
def test_windows_of_an_index_and_of_images(weights: Path, tmp_path: Path) -> None:
    write_dates(tmp_path / 'images')
    index = ['index', str(tmp_path / 'images'), '--size-px', '64', '--bands', '1', '2', '--statistics', '0']
    assert main([*index, '-o', str(tmp_path / 'index.parquet')]) == 0
    out = ['--weights', str(weights), '--no-progress', '-o']
    assert main(['embed', str(tmp_path / 'index.parquet'), *out, str(tmp_path / 'a.parquet')]) == 0
    images = [str(tmp_path / 'images'), '--size-px', '64', '--batch-size', '3']
    assert main(['embed', *images, *out, str(tmp_path / 'b.parquet')]) == 0
    by_index, by_images = (gpd.read_parquet(tmp_path / name) for name in ('a.parquet', 'b.parquet'))
    assert len(by_index) == len(by_images) == 2 * 4 * 6
    assert by_index.crs.to_epsg() == 32633
    assert by_index['date'].dt.year.value_counts().to_dict() == {2020: 24, 2021: 24}
    assert set(by_index['model']) == {load_encoder(weights).digest}
    assert by_index['source'][0].endswith('image_20200101.tif')
    one, other = (np.stack(table['embedding']) for table in (by_index, by_images))
    assert np.allclose(one, other, atol=1e-4)
    corner = texture(300, 420)[:, :64, :64]
    expected = load_encoder(weights)(torch.from_numpy(corner)[None] / 255).mean(dim=(2, 3))[0]
    assert np.allclose(one[0], expected, atol=1e-4)


def test_windows_with_little_data_are_left_out(weights: Path, tmp_path: Path) -> None:
    pixels = texture(128, 128)
    pixels[:, :64, :32] = 0
    image = write_raster(tmp_path / 'image_20200101.tif', pixels, nodata=0)
    words = ['embed', str(image), '--weights', str(weights), '--size-px', '64', '--no-progress']
    assert main([*words, '-o', str(tmp_path / 'a.parquet')]) == 0
    assert len(gpd.read_parquet(tmp_path / 'a.parquet')) == 3
    assert main([*words, '--max-nodata', '0.5', '-o', str(tmp_path / 'b.parquet')]) == 0
    assert gpd.read_parquet(tmp_path / 'b.parquet')['nodata'].tolist() == [0.5, 0.0, 0.0, 0.0]


def test_pixels_without_data_are_filled_as_in_training(network: Prepared) -> None:
    valid = np.array([[True, False]])
    image = network.images(np.full((2, 1, 2), 51, dtype=np.uint8), valid)
    assert torch.allclose(image[0, :, 0], torch.tensor([[0.2, MEAN[0]], [0.2, MEAN[1]]]))


@pytest.mark.parametrize(
    ('images', 'words', 'status', 'told'),
    [
        ({}, ['--bands', '1'], 1, 'trained with 2 bands; 1 are given'),
        ({'bands': ['red', 'nir'], 'named': True}, [], 1, 'red'),
        ({}, ['--date', '2019'], 1, 'there are scenes of 2020-01-01'),
        ({}, ['--bbox', '0', '0', '1', '1'], 1, 'No scene lies in bbox'),
        ({'scale': 1.0}, [], 2, 'saturate'),
        ({}, ['--by', 'cell', '--size-px', '64'], 2, '--size-px cannot act with --by cell'),
        ({}, ['--tile-px', '64'], 2, '--tile-px cannot act'),
        ({}, ['--root', 'x'], 2, 'cannot act without an index'),
    ],
)
def test_what_cannot_be(
    images: dict, words: list[str], status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dates(tmp_path / 'images')
    weights = write_weights(tmp_path / 'last.ckpt', **images)
    out = ['--weights', str(weights), '--no-progress', '-o', str(tmp_path / 'out.parquet')]
    words = words if '--by' in words else ['--by', 'cell', *words] if 'scale' in images else words
    assert main(['embed', str(tmp_path / 'images'), *out, *words]) == status
    assert told in capsys.readouterr().err


def test_what_is_read_is_never_overwritten(weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = write_raster(tmp_path / 'image_20200101.tif', texture(64, 64))
    index, own = tmp_path / 'index.parquet', write_weights(tmp_path / 'own.ckpt')
    images = ['--size-px', '32', '--bands', '1', '2', '--statistics', '0', '--single', 'self']
    assert main(['index', str(image), *images, '-o', str(index)]) == 0
    for shown, taken in ((image, image), (image, own), (index, index)):
        before = taken.read_bytes()
        assert main(['embed', str(shown), '--weights', str(own), '-o', str(taken), '--no-progress']) == 2
        assert f'{taken} is an input, and would be overwritten' in capsys.readouterr().err
        assert taken.read_bytes() == before


def test_a_scene_without_data_is_told(network: Prepared, tmp_path: Path) -> None:
    image = write_raster(tmp_path / 'image_20200101.tif', np.full((2, 64, 64), 7, dtype=np.uint8), nodata=7)
    with pytest.warns(UserWarning, match=r'embedding_0_20200101T000000\.tif holds no data: nowhere .*image_20200101'):
        assert np.isnan(cells(network, image, tmp_path / 'out')).all()


def test_another_scale_names_the_option(weights: Path, tmp_path: Path) -> None:
    image = write_raster(tmp_path / 'image_20200101.tif', texture(64, 64).astype(np.float32) / 255)
    words = ['embed', str(image), '--weights', str(weights), '--by', 'cell', '-o', str(tmp_path / 'out')]
    with pytest.warns(UserWarning, match=r'next to 0.* Set --scale \(now 255\)'):
        assert main([*words, '--no-progress']) == 0


def test_weights_from_elsewhere_need_a_scale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_dates(tmp_path / 'images')
    stored = torch.load(write_weights(tmp_path / 'last.ckpt'))
    torch.save({'state_dict': stored['state_dict']}, tmp_path / 'bare.pth')
    words = ['embed', str(tmp_path / 'images'), '--weights', str(tmp_path / 'bare.pth'), '--model', 'tu-test_resnet']
    words += ['--size-px', '128', '--no-progress', '-o', str(tmp_path / 'out.parquet')]
    assert main(words) == 1
    assert 'give it with --scale' in capsys.readouterr().err
    assert main([*words, '--scale', '255']) == 0


def test_an_image_without_a_date(weights: Path, tmp_path: Path) -> None:
    image = write_raster(tmp_path / 'ortho.tif', texture(128, 128))
    words = ['embed', str(image), '--weights', str(weights), '--size-px', '64', '--no-progress', '-o']
    assert main([*words, str(tmp_path / 'out.parquet')]) == 1
    assert main([*words, str(tmp_path / 'out.parquet'), '--dated', '2020-08-15']) == 0
    assert gpd.read_parquet(tmp_path / 'out.parquet')['date'].dt.strftime('%F').unique().tolist() == ['2020-08-15']


def test_units_are_those_of_the_training(network: Prepared, tmp_path: Path) -> None:
    """Values stored with a scale of 0.01 and an offset of -1 are read as the training stored them, plainly."""
    plain = texture(128, 128)
    moved = ((plain.astype(np.float32) + 1) / 0.01).astype(np.uint16)
    image = write_raster(tmp_path / 'image_20200101.tif', moved)
    with rasterio.open(image, 'r+') as file:
        file.scales, file.offsets = (0.01, 0.01), (-1.0, -1.0)
    expected = cells(network, write_raster(tmp_path / 'plain_20200101.tif', plain), tmp_path / 'plain')
    trained = {'scales': [1.0, 1.0], 'offsets': [0.0, 0.0]}
    (path,) = embed_cells(open_scenes([str(image)], trained=trained), network, tmp_path / 'moved', progress=False)
    with rasterio.open(path) as file:
        assert np.allclose(file.read(), expected, atol=1e-3)


def test_predict_writes_the_same_table(tmp_path: Path) -> None:
    write_dates(tmp_path / 'images')
    words = [
        'index',
        str(tmp_path / 'images'),
        '--size-px',
        '64',
        '--split',
        '0.5',
        '0.5',
        '0',
        '--block-px',
        '64',
        '-o',
    ]
    assert main([*words, str(tmp_path / 'index.parquet')]) == 0
    task = MomentumContrast(model='tu-test_resnet', in_channels=2, queue_size=4)
    data = TemporalPairsDataModule(str(tmp_path / 'index.parquet'), batch_size=4, predict_split='val')
    run = trainer(tmp_path, limit_train_batches=1, limit_val_batches=1)
    run.fit(task, data)
    run.save_checkpoint(tmp_path / 'run.ckpt')
    writer = WindowWriter(str(tmp_path / 'a.parquet'))
    assert trainer(tmp_path, callbacks=[writer]).predict(task, data) is None
    words = ['embed', str(tmp_path / 'index.parquet'), '--weights', str(tmp_path / 'run.ckpt'), '--split', 'val']
    assert main([*words, '--no-progress', '-o', str(tmp_path / 'b.parquet')]) == 0
    one, other = (gpd.read_parquet(tmp_path / name) for name in ('a.parquet', 'b.parquet'))
    assert len(one) == len(other) == 24
    assert set(one['model']) == set(other['model'])
    both = [
        table.assign(key=table.geometry.to_wkt() + table['date'].astype(str)).sort_values('key')
        for table in (one, other)
    ]
    assert both[0]['key'].tolist() == both[1]['key'].tolist()
    assert np.allclose(*(np.stack(table['embedding']) for table in both), atol=1e-4)


def test_predict_needs_windows(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='has none; use PredictionWriter'):
        trainer(tmp_path, callbacks=[WindowWriter(str(tmp_path / 'a.parquet'))]).predict(
            MomentumContrast(model='tu-test_resnet', queue_size=8), pairs_datamodule()
        )
