"""Pictures of a pretraining in its run folder, and in its logger where that takes pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.seed import isolate_rng
from matplotlib.figure import Figure
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.tasks.figure_loggers import log_figure
from geo_noisy.tasks.online_probe import frozen, task_features
from geo_noisy.tasks.online_samples import validation_pairs
from geo_noisy.tasks.pretraining import PairTask
from geo_noisy.tasks.training_figures import draw_curves, draw_neighbours, draw_views
from geo_noisy.whole_file import whole_file

Shown = Literal['views', 'neighbours', 'curves']
SHOWN: tuple[Shown, ...] = ('views', 'neighbours', 'curves')
_POINTS = 2000  # of a curve; then every second one goes
_BATCH = 32
_DPI = 80  # half a second a picture


class TrainingPictures(pl.Callback):
    """Writes pictures of a pretraining into ``pictures`` in the run folder, and into loggers that take figures.

    ``views``: pairs of the first batch beside the views that the loss compares. ``neighbours``: before the first step
    and at the end, images of one date and those of other ground at the other date whose features are nearest, among
    some validation pairs. ``curves``: all that was logged, at the end, also of a run that fails. Training is the same
    with it and without, bit for bit: the encoder is in eval mode, and no random state moves. ``geo-noisy fit`` adds it
    to every pretraining that does not list it.
    """

    def __init__(
        self,
        show: Sequence[Shown] = SHOWN,
        rows: int = 6,
        pairs: int = 32,
        neighbours: int = 5,
        every_n_epochs: int | None = None,
    ) -> None:
        """Initialise a new TrainingPictures.

        Args:
            show: Which pictures: ``views``, ``neighbours``, ``curves``; an empty list for none.
            rows: Rows of the pictures of views and of neighbours.
            pairs: Validation pairs that neighbours are looked for in; they stay in memory.
            neighbours: Nearest images in a row.
            every_n_epochs: Draw neighbours and curves after every so many epochs, too.

        Raises:
            ValueError: If a number is out of its range, or there is no such picture.
        """
        least = {'rows': 1, 'pairs': 2, 'neighbours': 1, 'every_n_epochs': 1}
        given = {'rows': rows, 'pairs': pairs, 'neighbours': neighbours, 'every_n_epochs': every_n_epochs}
        for name, value in given.items():
            if value is not None and value < least[name]:
                raise ValueError(f'{name} of TrainingPictures is {value}; it must be at least {least[name]}.')
        unknown = set(show) - set(SHOWN)
        if unknown:
            raise ValueError(f'show of TrainingPictures holds {sorted(unknown)[0]!r}; choose from {", ".join(SHOWN)}.')
        self.show, self.rows, self.pairs, self.neighbours = tuple(show), rows, pairs, neighbours
        self.every_n_epochs = every_n_epochs
        self.history: dict[str, list[tuple[int, float]]] = {}
        """Of each logged name the steps and values; a resumed run goes on with it."""
        self._validation: Mapping[str, Tensor] | None = None
        self._seen = False
        self._folder: Path | None = None

    def state_dict(self) -> dict[str, Any]:
        """The curves so far."""
        return {'history': self.history} if self.show else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the curves from before."""
        self.history = {
            name: [(step, value) for step, value in points] for name, points in state_dict['history'].items()
        }

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Find the run folder, and read the pairs that neighbours are looked for in.

        Raises:
            TypeError: If the task is no pretraining on pairs.
        """
        if not isinstance(pl_module, PairTask):
            raise TypeError(f'TrainingPictures shows pretraining on pairs, not {type(pl_module).__name__}.')
        folder = trainer.log_dir  # asked for on every rank
        silent = not self.show or trainer.fast_dev_run or not trainer.is_global_zero  # type: ignore[attr-defined]
        self._folder = None if silent or folder is None else Path(folder) / 'pictures'
        data = trainer.datamodule  # type: ignore[attr-defined]
        if self._folder is None or 'neighbours' not in self.show:
            return
        with isolate_rng():
            if isinstance(data, PairDataModule):
                self._validation = validation_pairs(data, most=self.pairs, more=('change', 'valid'))
        if self._validation is None:
            rank_zero_info('TrainingPictures: there are no validation pairs, so no neighbours are shown.')

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw neighbours before the first step."""
        self._draw_neighbours(trainer, pl_module)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Sample, batch_idx: int
    ) -> None:
        """Draw the views of the first batch."""
        if self._seen or self._folder is None or 'views' not in self.show:
            return
        self._seen = True
        task = _as_pair_task(pl_module)
        some = {
            name: value[: self.rows] if isinstance(value, Tensor) and value.ndim else value
            for name, value in batch.items()
        }
        with isolate_rng(), frozen(task), trainer.precision_plugin.forward_context():
            query, key = task.directions(some)[0]
        seen = [view | {'image': view['image'].float() * task.band_std + task.band_mean} for view in (query, key)]
        self._keep(trainer, 'views', draw_views(some, *seen, most=self.rows, bands=self._bands(trainer)))

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note what is logged, as often as the logger does."""
        if trainer.global_step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._note(trainer, 'train_')

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note what validation measured."""
        if not trainer.sanity_checking:
            self._note(trainer, 'val_')

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw where it is due, but at the end of training, where :meth:`on_train_end` does."""
        epoch = trainer.current_epoch + 1
        if self.every_n_epochs and epoch % self.every_n_epochs == 0 and epoch != trainer.max_epochs:
            self._draw_neighbours(trainer, pl_module)
            self._draw_curves(trainer)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Draw neighbours and curves at the end."""
        self._draw_neighbours(trainer, pl_module)
        self._draw_curves(trainer)
        if self._folder is not None:
            rank_zero_info(f'Pictures of this run: {self._folder}')

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        """Draw the curves that led to an error."""
        if self.history:
            self._draw_curves(trainer)

    def _note(self, trainer: pl.Trainer, prefix: str) -> None:
        if self._folder is None or 'curves' not in self.show:
            return
        for name, value in trainer.callback_metrics.items():
            if name.startswith(prefix) and not name.endswith(('_step', '_epoch')):
                points = self.history.setdefault(name, [])
                points.append((trainer.global_step, float(value)))
                if len(points) > _POINTS:
                    del points[1::2]

    def _draw_curves(self, trainer: pl.Trainer) -> None:
        if self._folder is not None and 'curves' in self.show:
            self._keep(trainer, 'curves', draw_curves(self.history))

    def _draw_neighbours(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self._folder is None or self._validation is None:
            return
        task, step = _as_pair_task(pl_module), trainer.global_step
        scale = trainer.datamodule.aug  # type: ignore[attr-defined]
        parts = []
        with isolate_rng(), frozen(task), trainer.precision_plugin.forward_context():
            for images in torch.split(self._validation['image'], _BATCH):
                scaled = scale({'image': images.to(task.device)})['image']
                parts.append(task_features(task, scaled.flatten(0, 1)).mean(dim=(2, 3)).view(len(images), 2, -1))
        figure = draw_neighbours(
            dict(self._validation),
            torch.cat(parts),
            queries=self.rows,
            neighbours=self.neighbours,
            title=f'Other ground with the nearest features, after {step:,} steps',
            bands=self._bands(trainer),
        )
        self._keep(trainer, f'neighbours_step_{step}', figure)

    def _keep(self, trainer: pl.Trainer, name: str, figure: Figure) -> None:
        assert self._folder is not None  # or nothing is drawn
        path = self._folder / f'{name}.png'
        with whole_file(path) as unfinished:
            figure.savefig(unfinished, dpi=_DPI)
        for logger in trainer.loggers:
            log_figure(logger, name.partition('_step_')[0], figure, path=path, step=trainer.global_step)

    @staticmethod
    def _bands(trainer: pl.Trainer) -> Sequence[int] | None:
        """Positions of the bands that the data set shows."""
        dataset = getattr(trainer.datamodule, 'train_dataset', None)  # type: ignore[attr-defined]
        return getattr(dataset, 'shown_bands', None)


def _as_pair_task(module: pl.LightningModule) -> PairTask:
    assert isinstance(module, PairTask)  # on_fit_start has looked
    return module
