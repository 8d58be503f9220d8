"""Training steps a second: our MoCo v2 against TorchGeo's, and the dense losses.

python tests/benchmarks/bench_step.py [THREADS]
"""

import sys
import time
import warnings
from typing import Any

import lightning.pytorch as pl
import torch
from torchgeo.tasks import MoCo

from geo_noisy.tasks import DenseContrast, MomentumContrast

BATCH, SIDE = 64, 64


def pairs() -> dict[str, torch.Tensor]:
    return {
        'image': torch.rand(BATCH, 2, 3, SIDE, SIDE),
        'mask': torch.randint(0, 2, (BATCH, 2, SIDE, SIDE)),
        'draw': torch.arange(BATCH),
        'place': torch.arange(BATCH),
        'exposure': torch.zeros(BATCH, dtype=torch.bool),
        'noisy': torch.zeros(BATCH, dtype=torch.int8),
    }


def seconds_a_step(task: Any, batch: dict[str, torch.Tensor], steps: int = 5) -> float:
    """Seconds of forward, backward and update, views included; the quickest of some steps."""
    task.log = lambda *_, **__: None
    task._trainer = pl.Trainer(accelerator='cpu', logger=False, enable_checkpointing=False)
    optimizer = torch.optim.SGD([p for p in task.parameters() if p.requires_grad], lr=0.03)
    task.train()
    if not isinstance(task, MoCo):
        task.on_fit_start()
    times = []
    for step in range(steps + 1):
        started = time.perf_counter()
        optimizer.zero_grad()
        task.training_step(batch, step).backward()
        optimizer.step()
        times.append(time.perf_counter() - started)
    return min(times[1:])


def main() -> None:
    warnings.simplefilter('ignore')
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    batch = pairs()
    stacked = {'image': batch['image'].flatten(1, 2)}
    peer = seconds_a_step(MoCo('resnet18', version=2, layers=2, size=SIDE, memory_bank_size=1024), stacked)
    tasks = {
        "TorchGeo's MoCo v2": peer,
        'MomentumContrast': seconds_a_step(MomentumContrast(queue_size=1024), batch),
        'MomentumContrast, 8 splits': seconds_a_step(MomentumContrast(queue_size=1024, batch_norm_splits=8), batch),
        'DenseContrast, within': seconds_a_step(DenseContrast(), batch),
        'DenseContrast, cross': seconds_a_step(DenseContrast(loss='cross'), batch),
    }
    print(f'ResNet18, {BATCH} pairs of {SIDE} px, {torch.get_num_threads()} thread(s):')
    for name, seconds in tasks.items():
        print(f'{name:28s} {BATCH / seconds:6.1f} pairs/s  ({peer / seconds:.2f} times TorchGeo)')


if __name__ == '__main__':
    main()
