"""How far a sweep is: the steps of all its stages, counted where they are taken."""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import lightning.pytorch as pl
from tqdm import tqdm

Count = Callable[[int], None]
"""Is told of steps that were taken."""


def count_nothing(steps: int) -> None:
    """Where nobody asks."""


class StepCounter(pl.Callback):
    """Tells of each step of a training, and at its start of those that a stopped run had taken."""

    def __init__(self, count: Count) -> None:
        """Initialise a new StepCounter.

        Args:
            count: What is told.
        """
        self._count = count
        self._told = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell of the steps of the run that this one goes on with."""
        self._tell(trainer.global_step)

    def on_train_batch_end(self, trainer: pl.Trainer, *args: Any) -> None:
        """Tell of the steps since the last batch: none where gradients are gathered over several."""
        self._tell(trainer.global_step)

    def _tell(self, steps: int) -> None:
        self._count(steps - self._told)
        self._told = steps


class SweepBar:
    """A progress bar: which of how many cells, and about how long the rest takes.

    Time goes by the steps that are left; a step is a step, of whatever stage, so that it is an estimate.
    """

    def __init__(self, *, cells: int, done: int, steps: int | None) -> None:
        """Start the bar.

        Args:
            cells: Cells of the sweep.
            done: Those that were in the table before.
            steps: Steps that the others take; None, where that is not known, counts cells instead.
        """
        self.by_step = steps is not None
        self._cells, self._done = cells, done
        if steps is None:
            self._bar = tqdm(total=cells, initial=done, unit='cell')
        else:
            form = '{desc}{percentage:3.0f} %|{bar}| {elapsed}, about {remaining} left{postfix}'
            self._bar = tqdm(total=steps, unit='step', bar_format=form, smoothing=0)
        self._bar.set_description(f'{done} of {cells} cells done')

    def count(self, steps: int) -> None:
        """Steps were taken."""
        if self.by_step:
            self._bar.update(steps)

    def end_cell(self, name: str) -> None:
        """A cell has ended."""
        self._done += 1
        self._bar.set_description(f'{self._done} of {self._cells} cells done', refresh=False)
        self._bar.set_postfix_str(f'last: {name}')
        if not self.by_step:
            self._bar.update()

    def __enter__(self) -> Self:
        """Use the bar in a with statement."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar on the screen as it is."""
        self._bar.close()
