"""Views a second: ours, keyed to the sample, against a Kornia pipeline of the same operations drawn for a batch.

python tests/benchmarks/bench_views.py
"""

import time
from collections.abc import Callable
from typing import Any

import kornia.augmentation as K
import torch

from geo_noisy.transforms import MoCoViews

BATCH, SIDE = 64, 64


def seconds(call: Callable[[], Any], repeats: int = 5) -> float:
    call()
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - started) / repeats


def main() -> None:
    torch.set_num_threads(1)
    batch = {'image': torch.rand(BATCH, 2, 3, SIDE, SIDE), 'draw': torch.arange(BATCH)}
    flat = batch['image'].flatten(0, 1)
    peer = K.AugmentationSequential(
        K.RandomResizedCrop((SIDE, SIDE), scale=(0.2, 1.0)),
        K.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        K.RandomGrayscale(p=0.2),
        K.RandomGaussianBlur((9, 9), (0.1, 2.0), p=0.5),
        K.RandomHorizontalFlip(),
        data_keys=['input'],
    )
    single = {key: value[:1] for key, value in batch.items()}
    views = MoCoViews()
    ours, theirs = seconds(lambda: views(batch)), seconds(lambda: peer(flat))
    one_by_one = seconds(lambda: [peer(image[None]) for image in flat], repeats=1)
    print(f'{2 * BATCH} views of {SIDE} px, one thread:')
    print(f'ours, a draw for each sample        {2 * BATCH / ours:8.0f} views/s')
    print(f'Kornia, a draw for each batch       {2 * BATCH / theirs:8.0f} views/s  (ours {theirs / ours:.2f} times)')
    print(
        f'Kornia, a draw for each sample      {2 * BATCH / one_by_one:8.0f} views/s  (ours {one_by_one / ours:.0f} x)'
    )
    print(f'ours, a batch of one pair           {2 / seconds(lambda: views(single)):8.0f} views/s')


if __name__ == '__main__':
    main()
