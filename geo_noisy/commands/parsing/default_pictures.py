"""Every pretraining keeps pictures, unless its config says otherwise."""

import pkgutil

from jsonargparse import Namespace

from geo_noisy.tasks.pretraining import PairTask
from geo_noisy.tasks.training_pictures import TrainingPictures

PICTURES = 'geo_noisy.tasks.TrainingPictures'


def add_pictures(config: Namespace) -> None:
    """Add :class:`~geo_noisy.tasks.TrainingPictures` to the callbacks of a pretraining that does not list it.

    Args:
        config: The parsed config of ``fit``; the config that is saved with the run lists the callback then.
    """
    if not _is(config.model.class_path, PairTask):
        return
    callbacks = config.trainer.callbacks or []
    callbacks = callbacks if isinstance(callbacks, list) else [callbacks]
    if not any(_is(callback.class_path, TrainingPictures) for callback in callbacks):
        added = Namespace({'class_path': PICTURES, 'init_args': {}})  # type: ignore[no-untyped-call]
        config.trainer.callbacks = [*callbacks, added]


def _is(class_path: str, kind: type) -> bool:
    return issubclass(pkgutil.resolve_name(class_path), kind)
