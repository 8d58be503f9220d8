"""A sweep that is killed at seeded moments and started again, beside one that is not; in a process of its own.

python -m tests.experiments.killed_sweep configs/sweeps/smoke.yaml FOLDER --kills 20
"""

import argparse
import os
import random
import shutil
import signal
import time
import warnings
from pathlib import Path

import torch

from geo_noisy.experiments.grids.grid import read_grid
from geo_noisy.experiments.running.stages import build_trainer
from geo_noisy.experiments.running.sweep import run_grid
from geo_noisy.experiments.table import read_table


def start(grid: Path, folder: Path) -> int:
    """Run the sweep in a child that has everything imported; returns its process number."""
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)
        warnings.simplefilter('ignore')
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # progress bars
        status = 1
        try:
            run_grid(read_grid(grid), folder)
            status = 0
        finally:
            os._exit(status)
    return child


def kill_again_and_again(grid: Path, folder: Path, *, times: int, longest_s: float, rng: random.Random) -> int:
    """Start a sweep and kill it, so many times; returns how many times it had not ended before."""
    cells = len(read_grid(grid))
    # Kill i comes at a random moment after a share i / times of the cells has ended: the kills reach to the end, and
    # what a kill undoes has to be done again.
    for kill in range(times):
        child = start(grid, folder)
        while len(read_table(folder)) < kill * (cells - 1) // times:
            time.sleep(0.05)
        time.sleep(rng.uniform(0, longest_s))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            return kill
    return times


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('grid', type=Path)
    parser.add_argument('folder', type=Path)
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--seed', type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    build_trainer(read_grid(arguments.grid)[0].probe, arguments.folder / 'imports')  # so that a child starts at once

    started = time.perf_counter()
    os.waitpid(start(arguments.grid, arguments.folder / 'whole'), 0)
    whole = time.perf_counter() - started
    print(f'uninterrupted: {whole:.1f} s')

    rng, killed = random.Random(arguments.seed), arguments.folder / 'killed'
    longest_s = whole / len(read_grid(arguments.grid))
    while True:
        kills = kill_again_and_again(arguments.grid, killed, times=arguments.kills, longest_s=longest_s, rng=rng)
        if 2 * kills > arguments.kills:
            break
        shutil.rmtree(killed)  # this machine is faster now than at the start: once more, with less patience
        longest_s /= 2
    os.waitpid(start(arguments.grid, killed), 0)
    print(f'killed {kills} times')


if __name__ == '__main__':
    main()
