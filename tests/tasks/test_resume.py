"""A run that stops anywhere and goes on trains on the batches, and has the weights, of one that never stopped.

The configs are the shipped ones, in small. ``make test`` runs what is not marked ``resume``; ``make test-resume`` all.
"""

import itertools
import json
import math
import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tasks.resume_run import BATCH_HOOKS, CONFIGS, EPOCHS, STEPS, Runs, Saved, train, unbroken, words

# Lightning's warnings about small runs; ours are looked for in test_resume_changed.py.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings('ignore')]

FAST = ('vts/moco', 'vts/probe')


def assert_goes_on(runs: Runs, saved: Saved) -> None:
    """Compare every step after a checkpoint; the seed of the process is another, as nothing may hang on it."""
    assert runs.fit(saved.path, seed=1).steps == saved.rest, saved.path.name


@pytest.mark.parametrize('config', [pytest.param(c, marks=[] if c in FAST else pytest.mark.resume) for c in CONFIGS])
@pytest.mark.parametrize('workers', [0, pytest.param(2, marks=pytest.mark.resume)])
def test_every_step_of_three_epochs(config: str, workers: int, tmp_path: Path) -> None:
    runs = Runs(words(config, tmp_path, f'--data.init_args.num_workers={workers}'))
    checkpoints = unbroken(runs, tmp_path / 'checkpoints')
    assert len(checkpoints) == (STEPS + 2) * EPOCHS  # after each batch, each validation, each epoch
    for saved in checkpoints:
        assert_goes_on(runs, saved)


def test_contrast_of_ground_with_a_queue(tmp_path: Path) -> None:
    """At the second step of the first epoch, and the last but one of the second."""
    queue = ('--model.init_args.queue_size=256', '--model.init_args.image_weight=0.1')
    runs = Runs(words('vts/ground', tmp_path, '--data.init_args.num_workers=0', *queue))
    tried = [saved for saved in unbroken(runs, tmp_path / 'checkpoints') if saved.batch in (2, 2 * STEPS - 1)]
    assert len(tried) == 2
    for saved in tried:
        assert_goes_on(runs, saved)


@pytest.mark.parametrize('config', FAST)
def test_workers(config: str, tmp_path: Path) -> None:
    """With two workers at the first, middle and last step of an epoch; they change no batch of the run without."""
    checkpoints = unbroken(Runs(words(config, tmp_path, '--data.init_args.num_workers=0')), tmp_path / 'checkpoints')
    runs = Runs(words(config, tmp_path, '--data.init_args.num_workers=2'))
    for saved in checkpoints:
        if saved.batch - STEPS in (1, STEPS // 2, STEPS):
            assert_goes_on(runs, saved)


@pytest.mark.parametrize('config', [pytest.param(c, marks=[] if c in FAST else pytest.mark.resume) for c in CONFIGS])
@pytest.mark.parametrize('limit', ['max_epochs=3', pytest.param('max_steps=18', marks=pytest.mark.resume)])
def test_one_step_at_a_time(config: str, limit: str, tmp_path: Path) -> None:
    """Stopped after every single step, so that each restart goes on from a run that was restarted itself."""
    runs = Runs(words(config, tmp_path, '--data.init_args.num_workers=0', f'--trainer.{limit}'))
    whole = runs.fit().steps
    assert list(whole) == list(range(STEPS * EPOCHS))
    ends = iter(('batch', 'validation', 'epoch'))  # of an epoch
    last = None
    for step, expected in whole.items():
        assert runs.fit(last, save_in=tmp_path, stop_at=1).steps == {step: expected}
        last = tmp_path / f'{step + 1:02d}-{next(ends) if (step + 1) % STEPS == 0 else "batch"}.ckpt'
    assert runs.fit(last).steps == {}


TABLE = [
    # config, what ends the run, limit_train_batches, val_check_interval, accumulate_grad_batches, workers
    ('vts/probe', 'steps', 1.0, 2, 4, 2),
    ('vts/moco', 'both', 1.0, 1.0, 2, 0),
    ('vts/within_image', 'epochs', 0.5, 0.5, 1, 0),
    ('regions/vts', 'epochs', 4, 1.0, 4, 2),
    ('vts/cross_image', 'both', 0.5, 0.5, 4, 2),
    ('vts/cross_image', 'steps', 4, 2, 2, 0),
    ('vts/moco', 'steps', 0.5, 2, 1, 2),
    ('vts/probe', 'both', 4, 1.0, 1, 0),
    ('regions/vts', 'epochs', 1.0, 0.5, 2, 0),
    ('vts/within_image', 'steps', 0.5, 1.0, 2, 2),
    ('vts/within_image', 'both', 1.0, 2, 4, 0),
    ('vts/cross_image', 'epochs', 1.0, 2, 1, 2),
    ('vts/moco', 'epochs', 4, 0.5, 4, 0),
    ('vts/probe', 'epochs', 0.5, 0.5, 2, 0),
    ('regions/vts', 'both', 0.5, 2, 1, 0),
    ('regions/vts', 'steps', 0.5, 0.5, 4, 0),
    ('vts/within_image', 'epochs', 4, 1.0, 1, 2),
    ('vts/cross_image', 'epochs', 1.0, 1.0, 4, 0),
    ('vts/ground', 'epochs', 1.0, 0.5, 4, 2),
    ('vts/ground', 'steps', 0.5, 1.0, 1, 0),
    ('vts/ground', 'both', 4, 2, 2, 0),
]


def test_the_table_holds_every_pair_of_options() -> None:
    columns = list(zip(*TABLE, strict=True))
    assert set(columns[0]) == set(CONFIGS)
    for one, other in itertools.combinations(columns, 2):
        assert set(zip(one, other, strict=True)) == set(itertools.product(one, other))


@pytest.mark.resume
@pytest.mark.parametrize(('config', 'end', 'limit', 'check', 'accumulate', 'workers'), TABLE)
def test_options(
    config: str, end: str, limit: float, check: float, accumulate: int, workers: int, tmp_path: Path
) -> None:
    """At the first, middle and last batch of an epoch, wherever a checkpoint can be written there."""
    batches = limit if isinstance(limit, int) else int(limit * STEPS)
    steps = math.ceil(batches / accumulate)
    ends = {
        'epochs': [f'--trainer.max_epochs={EPOCHS}'],
        'steps': ['--trainer.max_epochs=200', f'--trainer.max_steps={2 * steps + 1}'],  # in the third epoch
        'both': [f'--trainer.max_epochs={EPOCHS}', f'--trainer.max_steps={EPOCHS * steps}'],
    }
    options = {
        'trainer.limit_train_batches': limit,
        'trainer.val_check_interval': check,
        'trainer.accumulate_grad_batches': accumulate,
        'data.init_args.num_workers': workers,
    }
    more = [f'--{name}={value}' for name, value in options.items()]
    runs = Runs(words(config, tmp_path, *ends[end], *more))
    checkpoints = unbroken(runs, tmp_path / 'checkpoints')
    tried = [saved for saved in checkpoints if saved.batch - batches in (1, (batches + 1) // 2, batches)]
    assert len(tried) >= 3
    for saved in tried:
        assert_goes_on(runs, saved)


# A process of its own for each run, all forked from one that has imported everything.
PROCESSES = multiprocessing.get_context('forkserver')
PROCESSES.set_forkserver_preload(['tests.tasks.resume_run'])


def run(arguments: list[str]) -> int | None:
    process = PROCESSES.Process(target=train, args=(arguments,))
    process.start()
    process.join(timeout=300)
    return process.exitcode


def noted(file: Path) -> list[list[Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def kills(config: str) -> list[tuple[int, str]]:
    """Ten steps of the run, and where in the step each time."""
    rng = np.random.default_rng(list(CONFIGS).index(config))
    steps = sorted(rng.choice(np.arange(1, STEPS * EPOCHS), size=10, replace=False).tolist())
    hooks = ['on_validation_end', *rng.choice(BATCH_HOOKS, size=9).tolist()]
    return list(zip(steps, hooks, strict=True))


@pytest.mark.resume
def test_two_processes(tmp_path: Path) -> None:
    """Both ranks of a distributed run go on; Lightning may add samplers where it thinks it must."""
    halved = ('--data.init_args.batch_size=2', '--model.init_args.batch_norm_splits=1')
    two = (
        '--data.init_args.num_workers=0',
        '--trainer.devices=2',
        '--trainer.strategy=ddp',
        '--trainer.use_distributed_sampler=true',
    )

    def fit(notes: str, *more: str) -> list[list[Any]]:
        note = ['--trainer.callbacks+=tests.tasks.resume_run.Note', f'--trainer.callbacks.file={tmp_path / notes}']
        arguments = words('vts/moco', tmp_path, *halved, *two, *note, *more)
        subprocess.run([sys.executable, '-m', 'geo_noisy.main', 'fit', *arguments], check=True, timeout=300)
        return sorted(noted(tmp_path / notes), key=json.dumps)

    save = '--trainer.callbacks+=lightning.pytorch.callbacks.ModelCheckpoint'
    every = ('every_n_train_steps=1', 'save_top_k=-1', 'filename={step}', f'dirpath={tmp_path}')
    whole = fit('whole', save, *(f'--trainer.callbacks.{option}' for option in every))
    assert len(whole) == 2 * STEPS * EPOCHS
    for step in (STEPS // 2, STEPS, STEPS + 1):
        rest = fit(f'from_{step}', f'--ckpt_path={tmp_path}/step={step}.ckpt')
        assert rest == [entry for entry in whole if entry[0] >= step]


@pytest.mark.resume
@pytest.mark.parametrize('config', CONFIGS)
def test_ten_kills(config: str, tmp_path: Path) -> None:
    """Killed ten times, and on from the last checkpoint each time (every second step, so some are done again)."""
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    note = '--trainer.callbacks+=tests.tasks.resume_run.Note'
    assert run(words(config, tmp_path, note, f'--trainer.callbacks.file={whole}')) == 0
    save = [
        '--trainer.callbacks+=lightning.pytorch.callbacks.ModelCheckpoint',
        f'--trainer.callbacks.dirpath={tmp_path / "checkpoints"}',
        *(f'--trainer.callbacks.{option}' for option in ('every_n_train_steps=2', 'save_last=true', 'save_top_k=0')),
    ]
    last = tmp_path / 'checkpoints' / 'last.ckpt'

    def attempt(*more: str) -> int | None:
        go_on = [f'--ckpt_path={last}'] if last.exists() else []
        return run(words(config, tmp_path, *save, note, f'--trainer.callbacks.file={broken}', *more, *go_on))

    for step, hook in kills(config):
        kill = ['--trainer.callbacks+=tests.tasks.resume_run.Kill', f'--trainer.callbacks.step={step}']
        assert attempt(*kill, f'--trainer.callbacks.hook={hook}') == -signal.SIGKILL
    assert attempt() == 0
    expected = dict(noted(whole))
    found = noted(broken)
    assert {batch for batch, _ in found} == expected.keys()
    assert [batch for batch, step in found if step != expected[batch]] == []
