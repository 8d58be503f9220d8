"""What a run that goes on with other options is told, and how long, endless and overfitted runs go."""

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.tasks.resume_run import STEPS, Note, Runs, words

LIGHTNINGS = (
    'ignore:.*does not have many workers:UserWarning',
    'ignore:.*number of training batches:UserWarning',
    'ignore:Found .* module.s. in eval mode:UserWarning',
    'ignore:You requested to overfit:UserWarning',
    'ignore:.*Checkpoint directory:UserWarning',
    'ignore:.*isinstance.treespec, LeafSpec:FutureWarning',
    'ignore:.*queue_size is:UserWarning',
)
pytestmark = [pytest.mark.slow, *(pytest.mark.filterwarnings(line) for line in LIGHTNINGS)]


@pytest.fixture(scope='module')
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of a MoCo run of three epochs."""
    folder = tmp_path_factory.mktemp('stopped')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        moco(folder).fit(save_in=folder)
    return folder


def moco(folder: Path, *more: str) -> Runs:
    return Runs(words('vts/moco', folder, '--data.init_args.num_workers=0', *more))


@pytest.mark.parametrize(
    ('option', 'told'),
    [
        ('data.init_args.seed=5', 'another data module: seed was 0 and is 5'),
        ('data.init_args.policy.rate=0.5', r'another data module: policy.rate was 0.0 and is 0.5'),
        ('data.init_args.r_img=0.25', r'another data module: \S*r_img was 0.5 and is 0.25'),
        ('model.init_args.lr=0.5', 'another task: lr was 0.03 and is 0.5'),
        ('model.init_args.temperature=0.5', 'another task: temperature was 0.2 and is 0.5'),
    ],
)
def test_other_options_are_named(option: str, told: str, stopped: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=told):
        moco(tmp_path, f'--{option}').fit(stopped / '16-batch.ckpt')


@pytest.mark.parametrize(
    ('option', 'told'),
    [
        ('data.init_args.batch_size=3', r'batch size of 4, and this run has 3 .*after batch 4 of an epoch'),
        ('data.init_args.train_count=28', r'24, and this run has 28 .*Resume with the same'),
        ('model.init_args.queue_size=8', 'queue_size was 16 and is 8'),
        ('model.init_args.projection_dim=64', 'projection_dim was 128 and is 64'),
    ],
)
@pytest.mark.filterwarnings('ignore:This run goes on from a checkpoint')
def test_what_cannot_go_on_is_an_error(option: str, told: str, stopped: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        moco(tmp_path, f'--{option}').fit(stopped / '16-batch.ckpt')


def test_the_same_options_are_passed_over_in_silence(stopped: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings('error', message='This run goes on|The schedule')
        moco(tmp_path).fit(stopped / '16-batch.ckpt')


def test_a_longer_run_follows_a_longer_cosine(stopped: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match='over 18 steps in the checkpoint, and this run has 30'):
        note = moco(tmp_path, '--trainer.max_epochs=5').fit(stopped / '18-epoch.ckpt')
    rates = [step['rate'] for step in note.steps.values()]
    assert len(rates) == 2 * STEPS
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


@pytest.mark.filterwarnings('ignore:.*No upper bound.*:UserWarning', 'ignore:The schedule:UserWarning')
def test_a_run_stopped_by_steps_goes_on_in_its_epoch(tmp_path: Path) -> None:
    """Lightning counts the broken epoch as done; the batches go on where it broke."""
    whole = moco(tmp_path).fit()
    runs = moco(tmp_path, '--trainer.max_steps=8')
    runs.fit()
    runs.cli.trainer.save_checkpoint(tmp_path / 'end.ckpt')
    longer = moco(tmp_path, '--trainer.max_steps=18', '--trainer.max_epochs=-1').fit(tmp_path / 'end.ckpt')
    assert keys(longer) == keys(whole)[8:]


def test_without_an_end_the_rate_stays(tmp_path: Path) -> None:
    runs = moco(tmp_path, '--trainer.max_epochs=-1', '--model.init_args.warmup_steps=3')
    rates = [step['rate'] for step in runs.fit(stop_at=STEPS + 2).steps.values()]
    assert rates == pytest.approx([0.0075 * 2, 0.0075 * 3] + [0.03] * STEPS)


@pytest.mark.parametrize('config', ['vts/moco', 'vts/probe'])
def test_overfit_batches_come_again_and_again(config: str, tmp_path: Path) -> None:
    runs = Runs(words(config, tmp_path, '--data.init_args.num_workers=0', '--trainer.overfit_batches=2'))
    first, second, *rest = keys(runs.fit())
    assert first != second
    assert rest == [first, second] * 2
    whole = Runs(words(config, tmp_path, '--data.init_args.num_workers=0', '--trainer.max_epochs=1')).fit()
    assert keys(whole)[:2] == [first, second]


def keys(note: Note) -> list[Any]:
    return [step['keys'] for step in note.steps.values()]
