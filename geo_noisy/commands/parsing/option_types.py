"""How a type hint reads on the command line: one word or several, and which."""

import argparse
import math
import types
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from geo_noisy.errors import UsageError

_ONE_WORD = (bool, int, float, str, Path)
_SEVERAL = (list, tuple, Sequence, Iterable)


@dataclass(frozen=True)
class Words:
    """Words that an option takes.

    Attributes:
        item: Type of a word.
        counts: How many there may be; empty for any number from one.
        scalar: Whether one word is a value by itself, and not a sequence of one.
    """

    item: Any
    counts: frozenset[int]
    scalar: bool

    def settings(self, default: Any) -> dict[str, Any]:
        """What ``add_argument`` is told of the type.

        Args:
            default: The default of the parameter.
        """
        if self.item is bool:
            return {'action': argparse.BooleanOptionalAction}
        if self.item is str and not self.counts and not default:
            return {'action': 'extend', 'nargs': '+'}  # texts may also be given by naming the option again
        kind = str if self.item is Path else self.item  # the help shows a path as a class otherwise
        if self.scalar and self.counts == {1}:
            return {'type': kind}
        (count,) = self.counts if len(self.counts) == 1 else ('+',)
        return {'type': kind, 'nargs': count}

    def value(self, given: Any, flag: str) -> Any:
        """The value of a function's parameter from what was given.

        Raises:
            UsageError: If there are too few or too many words, or a number is none.
        """
        for word in given if isinstance(given, list) else [given]:
            if isinstance(word, float) and not math.isfinite(word):
                raise UsageError(f'{flag} is {word}; give a number.')
        if not isinstance(given, list):
            return Path(given) if self.item is Path and given is not None else given
        if self.item is Path:
            given = [Path(word) for word in given]
        if self.counts and len(given) not in self.counts:
            counts = ' or '.join(map(str, sorted(self.counts)))
            raise UsageError(f'{flag} takes {counts} values; {len(given)} were given: {" ".join(map(str, given))}.')
        return given[0] if self.scalar and len(given) == 1 else tuple(given)


def words_of(hint: Any) -> Words:
    """The words that a type hint stands for; of a union those members that words can say.

    Args:
        hint: Type hint of a parameter, such as ``float | tuple[float, float] | None``.

    Raises:
        TypeError: If words cannot say any of it.
    """
    members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    single = [member for member in members if member in _ONE_WORD or get_origin(member) is Literal]
    several = [member for member in members if get_origin(member) in _SEVERAL]
    if not single and not several:
        raise TypeError(f'No words on a command line say {hint}.')
    lengths = [_length(member) for member in several]
    known = [length for length in lengths if length is not None]
    counts = frozenset([*([1] if single else []), *known] if len(known) == len(lengths) else [])
    return Words(_joined(single) if single else words_of(get_args(several[0])[0]).item, counts, bool(single))


def _joined(members: Sequence[Any]) -> Any:
    """One type of several; a path is written as a text."""
    kept = [member for member in members if member is not Path or str not in members]
    joined = kept[0]
    for member in kept[1:]:
        joined = joined | member
    return joined


def _length(hint: Any) -> int | None:
    """Length of a tuple type; None for any."""
    parts = get_args(hint)
    return len(parts) if get_origin(hint) is tuple and parts[-1] is not Ellipsis else None
