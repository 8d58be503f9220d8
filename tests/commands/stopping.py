"""Callbacks that end a run from within, as a user or a scheduler does from outside."""

import os
from typing import Any

from lightning.pytorch.callbacks import Callback


class Signalled(Callback):
    """Sends a signal to this process at the first batch."""

    def __init__(self, number: int = 15) -> None:
        self.number = number

    def on_train_batch_start(self, *args: Any) -> None:
        os.kill(os.getpid(), self.number)


class Failing(Callback):
    """Fails as code does that nobody foresaw."""

    def on_train_batch_start(self, *args: Any) -> None:
        len(None)  # type: ignore[arg-type]
