"""One bad input: what is damaged and how, and how a command must answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Words = list[str]
COUNTED, INPUT, USAGE = 0, 1, 2
"""Exit statuses: left out or mended and told; an input cannot serve; the command line or a config is wrong."""


@dataclass(frozen=True)
class Cell:
    """A bad input.

    Attributes:
        reader: What reads it.
        field: The part of the input that is damaged.
        damage: How.
        prepare: Makes it in the working folder, which holds what :mod:`tests.corpus.sound` makes, and returns the words
            of the command.
        status: Exit status.
        names: Regular expressions of what is told: the value, its place, the remedy.
        outputs: Patterns of files that the command may leave or change; nothing else may be new or different.
    """

    reader: str
    field: str
    damage: str
    prepare: Callable[[Path], Words]
    status: int
    names: tuple[str, ...]
    outputs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A name that no other cell has."""
        return f'{self.reader}-{self.field}-{self.damage}'.replace(' ', '_')
