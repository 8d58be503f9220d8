"""What was left out of an index, and why: nothing disappears in silence."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Exclusion(NamedTuple):
    """Things of one kind that were left out for one reason."""

    what: str
    """'file', 'date', 'location', 'window' or 'polygon'."""
    reason: str
    """Why, and where it helps, what would keep them."""
    number: int
    """How many."""
    example: str = ''
    """One of them."""


def tally(what: str, problems: Iterable[tuple[str, str]]) -> list[Exclusion]:
    """Count problems by reason.

    Args:
        what: What was left out.
        problems: (reason, example) of each thing left out.
    """
    counts: dict[str, list[str]] = {}
    for reason, example in problems:
        counts.setdefault(reason, []).append(example)
    return [Exclusion(what, reason, len(examples), examples[0]) for reason, examples in counts.items()]


def describe(excluded: Sequence[Exclusion]) -> str:
    """One line for each reason, for messages."""
    return '\n'.join(
        f'  {item.number} x {item.what}: {item.reason}' + (f' (e.g. {item.example})' if item.example else '')
        for item in excluded
    )
