"""Scores of the present encoder while it is pretrained: with a few labels, and without any."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.seed import isolate_rng
from torch import Tensor, nn

from geo_noisy.confusion import class_f1
from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.metrics.pooled import confusion_matrices
from geo_noisy.metrics.representation import alignment, effective_rank, uniformity
from geo_noisy.models.classifiers import NEIGHBOURS, LinearClassifier, NearestNeighbours
from geo_noisy.models.encoder import last_features
from geo_noisy.tasks.base import EncoderTask
from geo_noisy.tasks.cells import labelled_features, some
from geo_noisy.tasks.online_figure import write_history
from geo_noisy.tasks.online_samples import class_count, labelled_samples, validation_pairs
from geo_noisy.tasks.pretraining import PairTask
from geo_noisy.tasks.retrieval import retrieval_scores

Row = dict[str, float]


class OnlineProbe(pl.Callback):
    """Scores frozen features of the present encoder every few epochs, and before the first.

    With labels: macro-F1 of the nearest neighbours and of a linear classifier, over cells of feature maps (over images
    where each has one label). Without: effective rank, rank of the positive, alignment and uniformity of pooled
    features of validation pairs, in fixed views. Logged as ``online_...``, and kept in ``online_probe.csv`` and
    ``online_probe.png`` in the run folder. Training is the same with it and without, bit for bit: the encoder is in
    eval mode, and no random state moves. Beside a probe it is a first look at its encoder: a frozen one is measured
    once.
    """

    def __init__(
        self,
        data: LabelledDataModule | None = None,
        every_n_epochs: int = 1,
        train_samples: int = 256,
        val_samples: int = 256,
        cells: int = 4096,
        pairs: int = 256,
        neighbours: int = NEIGHBOURS,
        batch_size: int = 64,
        seed: int = 0,
    ) -> None:
        """Initialise a new OnlineProbe.

        Args:
            data: Images with labels, of which some of the training split teach and some of the validation split are
                scored; without it those of the run, where it is a probe, else only what needs no labels is measured.
            every_n_epochs: Epochs between two measurements.
            train_samples: Images that teach; they stay in memory.
            val_samples: Images that are scored; likewise.
            cells: Most features of each, chosen at random.
            pairs: Validation pairs that are looked at without labels; 0 for none.
            neighbours: Nearest neighbours that vote.
            batch_size: Images that are encoded at once.
            seed: Seed of the choice of images and cells.

        Raises:
            ValueError: If a number is out of its range, or nothing is to be measured.
        """
        given = {
            'every_n_epochs': every_n_epochs,
            'train_samples': train_samples,
            'val_samples': val_samples,
            'cells': cells,
            'neighbours': neighbours,
            'batch_size': batch_size,
            'pairs': pairs + 1,
        }
        for name, value in given.items():
            least = 0 if name == 'pairs' else 1
            if value < 1:
                raise ValueError(f'{name} of OnlineProbe is {value + least - 1}; it must be at least {least}.')
        if data is None and pairs < 2:
            raise ValueError('OnlineProbe has neither data with labels nor pairs (2 or more) to look at: give it one.')
        self.data, self.every_n_epochs, self.seed = data, every_n_epochs, seed
        self.train_samples, self.val_samples, self.cells, self.pairs = train_samples, val_samples, cells, pairs
        self.neighbours, self.batch_size = neighbours, batch_size
        self.history: list[Row] = []
        """One row a measurement; a resumed run goes on with it."""
        self._labelled: dict[str, tuple[Tensor, Tensor]] = {}
        self._validation: Mapping[str, Tensor] | None = None

    def state_dict(self) -> dict[str, Any]:
        """What was measured so far."""
        return {'history': self.history}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with what was measured before."""
        self.history = [dict(row) for row in state_dict['history']]

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Read the samples, once.

        Raises:
            TypeError: If the task has no encoder to look at.
            ValueError: If the images have other bands than the encoder.
        """
        task = _as_encoder_task(pl_module)
        of_trainer = trainer.datamodule  # type: ignore[attr-defined]
        if self.data is None and isinstance(of_trainer, LabelledDataModule):
            self.data = of_trainer
        with isolate_rng():
            if self.data is not None:
                self._read_labelled(trainer, self.data)
                self._check_bands(task)
            if self.pairs >= 2 and isinstance(of_trainer, PairDataModule) and isinstance(task, PairTask):
                self._validation = validation_pairs(of_trainer, most=self.pairs)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure the encoder before its first step."""
        if not self.history:
            self._measure(trainer, pl_module, epoch=0)

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure at the last validation of an epoch, before checkpoints are written."""
        loop: Any = trainer.fit_loop
        if not trainer.sanity_checking and trainer.training and loop.epoch_loop.batch_progress.is_last_batch:
            self._measure_if_due(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Measure where the epoch had no validation."""
        self._measure_if_due(trainer, pl_module)

    def _measure_if_due(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        epoch = trainer.current_epoch + 1
        done = bool(self.history) and self.history[-1]['epoch'] >= epoch
        changes = any(weight.requires_grad for weight in _as_encoder_task(pl_module).model.parameters())
        if changes and epoch % self.every_n_epochs == 0 and not done:
            row = self._measure(trainer, pl_module, epoch=epoch)
            pl_module.log_dict(
                {f'online_{name}': value for name, value in row.items() if name not in ('epoch', 'step')},
                rank_zero_only=True,
            )

    def _measure(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *, epoch: int) -> Row:
        start = time.perf_counter()
        task = _as_encoder_task(pl_module)
        with isolate_rng(), frozen(task), trainer.precision_plugin.forward_context():
            row = self._scores_with_labels(task) | self._scores_without(trainer, task)
        seconds = time.perf_counter() - start
        self.history.append({'epoch': epoch, 'step': trainer.global_step, **row, 'seconds': seconds})
        folder = trainer.log_dir  # asked for on every rank
        if trainer.is_global_zero and folder is not None:
            write_history(Path(folder), self.history)
        told = ', '.join(f'{name} {value:.3f}' for name, value in row.items())
        rank_zero_info(f'OnlineProbe, epoch {epoch}: {told}.')
        return self.history[-1]

    def _scores_with_labels(self, task: EncoderTask) -> Row:
        if self.data is None:
            return {}
        parts = {}
        for split, (images, targets) in self._labelled.items():
            maps = torch.cat(
                [task_features(task, self._scaled(part, task)) for part in torch.split(images, self.batch_size)]
            )
            features, labels = labelled_features(maps, targets.to(maps.device))
            parts[split] = some(features, labels, most=self.cells, seed=self.seed)
        (bank, known), (features, labels) = parts['train'], parts['val']
        if not (len(known) and len(labels) and torch.isfinite(bank).all() and torch.isfinite(features).all()):
            return {'linear_f1': math.nan, 'knn_f1': math.nan}
        nearest = NearestNeighbours(bank, known, classes=self.classes, neighbours=self.neighbours)
        linear = LinearClassifier(bank, known, classes=self.classes)
        return {
            'linear_f1': self._macro_f1(linear(features), labels),
            'knn_f1': self._macro_f1(nearest(features), labels),
        }

    def _macro_f1(self, predicted: Tensor, labels: Tensor) -> float:
        confusion = confusion_matrices(predicted[None], labels[None], classes=self.classes)[0]
        return float(class_f1(confusion.double()).mean())

    def _scores_without(self, trainer: pl.Trainer, task: EncoderTask) -> Row:
        if self._validation is None or not isinstance(task, PairTask):
            return {}
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        pooled = []
        for start in range(0, len(self._validation['draw']), self.batch_size):
            batch = {name: value[start : start + self.batch_size] for name, value in self._validation.items()}
            batch = {name: value.to(task.device) for name, value in batch.items()}
            viewed = task.views(datamodule.aug(batch))['image']
            maps = task_features(task, viewed.flatten(0, 1))
            pooled.append(maps.mean(dim=(2, 3)).view(len(viewed), 2, -1).float())
        first, second = torch.cat(pooled).unbind(dim=1)
        place = self._validation['place'].to(first.device)
        query, key = (nn.functional.normalize(part, dim=1) for part in (first, second))
        scores = {
            'effective_rank': effective_rank(torch.cat([first, second])),
            'rank': retrieval_scores(query, key, place, temperature=1.0)[1],
            'alignment': alignment(first, second),
            'uniformity': uniformity(first),
        }
        return {name: float(value) for name, value in scores.items()}

    def _scaled(self, image: Tensor, task: EncoderTask) -> Tensor:
        assert self.data is not None  # images of it are what is scaled
        scaled: Tensor = self.data.aug({'image': image.to(task.device)})['image']
        return scaled

    def _read_labelled(self, trainer: pl.Trainer, data: LabelledDataModule) -> None:
        if data is not trainer.datamodule:  # type: ignore[attr-defined]  # that one is set up
            if trainer.is_global_zero:
                data.prepare_data()
            trainer.strategy.barrier()
            data.setup('fit')
        numbers = {'train': self.train_samples, 'val': self.val_samples}
        datasets = {'train': data.train_dataset, 'val': data.val_dataset}
        self._labelled = {
            split: labelled_samples(datasets[split], most=most, seed=self.seed) for split, most in numbers.items()
        }
        self.classes = class_count(data)
        size = sum(images.nbytes for images, _ in self._labelled.values()) / 1e6
        rank_zero_info(f'OnlineProbe keeps {size:,.0f} MB of images of {self.classes} classes in memory.')

    def _check_bands(self, task: EncoderTask) -> None:
        bands, wanted = self._labelled['train'][0].shape[1], task.hparams['in_channels']
        if bands != wanted:
            raise ValueError(f'The images of OnlineProbe have {bands} bands, but the encoder takes {wanted}.')


def task_features(task: EncoderTask, image: Tensor) -> Tensor:
    """Last feature maps of scaled images by a task's encoder."""
    return last_features(task.model, task.standardise(image))


@contextmanager
def frozen(task: nn.Module) -> Iterator[None]:
    """A task in eval mode and without gradients; afterwards each of its modules is in the mode it was in."""
    modes = [(module, module.training) for module in task.modules()]
    task.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, mode in modes:
            module.training = mode


def _as_encoder_task(module: pl.LightningModule) -> EncoderTask:
    if not isinstance(module, EncoderTask):
        raise TypeError(f'OnlineProbe looks at the encoder of a task of geo-noisy, not at {type(module).__name__}.')
    return module
