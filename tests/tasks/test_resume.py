"""A run killed in mid-epoch and resumed ends as the run that was never killed, bit for bit."""

import multiprocessing
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.tasks.resume_run import pretrain

STEPS = 12  # two epochs of five batches, and two steps more
KILLS = sorted(np.random.default_rng(0).choice(np.arange(1, STEPS), size=5, replace=False).tolist())


# A process of its own for each run, all forked from one that has imported everything.
PROCESSES = multiprocessing.get_context('forkserver')
PROCESSES.set_forkserver_preload(['tests.tasks.resume_run'])


def run(name: str, folder: Path, workers: int, die_at: int | None = None) -> int | None:
    process = PROCESSES.Process(target=pretrain, args=(name, folder, workers, STEPS, die_at))
    process.start()
    process.join(timeout=300)
    return process.exitcode


def final(folder: Path) -> dict[str, Any]:
    return torch.load(folder / 'final.ckpt', weights_only=True)


def assert_same(one: Any, other: Any, path: str = '') -> None:
    """Compare nested states bit for bit."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        for key in one:
            assert_same(one[key], other[key], f'{path}.{key}')
    elif isinstance(one, list):
        assert len(one) == len(other), path
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f'{path}[{number}]')
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), path
    else:
        assert one == other, path


@pytest.fixture(scope='module')
def untouched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Final states of the runs that were never killed."""
    states = {}
    for name in ('moco', 'cross'):
        folder = tmp_path_factory.mktemp(f'whole-{name}')
        assert run(name, folder, workers=0) == 0
        states[name] = final(folder)
    return states


@pytest.mark.slow
@pytest.mark.parametrize(
    ('name', 'workers', 'kills'), [('moco', 0, KILLS), ('moco', 2, KILLS[::2]), ('cross', 0, KILLS[1:3])]
)
def test_killed_and_resumed(
    name: str, workers: int, kills: list[int], tmp_path: Path, untouched: dict[str, dict[str, Any]]
) -> None:
    for step in kills:
        assert run(name, tmp_path, workers, die_at=step) == -signal.SIGKILL
    assert run(name, tmp_path, workers) == 0
    state = final(tmp_path)
    assert state['global_step'] == STEPS
    for part in ('state_dict', 'optimizer_states', 'lr_schedulers', 'global_step', 'epoch'):
        assert_same(state[part], untouched[name][part], part)
    if name == 'moco':
        assert {'queue.features', 'queue.pointer', 'key_encoder.conv1.weight'} <= state['state_dict'].keys()


def test_the_seed_matters(tmp_path: Path, untouched: dict[str, dict[str, Any]]) -> None:
    """The comparison can fail: the two tasks do not end alike."""
    encoder = [untouched[name]['state_dict']['model.conv1.weight'] for name in ('moco', 'cross')]
    assert not torch.equal(*encoder)
