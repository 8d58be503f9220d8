"""CIFAR-10 and its false positives."""

import hashlib
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import torch
from torchgeo.datasets import DatasetNotFoundError
from torchvision.datasets import CIFAR10 as TorchvisionCIFAR10

from geo_noisy.datamodules import CIFAR10DataModule, CIFAR10PairsDataModule
from geo_noisy.datasets import CIFAR10, CIFAR10Pairs
from geo_noisy.pairs import PairPolicy
from geo_noisy.pairs.keys import PairKey
from geo_noisy.tasks import ClassificationProbe, MomentumContrast
from tests.data.cifar10 import write_batches, write_parquet
from tests.data.figures import outlined
from tests.data.vts import trainer

SHARED = Path(__file__).parents[3] / 'shared' / 'data' / 'cifar10'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_parquet(tmp_path / 'cifar10')


class TestFiles:
    def test_splits_share_out_the_training_file(self, root: Path) -> None:
        splits = [CIFAR10(root, split=split, val_count=20) for split in ('train', 'val', 'test')]
        assert [len(split) for split in splits] == [40, 20, 20]
        shades = [{int(split[i]['image'][0, 0, 0]) for i in range(len(split))} for split in splits]
        assert shades[0] | shades[1] == set(range(60))
        assert not shades[0] & shades[1]
        assert shades[2] == set(range(100, 120))

    def test_image_and_label_belong_together(self, root: Path) -> None:
        data = CIFAR10(root, val_count=20)
        sample = data[3]
        assert sample['image'].shape == (3, 32, 32)
        assert sample['image'].dtype == torch.float32
        assert int(sample['label']) == int(sample['image'][0, 0, 0]) % 10

    def test_seed_and_count(self, root: Path) -> None:
        first, same, other = (CIFAR10(root, val_count=20, seed=seed, count=10) for seed in (0, 0, 1))
        assert np.array_equal(first.data.labels, same.data.labels)
        assert not np.array_equal(first.data.images, other.data.images)
        assert np.array_equal(CIFAR10(root, val_count=20, count=5).data.images, first.data.images[:5])
        assert first.class_counts().sum() == 10

    def test_python_batches(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root = write_batches(tmp_path)
        for kind in ('train_list', 'test_list'):  # the checksums of these files
            monkeypatch.setattr(TorchvisionCIFAR10, kind, _with_checksums(root, getattr(TorchvisionCIFAR10, kind)))
        meta = {**TorchvisionCIFAR10.meta, 'md5': _md5(root / 'cifar-10-batches-py' / 'batches.meta')}
        monkeypatch.setattr(TorchvisionCIFAR10, 'meta', meta)
        data = CIFAR10(root, val_count=4)
        assert len(data) == 16
        assert {int(data[i]['image'][1, 0, 0]) % 10 for i in range(16)} == {0, 1, 2, 3}
        assert all(int(data[i]['image'][1, 0, 0]) % 10 == int(data[i]['label']) for i in range(16))

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError):
            CIFAR10(tmp_path)

    def test_download_is_torchvisions(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(TorchvisionCIFAR10, 'url', 'http://127.0.0.1:9/cifar-10-python.tar.gz')
        with pytest.raises(URLError):  # nobody answers there
            CIFAR10(tmp_path, download=True)

    def test_damaged_image(self, root: Path) -> None:
        table = pd.read_parquet(root / 'train.parquet')
        table.loc[7, 'image'] = table['image'][7][:40]
        table.to_parquet(root / 'train.parquet')
        with pytest.raises(ValueError, match=r'train\.parquet, row 7: the image cannot be decoded'):
            CIFAR10(root)

    def test_unknown_class(self, root: Path) -> None:
        table = pd.read_parquet(root / 'train.parquet')
        table.loc[2, 'label'] = 'zebra'
        table.to_parquet(root / 'train.parquet')
        with pytest.raises(ValueError, match="row 2: label 'zebra'"):
            CIFAR10(root)

    def test_other_columns(self, root: Path) -> None:
        pd.DataFrame({'pixels': [1]}).to_parquet(root / 'train.parquet')
        with pytest.raises(ValueError, match='columns image and label'):
            CIFAR10(root)

    @pytest.mark.parametrize(
        ('arguments', 'message'),
        [
            ({'split': 'all'}, "split is 'all'"),
            ({'val_count': 60}, 'val_count is 60'),
            ({'val_count': 20, 'count': 41}, 'count is 41'),
        ],
    )
    def test_arguments(self, arguments: dict[str, object], message: str, root: Path) -> None:
        with pytest.raises(ValueError, match=message):
            CIFAR10(root, **arguments)  # type: ignore[arg-type]

    def test_no_such_image(self, root: Path) -> None:
        with pytest.raises(IndexError, match='no sample 40'):
            CIFAR10(root, val_count=20)[40]


class TestPairs:
    def test_false_partners_are_of_another_class_and_fixed(self, root: Path) -> None:
        pairs = CIFAR10Pairs(root, val_count=20)
        index = pairs.index
        assert (index['label'] != pairs.data.labels[index['partner']]).all()
        assert np.array_equal(CIFAR10Pairs(root, val_count=20).partners, pairs.partners)
        assert not np.array_equal(CIFAR10Pairs(root, val_count=20, seed=1).partners, pairs.partners)
        assert len(set(pairs.partners)) > 15  # not the same few images

    def test_partners_are_uniform_over_other_classes(self) -> None:
        from geo_noisy.datasets.cifar10.images import _partners_of_another_class

        labels = np.repeat(np.arange(10), [1000, 10, *[500] * 8])
        chosen = labels[_partners_of_another_class(labels, 0)]
        assert not (chosen == labels).any()
        share = np.bincount(chosen[labels == 5], minlength=10) / 500
        assert share[0] == pytest.approx(1000 / 4510, abs=0.06)

    def test_contract(self, root: Path) -> None:
        pairs = CIFAR10Pairs(root, val_count=20)
        partner = int(pairs.partners[4])
        own, other = (torch.from_numpy(pairs.data.images[i]).float() for i in (4, partner))
        wrong, right, exposed = pairs[4], pairs[PairKey(4, 0, 0)], pairs[PairKey(4, 0, 1, exposure=True)]
        assert torch.equal(wrong['image'], torch.stack([own, other]))
        assert torch.equal(right['image'], torch.stack([own, own]))
        assert torch.equal(exposed['image'], torch.stack([other, other]))
        assert [(float(s['noise']), int(s['noisy'])) for s in (wrong, right, exposed)] == [(1, 1), (0, 0), (0, 0)]
        with pytest.raises(IndexError, match='no pair of dates'):
            pairs[PairKey(4, 1, 0)]

    def test_one_class_has_no_partners(self, root: Path) -> None:
        with pytest.raises(ValueError, match='are of one class'):
            CIFAR10Pairs(root, val_count=20, count=1)[0]

    def test_plots(self, root: Path) -> None:
        pairs, images = CIFAR10Pairs(root, val_count=20), CIFAR10(root, val_count=20)
        figure = pairs.plot(pairs[0])
        assert [axis.get_title() for axis in figure.axes] == ['image', 'false partner']
        assert outlined(figure.axes[1]) == [(-0.5, -0.5, 31.5, 31.5)]
        assert outlined(pairs.plot(pairs[PairKey(0, 0, 0)]).axes[1]) == []
        assert len(images.plot(images[0]).axes) == 1


class TestTraining:
    @pytest.mark.parametrize('rate', [0.0, 0.5, 1.0])
    def test_rate(self, rate: float, root: Path) -> None:
        data = CIFAR10PairsDataModule(root, batch_size=40, val_count=20, policy=PairPolicy(rate=rate, match='draw'))
        data.setup('fit')
        noisy = next(iter(data.train_dataloader()))['noisy'].float().mean()
        assert noisy == pytest.approx(rate, abs=0.25 if rate == 0.5 else 0)
        assert (next(iter(data.val_dataloader()))['noisy'] == 0).all()

    def test_pretrain_then_classify(self, root: Path, tmp_path: Path) -> None:
        pairs = CIFAR10PairsDataModule(root, batch_size=20, val_count=20)
        model = MomentumContrast(output_stride=16, queue_size=40, batch_norm_splits=1)
        run = trainer(tmp_path)
        run.fit(model, pairs)
        run.save_checkpoint(tmp_path / 'encoder.ckpt')
        probe = ClassificationProbe(
            weights=str(tmp_path / 'encoder.ckpt'),
            output_stride=16,
            classes=CIFAR10.classes,
            cache_features='memory',
            calibrate_batch_norm=True,  # two steps have hardly moved its statistics
            class_weights='inverse-frequency',
            lr=0.1,
        )
        frozen = probe.model.conv1.weight.clone()
        assert torch.equal(frozen, model.model.conv1.weight)
        data = CIFAR10DataModule(root, batch_size=10, val_count=20)
        run = trainer(tmp_path, max_epochs=30)
        run.fit(probe, data)
        fitted = run.callback_metrics['train_loss']
        results = run.test(probe, data, verbose=False)[0]
        assert fitted < 1.5  # below log 10: the shades can be told apart
        assert torch.equal(probe.model.conv1.weight, frozen)
        assert probe.test_outcomes is not None
        assert probe.test_outcomes.shape == (20, 10, 10)
        assert probe.test_outcomes.sum(dim=(1, 2)).tolist() == [1] * 20
        correct = probe.test_outcomes.sum(dim=0).diagonal().sum().item()
        assert results['test_accuracy'] == pytest.approx(correct / 20)

    def test_counts_and_seeds_of_the_data_modules(self, root: Path) -> None:
        def classifier(**changes: int) -> CIFAR10DataModule:
            data = CIFAR10DataModule(root, **{'batch_size': 5, 'eval_batch_size': 4, 'val_count': 20, **changes})
            data.setup('fit')
            data.setup('test')
            return data

        data = classifier(train_count=30, test_count=10)
        assert [len(part) for part in (data.train_dataset, data.val_dataset, data.test_dataset)] == [30, 20, 10]
        assert len(next(iter(data.val_dataloader()))['label']) == 4
        labels = [next(iter(classifier(**changes).train_dataloader()))['image'] for changes in ({}, {'seed': 1})]
        assert not torch.equal(*labels)
        assert not np.array_equal(
            classifier(dataset_seed=1).train_dataset.data.images, classifier().train_dataset.data.images
        )
        pairs = CIFAR10PairsDataModule(root, batch_size=5, train_count=30, val_count=20, dataset_seed=1)
        pairs.setup('fit')
        assert len(pairs.train_dataset) == 30
        assert np.array_equal(pairs.train_dataset.partners, CIFAR10Pairs(root, count=30, val_count=20, seed=1).partners)

    def test_a_fraction_of_the_labels(self, root: Path) -> None:
        data = CIFAR10DataModule(root, batch_size=10, val_count=20, label_fraction=0.5)
        data.setup('fit')
        assert data.class_counts().sum() == 20


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason='CIFAR-10 is not at ../shared/data/cifar10')
def test_the_real_files() -> None:
    data = CIFAR10(SHARED, split='test')
    assert data.class_counts().tolist() == [1000] * 10
    assert 100 < data.data.images.mean() < 140


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def _with_checksums(root: Path, files: list[list[str]]) -> list[list[str]]:
    return [[name, _md5(root / 'cifar-10-batches-py' / name)] for name, _ in files]
