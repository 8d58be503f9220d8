"""What was assumed or looks odd, with the option that settles it: nothing is guessed in silence."""

from collections.abc import Sequence
from typing import NamedTuple

from geo_noisy.errors import InputError


class Doubt(NamedTuple):
    """Something that was assumed, or that looks odd."""

    about: str
    """'product', 'bands', 'alpha', 'nodata', 'classes', 'radiometry', 'dates', 'crs' or 'noise'."""
    text: str
    """What was assumed, or what looks odd."""
    remedy: str
    """The option that settles it."""
    number: int = 1
    """How many files or dates it concerns."""
    example: str = ''
    """One of them."""


def describe_doubt(doubt: Doubt) -> str:
    """One line for messages and the audit."""
    example = f' (e.g. {doubt.example})' if doubt.example else ''
    return f'{doubt.about}: {doubt.text}{example}. {doubt.remedy}'


def refuse_doubts(doubts: Sequence[Doubt]) -> None:
    """Make doubts errors.

    Raises:
        InputError: If there are any, with all of them.
    """
    if doubts:
        lines = '\n'.join(f'  {describe_doubt(doubt)}' for doubt in doubts)
        raise InputError(f'{len(doubts)} doubts, and --strict allows none:\n{lines}')
