"""Figures into whatever logger takes them, told by what it offers."""

from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from matplotlib.figure import Figure


def log_figure(logger: Logger, name: str, figure: Figure, *, path: Path, step: int) -> bool:
    """Log a figure.

    By ``log_image`` (W&B), or by the experiment's ``add_figure`` (TensorBoard) or ``log_figure`` (MLflow, Comet).

    Args:
        logger: A logger of Lightning.
        name: Name of the figure.
        figure: The figure.
        path: Where it lies as a picture.
        step: Step of the training.

    Returns:
        Whether the logger takes figures.
    """
    experiment: Any = logger.experiment if hasattr(logger, 'experiment') else None
    if hasattr(logger, 'log_image'):
        logger.log_image(key=name, images=[str(path)], step=step)
    elif hasattr(experiment, 'add_figure'):
        experiment.add_figure(name, figure, step)
    elif hasattr(experiment, 'log_figure') and hasattr(logger, 'run_id'):
        experiment.log_figure(logger.run_id, figure, f'{name}_{step}.png')
    elif hasattr(experiment, 'log_figure'):
        experiment.log_figure(figure_name=name, figure=figure, step=step)
    else:
        return False
    return True
