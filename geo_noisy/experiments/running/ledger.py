"""What a run keeps of its metrics: the last of each, the course of the monitored one, and the seconds."""

import math
import time
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.trainer.states import TrainerFn

EARLY = 0.8
"""The share of the epochs after which a probe that has converged gains nothing more."""


class Ledger(pl.Callback):
    """Keeps metrics and seconds in checkpoints: a run stopped after its last step still has them when it goes on."""

    def __init__(self) -> None:
        """Initialise a new Ledger."""
        self.metrics: dict[str, float] = {}
        self.course: list[float] = []
        self.seconds_before = 0.0
        self._started = time.perf_counter()

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the metrics of the epoch."""
        if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
            return
        self.metrics |= numbers(trainer.callback_metrics)
        monitor = getattr(trainer.checkpoint_callback, 'monitor', None)
        if monitor in self.metrics:
            self.course.append(self.metrics[monitor])

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Note the metrics at the end, where any step was taken."""
        self.metrics |= numbers(trainer.callback_metrics)

    def convergence(self, *, late: bool) -> dict[str, float]:
        """How far the monitored metric moved.

        Args:
            late: Of a score: ``late_gain``, by how much its best lies above the best of the first 80 % of the epochs.
                Else, of a loss: ``val_fall``, by how much it fell from its highest to its lowest.

        Returns:
            One value, where there are any to compare.
        """
        course = [value for value in self.course if math.isfinite(value)]
        early = course[: math.ceil(EARLY * len(course))]
        if late:
            return {'late_gain': max(course) - max(early)} if early else {}
        return {'val_fall': max(course) - min(course)} if course else {}

    def state_dict(self) -> dict[str, Any]:
        """Metrics, course and seconds up to here."""
        seconds = self.seconds_before + time.perf_counter() - self._started
        return {'metrics': self.metrics, 'course': self.course, 'seconds': seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from the metrics, the course and the seconds of a stopped run."""
        self.metrics, self.seconds_before = state_dict['metrics'], state_dict['seconds']
        self.course = state_dict['course']


def numbers(metrics: Any) -> dict[str, float]:
    """Metrics as plain numbers."""
    return {name: float(value) for name, value in metrics.items()}
