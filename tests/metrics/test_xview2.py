import numpy as np
import pytest
import torch

from geo_noisy.datasets import XBDSegmentation
from geo_noisy.datasets.xbd.labels import CLASSES
from geo_noisy.metrics import DamageScores, XView2Score
from tests.data.xbd import SHARED


def plain_f1(tp, fp, fn):
    precision, recall = (tp / (tp + other) if tp else 0 for other in (fp, fn))
    return 2 * precision * recall / (precision + recall) if tp else 0


def plain_score(preds, target, *, per_image=False):
    """The official score, counted mask by mask as its definition reads."""
    building = np.zeros(3, dtype=int)
    damage = np.zeros((5, 3), dtype=int)
    for predicted, true in zip(preds, target, strict=True):
        predicted, true = predicted[true != 255], true[true != 255]
        p, t = predicted > 0, true > 0
        building += [(p & t).sum(), (p & ~t).sum(), (~p & t).sum()]
        inside, known = predicted[t], true[t]
        for label in range(1, 5):
            if per_image and label not in known:
                continue
            p, t = inside == label, known == label
            damage[label] += [(p & t).sum(), (p & ~t).sum(), (~p & t).sum()]
    scores = [plain_f1(*damage[label]) for label in range(1, 5)]
    harmonic = 4 / sum(1 / (score + 1e-6) for score in scores)
    return {
        'score': 0.3 * plain_f1(*building) + 0.7 * harmonic,
        'localization_f1': plain_f1(*building),
        'damage_f1': harmonic,
        'damage_f1_no_damage': scores[0],
        'damage_f1_minor_damage': scores[1],
        'damage_f1_major_damage': scores[2],
        'damage_f1_destroyed': scores[3],
    }


def scored(preds, target, *, batch=2, **options):
    metric = XView2Score(**options)
    for start in range(0, len(preds), batch):
        metric.update(torch.from_numpy(preds[start : start + batch]), torch.from_numpy(target[start : start + batch]))
    return {name: value.item() for name, value in metric.compute().items()}


def masks(seed, shape=(5, 32, 32)):
    rng = np.random.default_rng(seed)
    target = rng.choice([0, 1, 2, 3, 4, 255], shape, p=[0.5, 0.2, 0.1, 0.05, 0.05, 0.1])
    target[0][target[0] == 3] = 0  # an image without one of the classes
    return rng.choice(5, shape, p=[0.4, 0.2, 0.2, 0.1, 0.1]), target


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('per_image', [False, True])
def test_equals_a_plain_count(seed, per_image):
    preds, target = masks(seed)
    assert scored(preds, target, per_image=per_image) == pytest.approx(plain_score(preds, target, per_image=per_image))


def test_per_image_leaves_out_false_positives_of_absent_classes():
    preds, target = masks(0)
    assert scored(preds, target, per_image=True)['damage_f1'] > scored(preds, target)['damage_f1']


def test_pooled_score_does_not_hang_on_cutting_or_batches():
    preds, target = masks(1, shape=(4, 64, 64))
    cut = [mask.reshape(4, 2, 32, 2, 32).swapaxes(2, 3).reshape(16, 32, 32) for mask in (preds, target)]
    assert scored(*cut, batch=3) == pytest.approx(scored(preds, target, batch=4))


def test_scores_in_place_of_classes():
    preds, target = masks(2)
    logits = torch.nn.functional.one_hot(torch.from_numpy(preds), 5).permute(0, 3, 1, 2).float()
    metric = XView2Score()
    metric.update(logits, torch.from_numpy(target))
    assert metric.compute()['score'].item() == pytest.approx(scored(preds, target)['score'])


def test_ignored_pixels_do_not_count():
    preds, target = masks(3)
    other = np.where(target == 255, (preds + 1) % 5, preds)
    assert scored(other, target) == scored(preds, target)
    assert scored(preds, np.where(target == 255, 9, target), ignore_index=9) == scored(preds, target)


def test_perfect_and_background_predictions():
    _, target = masks(4)
    perfect = scored(np.where(target == 255, 0, target), target)
    assert perfect['score'] == pytest.approx(1, abs=1e-5)
    nothing = scored(np.zeros_like(target), target)
    assert nothing['localization_f1'] == 0
    assert nothing['damage_f1'] == pytest.approx(1e-6)


def test_ignored_images_score_nothing():
    target = np.full((1, 8, 8), 255)
    assert scored(np.ones_like(target), target)['localization_f1'] == 0


def test_damage_scores_hold_all_of_them():
    preds, target = masks(5)
    metric = DamageScores(CLASSES)
    metric.update(torch.from_numpy(preds), torch.from_numpy(target))
    scores = {name: value.item() for name, value in metric.compute().items()}
    official = {f'xview2_{name}': value for name, value in plain_score(preds, target).items()}
    assert {name: scores[name] for name in official} == pytest.approx(official)
    each = [scores[f'f1_{name}'] for name in CLASSES]
    assert scores['f1_macro'] == pytest.approx(np.mean(each))
    assert scores['f1_macro_buildings'] == pytest.approx(np.mean(each[1:]))


def test_damage_scores_need_five_classes():
    metric = DamageScores(('background', 'building'))
    metric.update(torch.zeros(1, 2, 2, dtype=torch.int64), torch.zeros(1, 2, 2, dtype=torch.int64))
    with pytest.raises(ValueError, match='five classes'):
        metric.compute()


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason='the real xBD pairs are not at ../shared/data/xbd')
def test_equals_a_plain_count_on_real_masks(tmp_path):
    dataset = XBDSegmentation(SHARED, split='test', cache_dir=tmp_path, progress=False)
    target = np.stack([dataset[row]['mask'].numpy() for row in range(0, len(dataset), 4)])
    rng = np.random.default_rng(0)
    wrong = rng.random(target.shape) < 0.2
    preds = np.where(wrong | (target == 255), rng.integers(0, 5, target.shape), target)
    preds = np.roll(preds, 3, axis=1)  # masks that are shifted, as predictions are
    for per_image in (False, True):
        assert scored(preds, target, per_image=per_image) == pytest.approx(
            plain_score(preds, target, per_image=per_image)
        )
