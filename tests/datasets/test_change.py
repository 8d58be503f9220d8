import numpy as np
import pytest
import torch
from PIL import Image
from torchgeo.datasets import LEVIRCD, OSCD, SSL4EOS12, LEVIRCDPlus, SeasonalContrastS2

from geo_noisy.datasets import ChangePairs, SeasonPairs
from geo_noisy.pairs import PairKey, PairPolicy
from geo_noisy.samplers import PairSampler
from tests.data.figures import outlined
from tests.data.regions import write_raster


def mask(share):
    """A mask of 16 px whose first rows changed."""
    picture = np.zeros((16, 16), dtype=np.uint8)
    picture[: round(16 * share)] = 255
    return Image.fromarray(picture)


@pytest.fixture
def oscd(tmp_path):
    """Two regions, one of them without change."""
    images = tmp_path / 'Onera Satellite Change Detection dataset - Images'
    labels = tmp_path / 'Onera Satellite Change Detection dataset - Train Labels'
    for number, region in enumerate(('abudhabi', 'beirut')):
        for date in (1, 2):
            folder = images / region / f'imgs_{date}_rect'
            folder.mkdir(parents=True)
            for band, name in enumerate(OSCD.all_bands):
                Image.fromarray(np.full((16, 16), 100 * date + band, dtype=np.uint16)).save(folder / f'{name}.tif')
        (images / region / 'dates.txt').write_text('date_1: 20160120\ndate_2: 20180328\n')
        (labels / region / 'cm').mkdir(parents=True)
        mask(0.25 * number).save(labels / region / 'cm' / 'cm.png')
    return ChangePairs(OSCD(str(tmp_path), checksum=False))


def levir(tmp_path, folder):
    for name in ('A', 'B', 'label'):
        (folder / name).mkdir(parents=True)
    for number in range(2):
        for name, value in (('A', 10), ('B', 20)):
            picture = np.full((16, 16, 3), value + number, dtype=np.uint8)
            Image.fromarray(picture).save(folder / name / f'train_{number}.png')
        mask(0.5 * number).save(folder / 'label' / f'train_{number}.png')


def test_oscd_keeps_the_pair_contract(oscd):
    noise = dict(zip([row['region'] for row in oscd.dataset.files], oscd.index['noise'], strict=True))
    assert noise == {'abudhabi': 0, 'beirut': 0.25}
    sample = oscd[0]
    assert sample['image'].shape == (2, 13, 16, 16)
    assert sample['image'][:, 0, 0, 0].tolist() == [100, 200]
    assert sample['time'].tolist() == [1453248000, 1522195200]
    assert sorted(oscd.index['noisy']) == [0, 1]
    changed = oscd[int(np.argmax(oscd.index['noise']))]['change']
    assert (changed.dtype, changed[:4].unique().tolist(), changed[4:].unique().tolist()) == (torch.uint8, [1], [0])
    assert oscd.index['dates'][0][0].year == 2016


@pytest.mark.parametrize('plus', [False, True])
def test_levir_cd_keeps_the_pair_contract(tmp_path, plus):
    levir(tmp_path, tmp_path / 'LEVIR-CD+' / 'train' if plus else tmp_path)
    if plus:
        (tmp_path / 'LEVIR-CD+' / 'test').mkdir()
    dataset = ChangePairs((LEVIRCDPlus if plus else LEVIRCD)(str(tmp_path), split='train'))
    assert dataset.index['noise'].tolist() == [0, 0.5]
    sample = dataset[1]
    assert sample['image'][:, 0, 0, 0].tolist() == [11, 21]
    assert int(sample['noisy']) == 1
    assert sample['change'].float().mean() == 0.5
    assert sample['time'][1] > sample['time'][0]


def test_policies_work_on_change_data_sets(oscd):
    keys = list(PairSampler(oscd.pairs(), policy=PairPolicy(rate=0.5)))
    assert sorted(int(oscd[key]['noisy']) for key in keys) == [0, 1]
    noisy = next(key for key in keys if int(oscd[key]['noisy']) == 1)
    exposed = oscd[noisy._replace(exposure=True)]
    assert torch.equal(exposed['image'][0], exposed['image'][1])
    assert float(exposed['noise']) == exposed['change'].max() == 0


def test_min_noise_sets_the_threshold(oscd):
    assert ChangePairs(oscd.dataset, min_noise=0.25).index['noisy'].tolist() == [0, 0]


def test_transforms_come_after_pairing(oscd):
    doubled = ChangePairs(oscd.dataset, transforms=lambda sample: sample | {'image': sample['image'] * 2})
    assert torch.equal(doubled[0]['image'], oscd[0]['image'] * 2)
    oscd.dataset.transforms = lambda sample: sample
    with pytest.raises(ValueError, match='OSCD has transforms'):
        ChangePairs(oscd.dataset)


def test_plot(oscd):
    figure = oscd.plot(oscd[int(np.argmax(oscd.index['noise']))])
    assert 'noise 0.250' in figure.axes[1].get_title()
    assert outlined(figure.axes[1]) == [(-0.5, -0.5, 15.5, 3.5)]
    assert outlined(oscd.plot(oscd[int(np.argmin(oscd.index['noise']))]).axes[1]) == []


@pytest.mark.parametrize('key', [2, -3, PairKey(2, 0, 1), PairKey(-1, 0, 1), PairKey(0, 0, 2)])
def test_what_is_not_there_is_told(oscd, key):
    with pytest.raises(IndexError, match=r'There is no (sample|location)|has no pair of dates'):
        oscd[key]


def seasons(root, names, bands, *, size_px):
    for place in range(2):
        for date, name in enumerate(names):
            folder = root / str(place).zfill(7 if len(bands) > 12 else 6) / name
            folder.mkdir(parents=True)
            for band in bands:
                write_raster(folder / f'{band}.tif', np.full((1, size_px, size_px), date + 1, dtype=np.uint16))


def test_ssl4eo_gives_pairs_of_its_seasons(tmp_path):
    names = ['20201015T101559_x', '20200607T101559_x', '20210101T101559_x']
    seasons(tmp_path / 's2c', names, SSL4EOS12.metadata['s2c']['bands'], size_px=264)
    dataset = SeasonPairs(SSL4EOS12(str(tmp_path), split='s2c'))
    assert len(dataset) == 2
    assert dataset.pairs().count('unknown') == 6
    sample = dataset[PairKey(1, 0, 2)]
    assert sample['image'].shape == (2, 13, 264, 264)
    assert sample['image'][:, 0, 0, 0].tolist() == [2, 3]  # by time, not by name
    assert int(sample['noisy']) == -1
    assert 'change' not in sample
    assert np.isnan(float(sample['noise']))


def test_seco_gives_pairs_of_its_dates(tmp_path):
    root = tmp_path / 'seasonal_contrast_100k'
    seasons(root, ['20200607T101559_x', '20201015T101559_x'], SeasonalContrastS2.rgb_bands, size_px=264)
    dataset = SeasonPairs(SeasonalContrastS2(str(tmp_path)))
    assert dataset[0]['image'].shape == (2, 3, 264, 264)
    assert dataset[0]['image'][:, 0, 0, 0].tolist() == [1, 2]


def test_bands_of_seco_have_the_size_that_torchgeo_gives_them(tmp_path):
    folders = [tmp_path / 'seasonal_contrast_100k' / '000000' / f'2020{month}07T101559_x' for month in ('06', '09')]
    rng = np.random.default_rng(0)
    for folder in folders:
        folder.mkdir(parents=True)
        for number, band in enumerate(SeasonalContrastS2.all_bands):
            pixels = rng.integers(0, 9000, (1, *[(264, 132, 44)[number % 3]] * 2), dtype=np.uint16)
            write_raster(folder / f'{band}.tif', pixels)
    bands = SeasonalContrastS2.all_bands
    dataset = SeasonalContrastS2(str(tmp_path), bands=bands, seasons=2)
    own, theirs = SeasonPairs(dataset)[0]['image'], dataset[0]['image'].unflatten(0, (2, len(bands)))
    assert torch.equal(own, theirs) or torch.equal(own, theirs.flip(0))  # TorchGeo's are in random order


def test_an_empty_tree_is_told(tmp_path):
    (tmp_path / 'seasonal_contrast_100k').mkdir()
    with pytest.raises(ValueError, match='holds no locations'):
        SeasonPairs(SeasonalContrastS2(str(tmp_path)))
