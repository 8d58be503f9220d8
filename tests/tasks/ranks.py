"""A training run in one process or in two (gloo), over the same batches; each rank notes losses, keys and queue."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from geo_noisy.datamodules import VTSPairsDataModule
from geo_noisy.pairs.keys import PairKey
from geo_noisy.samplers import PairSampler
from geo_noisy.tasks import MomentumContrast
from tests.data.vts import trainer

RANKS, STEPS, BATCH = 2, 3, 4  # pairs of a rank


class RankByRank(PairSampler):
    """The keys of all ranks in one process, a step's keys of rank 0 before those of rank 1."""

    def keys(self, epoch: int, start: int) -> Iterator[PairKey]:
        ranks = [
            PairSampler(self.source, policy=self.policy, seed=self.seed, rank=rank, world_size=RANKS)
            for rank in range(RANKS)
        ]
        shares = [list(sampler.keys(epoch, start // RANKS)) for sampler in ranks]
        for first in range(0, len(shares[0]), BATCH):
            for share in shares:
                yield from share[first : first + BATCH]


class OneProcess(VTSPairsDataModule):
    """Batches of all ranks together."""

    def train_dataloader(self) -> Any:
        dataset = self._valid_attribute('train_dataset')
        sampler = RankByRank(dataset.pairs(), policy=self.policy, seed=self.seed)
        return self.resumed(self.keyed_loader(dataset, sampler, batch_size=self.batch_size, num_workers=0, train=True))


class Unshuffled(MomentumContrast):
    """Keys in the order of their queries: ranks do not exchange images."""

    def encode_shuffled_key(self, image: Tensor, draw: Tensor) -> Tensor:
        return self.encode_key(image)


class Note(Callback):
    """Keeps what each step saw."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []

    def on_train_batch_end(self, trainer: pl.Trainer, task: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = outputs['loss'].detach().clone()
        self.steps.append({'loss': loss, 'draw': batch['draw'], 'queue': task.queue.features.clone()})


def fit(folder: Path, *, ranks: int, epochs: int, go_on: Path | None = None) -> None:
    """Train; each rank writes ``steps_RANK.pt``."""
    pl.seed_everything(0, verbose=False)
    task = Unshuffled(
        model='tu-test_resnet', queue_size=16, batch_norm_splits=RANKS if ranks == 1 else 1, lr=0.005, key_momentum=0.9
    )
    data = (OneProcess if ranks == 1 else VTSPairsDataModule)(
        size_px=32, cells=4, train_count=STEPS * BATCH * RANKS, val_count=8, batch_size=BATCH * RANKS // ranks
    )
    note, save = Note(), ModelCheckpoint(dirpath=folder, filename='{step}', every_n_train_steps=1, save_top_k=-1)
    run = trainer(
        folder, max_epochs=epochs, devices=ranks, strategy='ddp' if ranks > 1 else 'auto', callbacks=[note, save],
        enable_checkpointing=True, limit_val_batches=0,
    )  # fmt: skip
    run.fit(task, data, ckpt_path=go_on, weights_only=False)
    torch.save(note.steps, folder / f'steps_{run.global_rank}.pt')


if __name__ == '__main__':
    torch.set_num_threads(1)
    fit(Path(sys.argv[1]), ranks=int(sys.argv[2]), epochs=2, go_on=Path(sys.argv[3]) if len(sys.argv) > 3 else None)
