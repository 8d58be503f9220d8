"""The batched dense losses against the same equations with a loop over images.

python tests/benchmarks/bench_losses.py
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from geo_noisy.losses.functional import cross_image_loss, within_image_loss

BATCH, DIM, SIDE = 64, 256, 16


def seconds(call: Callable[[], Tensor], repeats: int = 5) -> float:
    call().backward()
    started = time.perf_counter()
    for _ in range(repeats):
        call().backward()
    return (time.perf_counter() - started) / repeats


def main() -> None:
    torch.set_num_threads(1)
    features = [torch.randn(BATCH, DIM, SIDE, SIDE, requires_grad=True) for _ in range(3)]
    labels = [torch.randint(0, 2, (BATCH, SIDE, SIDE)) for _ in range(3)]

    def loop(loss: Callable[..., Tensor], count: int) -> Tensor:
        return torch.stack(
            [
                loss(*(f[i : i + 1] for f in features[:count]), *(y[i : i + 1] for y in labels[:count]), 0.07)
                for i in range(BATCH)
            ]
        ).mean()

    for name, loss, count in (('within', within_image_loss, 2), ('cross', cross_image_loss, 3)):
        batched = seconds(lambda loss=loss, count=count: loss(*features[:count], *labels[:count], 0.07))
        looped = seconds(lambda loss=loss, count=count: loop(loss, count))
        print(
            f'{name:6s} {BATCH} images of {SIDE} x {SIDE}: {1e3 * batched:6.1f} ms, {looped / batched:.2f} times a loop'
        )


if __name__ == '__main__':
    main()
