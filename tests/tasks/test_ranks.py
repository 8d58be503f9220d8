"""Training on two processes is training on one, with half of each batch."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from geo_noisy.datamodules.loader import ResumableLoader, build_loader
from geo_noisy.datasets import TemporalPairs, VTSPairs
from geo_noisy.regions import build_index, scan_rasters
from geo_noisy.samplers import PairSampler
from tests.data.regions import write_series
from tests.tasks.ranks import RANKS, STEPS, fit

TORCHRUN = (sys.executable, '-m', 'torch.distributed.run', '--standalone', f'--nproc-per-node={RANKS}')


def on_two(folder: Path, *more: str) -> list[list[dict[str, Any]]]:
    """Steps of both ranks, started by torchrun."""
    folder.mkdir()
    words = [*TORCHRUN, '-m', 'tests.tasks.ranks', str(folder), str(RANKS), *more]
    done = subprocess.run(words, timeout=200, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f'steps_{rank}.pt') for rank in range(RANKS)]


@pytest.fixture(scope='module')
def two(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[dict[str, Any]]]]:
    folder = tmp_path_factory.mktemp('ranks') / 'two'
    return folder, on_two(folder)


def test_two_processes_train_as_one(two: tuple[Path, list[list[dict[str, Any]]]], tmp_path: Path) -> None:
    fit(tmp_path, ranks=1, epochs=2)
    one, (first, second) = torch.load(tmp_path / 'steps_0.pt'), two[1]
    assert len(one) == len(first) == len(second) == 2 * STEPS
    for whole, half, other in zip(one, first, second, strict=True):
        assert not set(half['draw'].tolist()) & set(other['draw'].tolist())  # ranks are disjoint
        assert torch.cat([half['draw'], other['draw']]).equal(whole['draw'])
        assert half['queue'].equal(other['queue'])
        torch.testing.assert_close(half['queue'], whole['queue'], atol=1e-5, rtol=0)
        torch.testing.assert_close((half['loss'] + other['loss']) / 2, whole['loss'], atol=1e-5, rtol=0)
    assert one[0]['loss'] != one[-1]['loss']


@pytest.mark.resume
def test_two_processes_go_on_bit_for_bit(two: tuple[Path, list[list[dict[str, Any]]]], tmp_path: Path) -> None:
    folder, whole = two
    rest = on_two(tmp_path / 'rest', str(folder / 'step=2.ckpt'))
    for unbroken, resumed in zip(whole, rest, strict=True):
        assert len(resumed) == 2 * STEPS - 2
        for before, after in zip(unbroken[2:], resumed, strict=True):
            assert all(before[name].equal(after[name]) for name in ('loss', 'draw', 'queue'))


def test_one_process_goes_on_where_two_stopped() -> None:
    """A state tells the place in an epoch over all ranks: the keys that are left are the same, in one order."""
    dataset = VTSPairs(size_px=32, cells=4, count=24)

    def loader(rank: int, ranks: int) -> ResumableLoader:
        sampler = PairSampler(dataset.pairs(), rank=rank, world_size=ranks)
        return build_loader(dataset, sampler=sampler, batch_size=8 // ranks, drop_last=True)

    two = [loader(rank, 2) for rank in range(2)]
    batches = [iter(half) for half in two]
    for half in batches:
        next(half)
    one = loader(0, 1)
    one.load_state_dict(two[0].state_dict())
    rest = list(one)
    assert len(rest) == len(one) - 1
    for whole in rest:
        first, second = (next(half)['draw'] for half in batches)
        assert torch.stack([first, second], dim=1).flatten().equal(whole['draw'])


@pytest.mark.parametrize('method', ['spawn', 'forkserver'])
def test_workers_may_start_in_any_way(tmp_path: Path, method: str) -> None:
    folder = write_series(tmp_path / 'images')
    pairs = TemporalPairs(build_index(scan_rasters(folder), size_px=32))
    keys = list(PairSampler(pairs.pairs()))
    before = [pairs[key] for key in keys]  # with files open, which must stay behind
    loader = DataLoader(pairs, sampler=keys, batch_size=None, num_workers=1, multiprocessing_context=method)
    for sample, expected in zip(loader, before, strict=True):
        assert sample['image'].equal(expected['image'])
        assert sample['draw'].equal(expected['draw'])
